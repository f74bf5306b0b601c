"""The regressor."""

from collections.abc import Callable, Sequence
from typing import Any, Literal, Self

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from skbackprop._core.activations import ACTIVATIONS
from skbackprop._core.losses import LOSSES, Loss
from skbackprop._core.problem import Target, TargetForm
from skbackprop._estimators.base import BaseBackprop
from skbackprop._estimators.check_data import GivenRows, check_numbers
from skbackprop._estimators.check_parameters import check_choice, check_number, check_quantile
from skbackprop._estimators.scores import check_scored, explained, score_of


class BackpropRegressor(RegressorMixin, BaseBackprop):
    """Feed-forward network for regression, fitted by plain gradient descent.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(128, 64)
        Number of units of each hidden layer. An integer is one layer; ``()`` is none, which
        makes the model linear in its parameters before the output activation.
    activation : str or sequence of str, default="sigmoid"
        Activation function of the hidden layers: "sigmoid", "softplus", "tanh", "relu" or
        "identity". One name serves all of them; a sequence has one name a layer. For more than ten
        layers take "tanh" or "relu": deeper stacks of sigmoids may end as a constant.
    n_hidden_layers : int or None, default=None
        Number of hidden layers of `hidden_layer_sizes` units each, which must then be one integer,
        alone or in a sequence: a search can vary depth and width apart. None for as many as
        `hidden_layer_sizes` says.
    output_activation : str, default="identity"
        Function of the output layer, one of those of `activation`. Targets outside its range
        are approached, never reached: a new fit warns if that takes more than a tenth off R².
        Under "standardize" (see `conditioning`) all but "identity" start from predictions near
        the mean of `y`; "relu" takes targets divided by their deviation, and so does "softplus" by
        a hundredth of it if that is above 1, shifted neither of them.
    loss : str, default="half_squared_error"
        Loss of a row, a sum over its outputs of a function of the residual r = ŷ − y, or of y
        and ŷ:

        - "half_squared_error": ½ r²;
        - "squared_error": r²;
        - "absolute_error": ``|r|``, for the median of y;
        - "huber": ½ r² up to a residual of δ, linear beyond, see `huber_delta` [6]_;
        - "quantile": max(−q r, (1 − q) r), for the q-quantile of y, see `quantile` [7]_;
        - "poisson": y log(y / ŷ) − y + ŷ, half the Poisson deviance, for counts and other `y`
          that are never negative. The prediction is the exponential of the last weighted sums,
          and so positive; `output_activation` must be "identity".
    quantile : float or sequence of float, default=0.5
        The quantile that loss="quantile" is for, above 0 and below 1. With a sequence, which must
        increase, there is an output for each, `y` must have one column, and `predict` returns
        shape (n_samples, n_quantiles): the outputs of the network sorted, so that they do not
        cross [8]_. Other losses do not use it.
    huber_delta : float, default=0.5
        The residual δ up to which loss="huber" is quadratic, in units of the size of
        `target_scale_`: of the deviation of `y` under an identity or relu output, of a hundredth
        of it or 1 under softplus, of `y` itself under the others and without conditioning.
        Other losses do not use it.
    loss_reduction : {"mean", "sum"}, default="mean"
        Whether the losses of the rows of a batch are averaged or added up. With sample weights
        the average is Σ w · loss / Σ w over all rows; a batch divides by its number of rows
        times the mean weight of all rows.
    conditioning : {"standardize"} or None, default="standardize"
        Coordinates of the descent. "standardize" shifts and scales what every layer is given
        (the inputs, the activations of hidden layers) and, as far as `output_activation` lets it,
        the targets, so that they vary around 0 by about 1 [4]_. The fitted network acts on raw
        `X` and predicts raw `y` all the same, and neither shifting nor scaling a column changes
        its predictions; without intercepts columns are only scaled, and shifting one changes them.
        A squared error takes the mean and the standard deviation of `y`; the absolute error,
        "huber" and "quantile", which wild values hardly pull, the median and the distance of the
        quartiles over 1.349, which is the standard deviation of a normal distribution; "poisson"
        divides `y` by its mean.
        None descends on the weights themselves, as textbooks do.
    alpha : float or "auto", default="auto"
        Strength of the L2 penalty: the objective is the reduced loss, in units of the variance of
        `y` where that is conditioned, + ½ · alpha · Σ coef².
        The coefficients are those of the conditioned coordinates; intercepts are exempt. It is
        divided neither by rows nor by the batch size; only under "sum" has a batch the penalty
        in proportion to its rows, as it has of the losses. "auto" is 0.03 a feature, at most
        0.3, over the total weight of the rows, or over their number if that is more or there
        are no weights (in `partial_fit`, of all rows so far); and at least 2.5e-7 a feature, as
        the weights of many inputs are to be short [9]_. Under "sum" it is so much times the weight.
        Search from 1e-5 to 1e-2, with very many rows lower, too: from about 0.1 on, sigmoids under
        the "mean" end as a constant.
    feature_penalty : float or "auto", default="auto"
        Strength of the penalty by which features without a say fade, in units of `alpha`. Descent
        then also moves one scale s_j a feature, a factor of its coefficients that starts at 1, and
        the objective has ½ · alpha · feature_penalty · g · Σ s_j² more, g being the share of the
        first loss that is explained so far. 0 has no such scales, and nor has `partial_fit`. "auto"
        is 2.5 √n_features; and 0 without a hidden layer, under ``conditioning=None``, with an
        `alpha` of 0, for more than 1,000 features, and for an `output_activation` of "softplus".
    fit_intercept : bool, default=True
        Whether the layers have intercepts (biases). Without them `intercepts_` are zero.
    learning_rate : float or "auto", default="auto"
        Step size: w ← w − learning_rate · fraction · ∂objective/∂w, where the fraction is that
        of the schedule. "auto" is 1.5 / λ, λ the largest curvature of the objective at the initial
        weights or at rest, found by power iteration on batches [5]_; an epoch that explodes is
        undone, and the step halved. The absolute error, "huber" and "quantile", which have no
        curvature but where they bend, count as parabolas whose slope rises as much as theirs
        between residuals of −½ and ½ deviation of `y`. A float is taken at its word: for a
        textbook by hand, for a search over rates, for a stream whose first rows are not like the
        others. In `partial_fit`, where the step does not decay, "auto" is half of that.
    learning_rate_schedule : {"linear", "constant", "invscaling", "adaptive"}, default="linear"
        Fraction of the step size at t epochs from the start, parts of an epoch included:

        - "linear": 1 − t / max_iter, down to zero at the end [2]_;
        - "constant": 1;
        - "invscaling": 1 / √(1 + t) [3]_;
        - "adaptive": divided by 5 at each plateau of the loss (see `tol`), until it is below
          10⁻⁴, which ends the fit.

        `partial_fit` has no end in view: there "linear" and "adaptive" are constant.
    batch_size : int, "auto" or "full", default="auto"
        Largest number of rows a gradient is taken over; the last batch of an epoch has what is
        left. "full" is all rows, and so is a number as large as that. "auto" is 32.
    max_iter : int or "auto", default="auto"
        Number of epochs (passes over the rows) at most. "auto" is 60 · (2,000 / n_samples)^⅓, at
        least 20 and at most 200: more rows make more steps an epoch, and fewer epochs do.
    shuffle : bool, default=True
        Whether each epoch takes the rows in a new random order. A full batch has no order.
    tol : float or None, default=1e-4
        When the fit has converged: once the mean gradient of an epoch is at most `tol` times
        as long as that of the first epoch; and under "constant" and "invscaling" at a plateau,
        which is `n_iter_no_change` epochs without a fall of the loss by more than `tol` times
        its lowest value so far. None: neither ends the fit, and no plateau shortens the step.
        With `early_stopping` the plateau is that of the validation score.
    n_iter_no_change : int, default=10
        Number of epochs that make a plateau.
    early_stopping : bool, default=False
        Whether to end the fit when `n_iter_no_change` epochs in a row have not raised the
        validation score by more than `tol` times its best; under the "linear" schedule, whose
        shorter steps may raise it yet, a quarter of `max_iter` if that is more. The rows to
        validate on are those given to `fit`, else a random part of the data, the same again under
        `warm_start`. Under "adaptive" such a plateau divides the step first. With a `tol` of None
        any rise counts.
    validation_fraction : float, default=0.1
        The part of the rows that `early_stopping` holds out, or of the `groups` given to `fit`.
        `random_state` draws them.
    scoring : str or callable, default="loss"
        The validation score: minus the loss, or a name or callable as in
        `sklearn.model_selection.cross_val_score`. With rows to validate on, given or held out,
        it is taken after each epoch, and the fitted weights are those of the best; without such
        rows it has no use. A callable is called as ``scoring(estimator, X, y)``, and with
        ``sample_weight=`` where rows have weights, of the class or their own: the estimator is a
        copy as if fitted for the epochs done, `X` an array or CSR matrix in the precision of the
        fit, `y` an array of targets as given, whatever frames they came from.
    warm_start : bool, default=False
        Whether `fit` goes on from the fitted weights and the state of the shuffle. The
        schedule starts anew.
    random_state : int, RandomState instance or None, default=None
        Determines the initial weights and, from streams of their own, the order of the rows,
        the search for the curvature and the rows held out.
        Pass an int for the same result at every fit.
    verbose : int or bool, default=0
        1 prints a line an epoch, with the loss, that on the rows to validate on, the step size
        and the seconds since the start: the first ten, then every tenth up to a hundred, and so
        on. 2 prints the line of every epoch.

    Attributes
    ----------
    coefs_ : list of ndarray
        ``coefs_[l]``, of shape (fan_in, fan_out) and the dtype of `X`, are the weights from
        layer l to layer l + 1; layer 0 is the input.
    intercepts_ : list of ndarray
        ``intercepts_[l]``, of shape (fan_out,) and float64, are the intercepts of layer l + 1.
    loss_ : float
        The objective, penalty included, at the fitted weights on all rows of the last call, in
        units of raw `y`.
    loss_curve_ : list of float
        ``loss_curve_[k]`` is the objective that the steps of epoch k of the last call met, in
        full batch the one before step k.
    step_sizes_ : list of float
        ``step_sizes_[k]`` is the size of the first step of epoch k of the last call, in the
        coordinates of the descent: `learning_rate_` times the fraction of the schedule, and twice
        that for each epoch undone after it.
    validation_loss_curve_ : list of float
        The loss on the rows to validate on after each epoch, without the penalty, averaged or
        added up as `loss_reduction` says. Only where there are such rows.
    validation_scores_ : list of float
        The score by `scoring` after each epoch: minus the loss under "loss".
    best_iter_ : int
        Number of epochs after which the score was best; the weights are those of then. Like
        ``validation_scores_``, whose largest is ``validation_scores_[best_iter_ - 1]``, it leaves
        out epochs that were undone. With `warm_start` it is 0 where the weights to start from
        were the best, and without it where the first epoch diverged.
    n_iter_ : int
        Number of epochs of the last `fit`, undone ones included, and of the calls of
        `partial_fit` since.
    learning_rate_ : float
        Step size before the schedule, in the coordinates of the descent, halved for each epoch
        that was undone.
    curvature_ : float or None
        Largest curvature found when it was last looked for; None with a float `learning_rate`.
    input_shift_ : ndarray of shape (`n_features_in_`,)
        What the conditioned inputs are shifted by; 0 without conditioning.
    input_scale_ : ndarray of shape (`n_features_in_`,)
        What the conditioned inputs are divided by; 1 without conditioning. It is negative where
        the value farthest from the mean is below it.
    target_shift_ : ndarray of shape (`n_outputs_`,)
        What the targets are shifted by; 0 where they are not conditioned. Under "poisson" that
        of the last weighted sums, the logarithm of the mean of `y`.
    target_scale_ : ndarray of shape (`n_outputs_`,)
        What the targets are divided by; 1 where they are not conditioned, and under "poisson".
    hidden_shift_ : list of float
        What the activations of each hidden layer are shifted by; 0 without conditioning.
    hidden_scale_ : list of float
        What they are divided by; 1 without conditioning. `alpha` penalises, of layer l,
        ``scale[:, None] * coefs_[l] / target_scale_``, with the scale of the layer's inputs, and
        the target's in the last layer only.
    status_ : {"converged", "max_iter", "early_stopped", "stopped", "interrupted", "diverged"}
        How the last call ended; "stopped" is by a callback.
    out_activation_ : str
        Name of the function of the output layer; "exp" under "poisson".
    n_outputs_ : int
        Number of outputs of the network: of targets, or of several quantiles of one.
    n_layers_ : int
        Number of layers, input and output included.
    n_features_in_ : int
        Number of features seen during fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where `X` has names that are all strings.

    See Also
    --------
    BackpropClassifier : The same for classification.

    Notes
    -----
    The weights start at the uniform draw of [1]_ in ±g √(6 / (fan_in + fan_out)), the intercepts at
    zero, but for the last under an `output_activation` other than "identity". In conditioned
    coordinates g is 4 for weights into sigmoids, whose derivative is ¼ at rest, and 2 for those
    into softplus units, where it is ½; else it is 1. A hidden layer that follows sigmoids has twice
    that, one that follows softplus units 1.6 times; the output layer has 1. Gradients are those of
    backpropagation, steps those of mini-batch gradient descent: one gradient times one global step
    size, in coordinates fixed before the first step. No momentum, no averaging, no clipping, no
    adaptation by weight.

    A fit has diverged when its loss is not finite, or above 100 times the first for 5 epochs,
    and then goes back to the best weights it met; or when it ends above the loss of its first
    weights (going on from weights that were fitted: by more than 5% of the first loss ever).
    Either gives a `DivergenceWarning`.

    Ctrl-C ends `fit` with a warning and keeps the weights learned so far; so it does in a search,
    which then goes on to its next candidate. In `partial_fit` it is raised anew, once the weights
    are kept.

    Several targets are weighted by 1 / σ², each by its own variance, so that each counts alike;
    `loss_` is then in units of their mean variance. Under the absolute error and "quantile" it is
    1 / σ, under "poisson" 1 over the mean, and `loss_` in units of the mean of those.

    A stream of `partial_fit` averages the quartiles of its calls, by the weights of their rows.

    References
    ----------
    .. [1] X. Glorot and Y. Bengio, "Understanding the difficulty of training deep feedforward
       neural networks", AISTATS 2010, equation 16.
    .. [2] A. Defazio, A. Cutkosky, H. Mehta and K. Mishchenko, "Optimal linear decay learning
       rate schedules and further refinements", 2023.
    .. [3] M. Zinkevich, "Online convex programming and generalized infinitesimal gradient
       ascent", ICML 2003.
    .. [4] Y. LeCun, L. Bottou, G. Orr and K.-R. Müller, "Efficient BackProp", in Neural
       Networks: Tricks of the Trade, 1998.
    .. [5] Y. LeCun, P. Simard and B. Pearlmutter, "Automatic learning rate maximization by
       on-line estimation of the Hessian's eigenvectors", NIPS 1992.
    .. [6] P. J. Huber, "Robust estimation of a location parameter", Annals of Mathematical
       Statistics 35, 1964.
    .. [7] R. Koenker and G. Bassett, "Regression quantiles", Econometrica 46, 1978.
    .. [8] V. Chernozhukov, I. Fernández-Val and A. Galichon, "Quantile and probability curves
       without crossing", Econometrica 78, 2010.
    .. [9] R. Neal, "Bayesian Learning for Neural Networks", Springer, 1996, section 2.1.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from skbackprop import BackpropRegressor
    >>> X, y = load_diabetes(return_X_y=True, scaled=False)
    >>> model = BackpropRegressor(random_state=0).fit(X[:300], y[:300])
    >>> bool(model.score(X[300:], y[300:]) > 0.45)
    True

    An interval that is to hold 80% of the targets, and their median:

    >>> model.set_params(loss="quantile", quantile=(0.1, 0.5, 0.9)).fit(X[:300], y[:300])
    BackpropRegressor(loss='quantile', quantile=(0.1, 0.5, 0.9), random_state=0)
    >>> low, median, high = model.predict(X[300:]).T
    >>> bool((low <= median).all() and (median <= high).all())
    True

    One step from given weights, w = 1 and b = 0: ŷ − y = 2 − 4, so that dJ/dw is −2 · 2 and dJ/db
    is −2.

    >>> neuron = BackpropRegressor(
    ...     hidden_layer_sizes=(), conditioning=None, alpha=0, learning_rate=0.1,
    ...     learning_rate_schedule="constant", batch_size="full", max_iter=1, tol=None,
    ... )
    >>> neuron = neuron.fit([[2.0]], [4.0], coefs_init=[[[1.0]]], intercepts_init=[[0.0]])
    >>> float(neuron.coefs_[0][0, 0]), float(neuron.intercepts_[0][0])
    (1.4, 0.2)
    """

    _losses = (
        "half_squared_error",
        "squared_error",
        "absolute_error",
        "huber",
        "quantile",
        "poisson",
    )

    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] | np.ndarray = (128, 64),
        activation: str | Sequence[str] = "sigmoid",
        *,
        n_hidden_layers: int | None = None,
        output_activation: str = "identity",
        loss: Literal[
            "half_squared_error", "squared_error", "absolute_error", "huber", "quantile", "poisson"
        ] = "half_squared_error",
        quantile: float | Sequence[float] | np.ndarray = 0.5,
        huber_delta: float = 0.5,
        loss_reduction: Literal["mean", "sum"] = "mean",
        conditioning: Literal["standardize"] | None = "standardize",
        alpha: float | Literal["auto"] = "auto",
        feature_penalty: float | Literal["auto"] = "auto",
        fit_intercept: bool = True,
        learning_rate: float | Literal["auto"] = "auto",
        learning_rate_schedule: Literal["linear", "constant", "invscaling", "adaptive"] = "linear",
        batch_size: int | Literal["auto", "full"] = "auto",
        max_iter: int | Literal["auto"] = "auto",
        shuffle: bool = True,
        tol: float | None = 1e-4,
        n_iter_no_change: int = 10,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        scoring: str | Callable[..., float] = "loss",
        warm_start: bool = False,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.n_hidden_layers = n_hidden_layers
        self.loss = loss
        self.loss_reduction = loss_reduction
        self.conditioning = conditioning
        self.alpha = alpha
        self.feature_penalty = feature_penalty
        self.fit_intercept = fit_intercept
        self.learning_rate = learning_rate
        self.learning_rate_schedule = learning_rate_schedule
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.scoring = scoring
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose
        self.output_activation = output_activation
        self.quantile = quantile
        self.huber_delta = huber_delta

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Descend for one epoch over the given rows, from the weights so far.

        The statistics of the coordinates are those of all rows so far; as they move, the weights
        are converted so that the function does not. The step does not decay, and no epoch is
        undone.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Inputs, converted to the precision of the fitted weights.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, none negative; under the "mean" their mean counts as 1.

        Returns
        -------
        self : BackpropRegressor
            The fitted estimator.

        Examples
        --------
        >>> import numpy as np
        >>> from skbackprop import BackpropRegressor
        >>> X = np.linspace(-1, 1, 64).reshape(-1, 1)
        >>> model = BackpropRegressor(hidden_layer_sizes=8, random_state=0)
        >>> for _ in range(100):
        ...     model = model.partial_fit(X, X[:, 0] ** 2)
        >>> model.n_iter_
        100
        """
        return self._fit(GivenRows(X, y, sample_weight), partial=True)

    def predict(self, X: Any) -> np.ndarray:
        """Predict targets.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Inputs; the result has the precision of `X` or of the weights, whichever is higher.

        Returns
        -------
        y_pred : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Predictions, of the shape that `y` had; of several quantiles shape
            (n_samples, n_quantiles), increasing along a row.

        Raises
        ------
        ValueError
            If `X` is not of numbers and columns as those of `fit` were, or so far beyond them that
            a result leaves the range of floats.

        Examples
        --------
        >>> from skbackprop import BackpropRegressor
        >>> model = BackpropRegressor(hidden_layer_sizes=(), random_state=0)
        >>> model.fit([[0.0], [1.0]], [0.0, 1.0]).predict([[0.5]]).shape
        (1,)
        """
        check_is_fitted(self)
        name, options = self._form["loss"]
        loss = self._loss_of(name, options, self.out_activation_)

        def from_raw(raw_prediction: np.ndarray, scratch: np.ndarray) -> np.ndarray:
            loss.inverse_link(raw_prediction, scratch)
            return raw_prediction[:, 0] if self._form["ndim"] == 1 else raw_prediction

        return self._predict_rows(X, from_raw)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the fraction of the loss of a constant prediction that the network explains.

        Under a squared error, the absolute error and "huber" it is R², of
        `sklearn.metrics.r2_score`; under "quantile" D² of the pinball loss, of
        `sklearn.metrics.d2_pinball_score`, averaged over several quantiles; under "poisson" D² of
        the Poisson deviance, of `sklearn.metrics.d2_tweedie_score`. Several outputs are averaged.
        Where `y` is constant, a score is 1 for perfect predictions and 0 for all others; it is nan,
        with a warning, where there is only one row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Inputs.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        score : float
            1 for perfect predictions, 0 for those of the best constant, and less for worse.

        Examples
        --------
        >>> from skbackprop import BackpropRegressor
        >>> model = BackpropRegressor(hidden_layer_sizes=(), alpha=0, random_state=0)
        >>> model = model.fit([[0.0], [1.0], [2.0]], [0.0, 1.0, 2.0])
        >>> round(model.score([[3.0], [4.0]], [3.0, 4.0]), 6)
        1.0
        """
        y_pred = self.predict(X)
        loss, options = self._form["loss"]
        quantile = options.get("quantile", 0.5)
        if not isinstance(quantile, tuple):
            y, sample_weight = check_scored(y, sample_weight, y_pred, self.n_outputs_)
            return explained(score_of(loss, quantile), y, y_pred, sample_weight)
        y, sample_weight = check_scored(y, sample_weight, y_pred, 1)
        scores = [
            explained(score_of(loss, q), y, y_pred[:, k], sample_weight)
            for k, q in enumerate(quantile)
        ]
        return float(np.mean(scores))

    def _check_target(self, y: Any, dtype: np.dtype, *, whole: bool) -> np.ndarray:
        if hasattr(y, "toarray"):
            raise TypeError("y must be dense; got a sparse matrix. Convert it by y.toarray().")
        return check_numbers("y", y, dtype=dtype, must_vary=whole)

    def _encode_target(
        self,
        y: np.ndarray,
        dtype: np.dtype,
        classes: Any,
        *,
        partial: bool,
        known: TargetForm | None,
    ) -> Target:
        output_activation = check_choice("output_activation", self.output_activation, ACTIVATIONS)
        quantile = check_quantile(self.quantile)
        delta = check_number("huber_delta", self.huber_delta, positive=True)
        options = {"quantile": {"quantile": quantile}, "huber": {"delta": delta}}
        fitted_loss: tuple[str, dict[str, Any]] = self.loss, options.get(self.loss, {})
        loss = self._loss_of(*fitted_loss, output_activation)
        values = y.reshape(len(y), -1)
        ndim, n_outputs = y.ndim, values.shape[1]
        if self.loss == "quantile" and isinstance(quantile, tuple):
            if n_outputs > 1:
                raise ValueError(
                    f"y must have one column for several quantiles; got {n_outputs} columns and "
                    f"quantile={self.quantile!r}."
                )
            ndim, n_outputs = 2, len(quantile)
        if self.loss == "poisson" and values.min() < 0.0:
            raise ValueError(
                f"y must not be negative under loss='poisson'; got {values.min():.6g}."
            )
        if known is not None and n_outputs != known.n_outputs:
            each = ", one a quantile" if n_outputs > values.shape[1] else ""
            raise ValueError(
                f"y must have {known.n_outputs} outputs, as fitted; got {n_outputs}{each}. "
                "Fit with warm_start=False to start anew."
            )
        if known is not None and partial:
            ndim = known.ndim
        return Target(values, loss, True, TargetForm(n_outputs, fitted_loss, ndim=ndim))

    @staticmethod
    def _loss_of(name: str, options: dict[str, Any], output_activation: str) -> Loss:
        return LOSSES[name]("matrix", output_activation, **options)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.target_tags.positive_only = self.loss == "poisson"
        return tags
