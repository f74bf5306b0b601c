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
from skbackprop._estimators.regression_scores import check_scored, explained, score_of


class BackpropRegressor(RegressorMixin, BaseBackprop):
    """Feed-forward network for regression, fitted by plain gradient descent.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(128, 64)
        Number of units of each hidden layer. An integer gives one layer, ``()`` a network without
        hidden layers. See :ref:`depth`.
    activation : str or sequence of str, default="sigmoid"
        Activation function of the hidden layers: "sigmoid", "softplus", "tanh", "relu" or
        "identity". A sequence has one name for each layer. See :ref:`activation_functions`.
    n_hidden_layers : int or None, default=None
        Number of hidden layers. `hidden_layer_sizes` must then be one integer, the units of each
        layer. With None, `hidden_layer_sizes` gives the number of layers. See :ref:`depth`.
    output_activation : str, default="identity"
        Function of the output layer, with the same names as `activation`. Predictions cannot reach
        targets outside its range. See :ref:`output_activation`.
    loss : str, default="half_squared_error"
        Loss of a row: "half_squared_error" or "squared_error" for the mean of y, "absolute_error"
        for the median, "huber" for a value between them, "quantile" for quantiles, "poisson" for
        the mean of counts. See :ref:`losses` and :ref:`regression_losses`.
    quantile : float or sequence of float, default=0.5
        Quantile that ``loss="quantile"`` predicts, above 0 and below 1. A sequence must increase
        and has one output for each quantile of a single target. See :ref:`regression_losses`.
    huber_delta : float, default=0.5
        Residual up to which ``loss="huber"`` is quadratic, in units of the size of
        `target_scale_`. See :ref:`regression_losses`.
    loss_reduction : {"mean", "sum"}, default="mean"
        Whether the losses of the rows of a batch are averaged or added up. See :ref:`objective`.
    conditioning : {"standardize"} or None, default="standardize"
        Coordinates of the descent. "standardize" shifts and scales numeric targets and the inputs
        of each layer. None descends on the raw weights. The fitted network takes raw data in both
        cases. See :ref:`conditioning`.
    alpha : float or "auto", default="auto"
        Strength of the L2 penalty ½ · alpha · Σ coef² on the conditioned coefficients. "auto"
        depends on the numbers of features and rows. Search from 1e-5 to 1e-3. See :ref:`penalty`.
    feature_penalty : float or "auto", default="auto"
        Strength, in units of `alpha`, of the penalty that makes useless features fade out. 0
        switches it off. "auto" is 2.5 √n_features, or 0 for some losses and networks. See
        :ref:`feature_penalty`.
    fit_intercept : bool, default=True
        Whether the layers have intercepts (biases). If not, they are 0. See :ref:`no_intercepts`.
    learning_rate : float or "auto", default="auto"
        Step size. "auto" is 1.5 / λ, where λ is the largest curvature of the objective at the
        start. It is halved when the loss explodes. A float is used as it is. See :ref:`step_size`.
    learning_rate_schedule : {"linear", "constant", "invscaling", "adaptive"}, default="linear"
        Factor of the step size after t epochs: "linear" is 1 − t / max_iter, "constant" is 1,
        "invscaling" is 1 / √(1 + t), "adaptive" is divided by 5 at each plateau of the loss. In
        `partial_fit`, "linear" and "adaptive" are constant. See :ref:`schedule`.
    batch_size : int, "auto" or "full", default="auto"
        Largest number of rows of a batch. "auto" is 32, or 128 for 2,000 rows or more with more
        than 1,000 features, and up to 256 for sparse `X`; "full" is all rows. See
        :ref:`batches`.
    max_iter : int or "auto", default="auto"
        Largest number of epochs (passes over the rows). "auto" is 60 for 2,000 rows and fewer
        for more rows. See :ref:`batches`.
    shuffle : bool, default=True
        Whether each epoch takes the rows in a new random order. See :ref:`batches`.
    tol : float or None, default=1e-4
        Tolerance of convergence, relative to the gradient of the first epoch and, at a plateau, to
        the best loss or validation score. None switches the test off. See :ref:`schedule`.
    n_iter_no_change : int, default=10
        Number of epochs without improvement that make a plateau. Under the "linear" schedule no
        plateau of the loss ends a fit, and one of the score has at least a quarter of `max_iter`
        epochs. See :ref:`schedule`.
    early_stopping : bool, default=False
        Whether to end the fit when the validation score stops rising. Without `X_val` in `fit`, a
        random part of the rows is held out to validate on. See :ref:`validation`.
    validation_fraction : float, default=0.1
        Fraction of rows, or of `groups`, that `early_stopping` holds out. See :ref:`validation`.
    scoring : str or callable, default="loss"
        Validation score: "loss" is minus the loss, others are those of scikit-learn's
        `cross_val_score`. The weights of the best score are kept. See :ref:`validation`.
    warm_start : bool, default=False
        Whether `fit` continues from the fitted weights. See :ref:`going_on`.
    random_state : int, RandomState instance or None, default=None
        Determines the initial weights, the order of the rows, the search for the curvature and the
        held-out rows. Pass an int for repeatable fits. See :ref:`repeatability`.
    verbose : int or bool, default=0
        1 prints the losses, the step size and the seconds of some epochs, 2 those of every epoch.
        See :ref:`watching`.

    Attributes
    ----------
    coefs_ : list of ndarray
        ``coefs_[l]``, of shape (fan_in, fan_out) and the dtype of `X`, has the weights from layer l
        to l + 1. Layer 0 is the input, with :ref:`long tails <long_tails>` tamed.
    intercepts_ : list of ndarray
        ``intercepts_[l]``, of shape (fan_out,) and float64, has the intercepts of layer l + 1.
    feature_importances_ : ndarray of shape (n_features,)
        Lengths of the conditioned coefficients of each feature, divided by their sum.
    loss_ : float
        Objective, with the penalty, at the fitted weights on all rows of the last call.
    loss_curve_ : list of float
        ``loss_curve_[k]`` is the objective in epoch k of the last call, measured on each batch
        before its step.
    step_sizes_ : list of float
        Size of the first step of each epoch of the last call. See :ref:`schedule`.
    validation_loss_curve_ : list of float
        Loss on the validation rows after each epoch, without the penalty. See :ref:`validation`.
    validation_scores_ : list of float
        Score by `scoring` after each epoch. Exists, like `best_iter_`, only with validation rows.
    best_iter_ : int
        Number of epochs after which the score was best and the weights were kept.
    n_iter_ : int
        Number of epochs of the last `fit`, with undone ones, and of later `partial_fit` calls.
    learning_rate_ : float
        Step size before the schedule, in conditioned coordinates, halved for each undone epoch.
    curvature_ : float or None
        Largest curvature at the last search; None with a float `learning_rate`.
    tail_center_ : ndarray of shape (`n_features_in_`,)
        Medians of the columns with :ref:`long tails <long_tails>`; 0 for the others.
    tail_scale_ : ndarray of shape (`n_features_in_`,)
        Three robust standard deviations of these columns; infinite for the others.
    input_shift_ : ndarray of shape (`n_features_in_`,)
        Shift of the conditioned inputs; 0 without conditioning.
    input_scale_ : ndarray of shape (`n_features_in_`,)
        Divisor of the conditioned inputs, negative for some; 1 without conditioning.
    target_shift_ : ndarray of shape (`n_outputs_`,)
        Shift of the targets; 0 if they are not conditioned.
    target_scale_ : ndarray of shape (`n_outputs_`,)
        Divisor of the targets; 1 if they are not conditioned.
    hidden_shift_ : list of float
        Shift of the activations of each hidden layer; 0 without conditioning.
    hidden_scale_ : list of float
        Divisor of the activations of each hidden layer; 1 without conditioning.
    status_ : {"converged", "max_iter", "early_stopped", "stopped", "interrupted", "diverged"}
        How the last call ended. See :ref:`status`.
    out_activation_ : str
        Name of the function of the output layer.
    n_outputs_ : int
        Number of outputs of the network.
    n_layers_ : int
        Number of layers, input and output included.
    n_features_in_ : int
        Number of features seen during fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features. Exists if all column names of `X` are strings.

    See Also
    --------
    BackpropClassifier : The same for classification.

    Notes
    -----
    Mini-batch gradient descent in fixed coordinates: no momentum, no averaging, no clipping, no
    step size for single weights (:ref:`objective`, :ref:`initial_weights`). A fit that diverges
    gives a `DivergenceWarning`. An interrupted fit keeps its weights (:ref:`status`).

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from skbackprop import BackpropRegressor
    >>> X, y = load_diabetes(return_X_y=True, scaled=False)
    >>> model = BackpropRegressor(random_state=0).fit(X[:300], y[:300])
    >>> bool(model.score(X[300:], y[300:]) > 0.45)
    True

    An interval for 80% of the targets, and the median:

    >>> model.set_params(loss="quantile", quantile=(0.1, 0.5, 0.9)).fit(X[:300], y[:300])
    BackpropRegressor(loss='quantile', quantile=(0.1, 0.5, 0.9), random_state=0)
    >>> low, median, high = model.predict(X[300:]).T
    >>> bool((low <= median).all() and (median <= high).all())
    True

    One step from given weights, w = 1 and b = 0: ŷ − y = 2 − 4, so dJ/dw is −2 · 2 and dJ/db is
    −2.

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

        The step does not decay, and no epoch is undone. See :ref:`going_on`.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Inputs, converted to the precision of the fitted weights.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, none negative. See :ref:`sample_weights`.

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
            Inputs. The result has the precision of `X` or of the weights, whichever is higher.

        Returns
        -------
        y_pred : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Predictions with the shape of `y` in `fit`. Several quantiles are sorted columns.

        Raises
        ------
        ValueError
            If `X` is not numeric, has other columns than in `fit`, or a result overflows.

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
        """Return R²; under "quantile" or "poisson" D² of that loss, averaged over the outputs.

        See :ref:`regression_losses`.

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
            1 for perfect predictions, 0 for the best constant; nan, with a warning, for one row.

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
        of_strings = " For class labels use BackpropClassifier."
        return check_numbers("y", y, dtype=dtype, must_vary=whole, of_strings=of_strings)

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
                "Fit with warm_start=False to start again."
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
