"""The classifier."""

from collections.abc import Callable, Sequence
from typing import Any, Literal, Self

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils import Tags
from sklearn.utils.validation import column_or_1d

from skbackprop._core.losses import LOSSES, BinaryLogLoss, MultinomialLogLoss
from skbackprop._core.problem import Target, TargetForm
from skbackprop._estimators.base import BaseBackprop
from skbackprop._estimators.check_data import GivenRows
from skbackprop._estimators.class_weight import class_factors
from skbackprop._estimators.labels import check_classes, check_labels, is_multilabel


class BackpropClassifier(ClassifierMixin, BaseBackprop):
    """Feed-forward network for classification, fitted by plain gradient descent.

    Classes are labels of any type that sorts; several labels at once (multilabel) are a matrix of
    zeros and ones. If `y` has one class only, that class is predicted, with probability 1.

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
    loss : {"log_loss", "half_squared_error", "squared_error"}, default="log_loss"
        Loss of a row.

        - "log_loss": the negative log-likelihood, on a softmax over the classes; on one sigmoid
          output for two classes; on a sigmoid a label for multilabel targets.
        - "half_squared_error", "squared_error": ½ Σ (ŷ − y)² or Σ (ŷ − y)² over sigmoid
          outputs, one a class or label, y being 1 for the class of the row and 0 for the
          others. The textbooks' choice.
    loss_reduction : {"mean", "sum"}, default="mean"
        Whether the losses of the rows of a batch are averaged or added up. With sample weights
        the average is Σ w · loss / Σ w over all rows; a batch divides by its number of rows
        times the mean weight of all rows.
    conditioning : {"standardize"} or None, default="standardize"
        Coordinates of the descent. "standardize" shifts and scales what every layer is given
        (the inputs, the activations of hidden layers) so that it varies around 0 by
        about 1 [4]_. The fitted network acts on raw `X` all the same, and neither
        shifting nor scaling a column changes its predictions; without intercepts columns are
        only scaled, and shifting one changes them. None descends on the weights themselves, as
        textbooks do.
    alpha : float or "auto", default="auto"
        Strength of the L2 penalty: the objective is the reduced loss + ½ · alpha · Σ coef².
        The coefficients are those of the conditioned coordinates; intercepts are exempt. It is
        divided neither by rows nor by the batch size; only under "sum" has a batch the penalty
        in proportion to its rows, as it has of the losses. "auto" is 0.03 a feature, at most
        0.3, over the total weight of the rows, or over their number if that is more or there
        are no weights (in `partial_fit`, of all rows so far); and at least 2.5e-7 a feature, as
        the weights of many inputs are to be short [6]_, or a tenth of that with a
        `feature_penalty`. Under "sum" it is so much times the weight.
        Search from 1e-5 to 1e-2, with very many rows lower, too: from about 0.1 on, sigmoids under
        the "mean" end as a constant.
    feature_penalty : float or "auto", default="auto"
        Strength of the penalty by which features without a say fade, in units of `alpha`. Descent
        then also moves one scale s_j a feature, a factor of its coefficients that starts at 1, and
        the objective has ½ · alpha · feature_penalty · g · Σ s_j² more, g being the share of the
        first loss that is explained so far. 0 has no such scales, and nor has `partial_fit`. "auto"
        is 2.5 √n_features; and 0 without a hidden layer, under ``conditioning=None``, with an
        `alpha` of 0, for more than 1,000 features.
    class_weight : dict, list of dict, "balanced" or None, default=None
        Weights of the rows by their class, multiplied with `sample_weight`: {class: weight},
        1 for classes that are not in it. If all are, it may have more, which some folds of the
        data may lack. For multilabel it is a list of one {0: weight, 1: weight} a label, whose
        product counts. "balanced" is W / (n_classes · W_c), W the weight of all rows and
        W_c that of the rows of the class; `partial_fit`, which sees rows by and by, refuses it.
        The rows to validate on are weighted likewise, those given to `fit` by their own W.
    fit_intercept : bool, default=True
        Whether the layers have intercepts (biases). Without them `intercepts_` are zero.
    learning_rate : float or "auto", default="auto"
        Step size: w ← w − learning_rate · fraction · ∂objective/∂w, where the fraction is that
        of the schedule. "auto" is 1.5 / λ, λ the largest curvature of the objective at the initial
        weights or at rest, found by power iteration on batches [5]_; an epoch that explodes is
        undone, and the step halved. A float is taken at its word: for a textbook by hand, for a
        search over rates, for a stream whose first rows are not like the others. In
        `partial_fit`, where the step does not decay, "auto" is half of that.
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
        The part of the rows that `early_stopping` holds out, of each class if there are enough,
        or of the `groups` given to `fit`. `random_state` draws them.
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
        The objective, penalty included, at the fitted weights on all rows of the last call.
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
        What the targets are shifted by; 0 where they are not conditioned.
    target_scale_ : ndarray of shape (`n_outputs_`,)
        What the targets are divided by; 1 where they are not conditioned.
    hidden_shift_ : list of float
        What the activations of each hidden layer are shifted by; 0 without conditioning.
    hidden_scale_ : list of float
        What they are divided by; 1 without conditioning. `alpha` penalises, of layer l,
        ``scale[:, None] * coefs_[l] / target_scale_``, with the scale of the layer's inputs, and
        the target's in the last layer only.
    status_ : {"converged", "max_iter", "early_stopped", "stopped", "interrupted", "diverged"}
        How the last call ended; "stopped" is by a callback.
    out_activation_ : str
        Name of the function of the output layer.
    n_outputs_ : int
        Number of outputs of the network.
    n_layers_ : int
        Number of layers, input and output included.
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted; for multilabel targets the column numbers.
    n_features_in_ : int
        Number of features seen during fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where `X` has names that are all strings.

    See Also
    --------
    BackpropRegressor : The same for regression.

    Notes
    -----
    The weights start at the uniform draw of [1]_ in ±g √(6 / (fan_in + fan_out)), the intercepts at
    zero. In conditioned coordinates g is 4 for weights into sigmoids, whose derivative is ¼ at
    rest, and 2 for those into softplus units, where it is ½; else it is 1. A hidden layer that
    follows sigmoids has twice that, one that follows softplus units 1.6 times; the output layer has
    1. Gradients are those of backpropagation, steps those of mini-batch gradient descent: one
    gradient times one global step size, in coordinates fixed before the first step. No momentum, no
    averaging, no clipping, no adaptation by weight.

    A fit has diverged when its loss is not finite, or above 100 times the first for 5 epochs,
    and then goes back to the best weights it met; or when it ends above the loss of its first
    weights (going on from weights that were fitted: by more than 5% of the first loss ever).
    Either gives a `DivergenceWarning`.

    Ctrl-C ends `fit` with a warning and keeps the weights learned so far; so it does in a search,
    which then goes on to its next candidate. In `partial_fit` it is raised anew, once the weights
    are kept.

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
    .. [6] R. Neal, "Bayesian Learning for Neural Networks", Springer, 1996, section 2.1.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from sklearn.model_selection import cross_val_score
    >>> from skbackprop import BackpropClassifier
    >>> X, y = load_wine(return_X_y=True)
    >>> bool(cross_val_score(BackpropClassifier(random_state=0), X, y).mean() > 0.95)
    True
    """

    _losses = ("log_loss", "half_squared_error", "squared_error")

    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] | np.ndarray = (128, 64),
        activation: str | Sequence[str] = "sigmoid",
        *,
        n_hidden_layers: int | None = None,
        loss: Literal["log_loss", "half_squared_error", "squared_error"] = "log_loss",
        loss_reduction: Literal["mean", "sum"] = "mean",
        conditioning: Literal["standardize"] | None = "standardize",
        alpha: float | Literal["auto"] = "auto",
        feature_penalty: float | Literal["auto"] = "auto",
        class_weight: dict[Any, float] | list[dict[Any, float]] | Literal["balanced"] | None = None,
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
        self.class_weight = class_weight

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Descend for one epoch over the given rows, from the weights so far.

        The statistics of the coordinates are those of all rows so far; as they move, the weights
        are converted so that the function does not. The step does not decay, and no epoch is
        undone.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Inputs, converted to the precision of the fitted weights.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Class labels, or a matrix of zeros and ones for multilabel.
        classes : array-like of shape (n_classes,), default=None
            All classes that will ever come. Required on the first call, but for multilabel
            targets; optional later.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, none negative; under the "mean" their mean counts as 1.

        Returns
        -------
        self : BackpropClassifier
            The fitted estimator.

        Examples
        --------
        >>> from skbackprop import BackpropClassifier
        >>> model = BackpropClassifier(hidden_layer_sizes=4, random_state=0)
        >>> model = model.partial_fit([[-1.0], [1.0]], [0, 1], classes=[0, 1, 2])
        >>> model.predict_proba([[0.0]]).shape
        (1, 3)
        """
        return self._fit(GivenRows(X, y, sample_weight, classes=classes), partial=True)

    def predict(self, X: Any) -> np.ndarray:
        """Predict class labels: those of the largest probability.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Inputs; the result has the precision of `X` or of the weights, whichever is higher.

        Returns
        -------
        y_pred : ndarray of shape (n_samples,) or (n_samples, n_labels)
            Labels; for multilabel a matrix of zeros and ones.

        Raises
        ------
        ValueError
            If `X` is not of numbers and columns as those of `fit` were, or so far beyond them that
            a result leaves the range of floats.

        Examples
        --------
        >>> from skbackprop import BackpropClassifier
        >>> model = BackpropClassifier(hidden_layer_sizes=(), random_state=0)
        >>> model.fit([[-1.0], [1.0]], ["left", "right"]).predict([[3.0]]).tolist()
        ['right']
        """

        def from_raw(raw_prediction: np.ndarray, scratch: np.ndarray) -> np.ndarray:
            scores = self._log_odds(raw_prediction)
            if self._form["multilabel"]:
                return (scores > 0.0).astype(np.intp)
            codes = (scores > 0.0).astype(np.intp) if scores.ndim == 1 else scores.argmax(axis=1)
            return self.classes_[codes]

        return self._predict_rows(X, from_raw, check_raw=True)

    def predict_proba(self, X: Any) -> np.ndarray:
        """Predict probabilities.

        With a squared error they are the sigmoid outputs, divided by their sum over the
        classes; this is done in logarithms, so that outputs that are all zero have one, too.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Inputs; the result has the precision of `X` or of the weights, whichever is higher.

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes)
            Probability of each class, in the order of `classes_`; for multilabel that of each
            label.

        Raises
        ------
        ValueError
            If `X` is not of numbers and columns as those of `fit` were, or so far beyond them that
            a result leaves the range of floats.

        Examples
        --------
        >>> from skbackprop import BackpropClassifier
        >>> model = BackpropClassifier(hidden_layer_sizes=(), random_state=0)
        >>> model.fit([[-1.0], [1.0]], ["left", "right"]).predict_proba([[0.0]]).shape
        (1, 2)
        """

        def from_raw(raw_prediction: np.ndarray, scratch: np.ndarray) -> np.ndarray:
            scores = self._log_odds(raw_prediction)
            if self._form["multilabel"]:
                BinaryLogLoss().inverse_link(scores, scratch)
            elif scores.ndim == 1:
                # p and 1 - p, each to full relative precision.
                scores = np.column_stack([-scores, scores])
                BinaryLogLoss().inverse_link(scores, np.empty_like(scores))
            else:
                MultinomialLogLoss().inverse_link(scores, scratch)
            return scores

        return self._predict_rows(X, from_raw, check_raw=True)

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Predict the logarithms of `predict_proba`.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Inputs; the result has the precision of `X` or of the weights, whichever is higher.

        Returns
        -------
        log_proba : ndarray of shape (n_samples, n_classes)
            Logarithms of the probabilities, −inf for one of zero.

        Raises
        ------
        ValueError
            If `X` is not of numbers and columns as those of `fit` were, or so far beyond them that
            a result leaves the range of floats.

        Examples
        --------
        >>> from skbackprop import BackpropClassifier
        >>> model = BackpropClassifier(hidden_layer_sizes=(), random_state=0)
        >>> model.fit([[-1.0], [1.0]], ["left", "right"]).predict_log_proba([[0.0]]).shape
        (1, 2)
        """
        proba = self.predict_proba(X)
        with np.errstate(divide="ignore"):
            return np.log(proba, out=proba)

    def decision_function(self, X: Any) -> np.ndarray:
        """Compute scores whose logistic function or softmax is `predict_proba`.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Inputs; the result has the precision of `X` or of the weights, whichever is higher.

        Returns
        -------
        scores : ndarray of shape (n_samples,) or (n_samples, n_classes)
            For two classes log p₁ − log p₀, the log-odds of ``classes_[1]``; for multilabel
            those of each label; for more classes the raw predictions under the log-loss and
            log p under a squared error; for one class 0, shape (n_samples,).

        Raises
        ------
        ValueError
            If `X` is not of numbers and columns as those of `fit` were, or so far beyond them that
            a result leaves the range of floats.

        Examples
        --------
        >>> from skbackprop import BackpropClassifier
        >>> model = BackpropClassifier(hidden_layer_sizes=(), random_state=0)
        >>> model.fit([[-1.0], [1.0]], ["left", "right"]).decision_function([[3.0]]).shape
        (1,)
        """

        def from_raw(raw_prediction: np.ndarray, scratch: np.ndarray) -> np.ndarray:
            scores = self._log_odds(raw_prediction)
            return scores[:, 0] if len(self.classes_) == 1 else scores

        return self._predict_rows(X, from_raw)

    def _log_odds(self, raw_prediction: np.ndarray) -> np.ndarray:
        """The scores of `decision_function` for one chunk of rows."""
        if self._form["multilabel"]:
            return raw_prediction
        if len(self.classes_) == 1:
            return np.zeros_like(raw_prediction)
        if self.n_outputs_ == 1:
            return raw_prediction[:, 0]
        if self.out_activation_ == "softmax":
            return raw_prediction
        # One sigmoid a class: log s = min(z, 0) - log(1 + exp(-|z|)), and p = s / Σ s.
        z = raw_prediction
        log_s = np.minimum(z, 0.0) - np.log1p(np.exp(-np.abs(z)))
        if len(self.classes_) == 2:
            return log_s[:, 1] - log_s[:, 0]
        log_s -= log_s.max(axis=1, keepdims=True)
        return log_s - np.log(np.exp(log_s).sum(axis=1, keepdims=True))

    def _check_target(self, y: Any, dtype: np.dtype, *, whole: bool) -> Any:
        return check_labels("y", y)

    def _encode_target(
        self, y: Any, dtype: np.dtype, classes: Any, *, partial: bool, known: TargetForm | None
    ) -> Target:
        multilabel = is_multilabel(y)
        if known is not None and multilabel != known.multilabel:
            forms = "class labels", "multilabel"
            raise ValueError(
                f"y must be {forms[known.multilabel]} as fitted; got {forms[multilabel]}. "
                "Fit with warm_start=False to start anew."
            )
        encode = self._encode_labels if multilabel else self._encode_classes
        return encode(y, dtype, classes, partial=partial, known=known)

    @np.errstate(over="ignore", invalid="ignore")
    def _weigh(
        self, target: Target, sample_weight: np.ndarray | None, *, partial: bool
    ) -> np.ndarray | None:
        if self.class_weight is None:
            return sample_weight
        labels = target.values.reshape(len(target.values), -1)
        multilabel = target.form.multilabel
        classes = np.arange(2) if multilabel else target.form.classes
        factors = class_factors(
            self.class_weight, classes, labels, sample_weight, multilabel=multilabel
        )
        if partial and self.class_weight == "balanced":
            raise ValueError(
                "class_weight='balanced' needs all rows, which partial_fit does not have; pass "
                "the weights as a dict."
            )
        weights = np.prod(factors, axis=1)
        if sample_weight is not None:
            weights *= sample_weight
        if not weights.any():
            raise ValueError(
                "class_weight and sample_weight must leave a weight that is not zero; got "
                f"class_weight={self.class_weight!r}."
            )
        return weights

    def _strata(self, target: Target, values: np.ndarray) -> np.ndarray | None:
        return None if target.form.multilabel else values.reshape(len(values))

    def _encode_classes(
        self, y: Any, dtype: np.dtype, classes: Any, *, partial: bool, known: TargetForm | None
    ) -> Target:
        """One class a row: codes, or a column of zeros and ones under the log-loss of two."""
        y = column_or_1d(y, warn=True)
        seen, codes = np.unique(y, return_inverse=True)
        if classes is not None:
            classes = check_classes(classes, y)
        if known is not None:
            if classes is not None and not np.array_equal(classes, known.classes):
                raise ValueError(
                    f"classes must be those of the first call, {known.classes}; got {classes}."
                )
            classes = known.classes
            if not partial and not np.array_equal(seen, classes):
                raise ValueError(
                    f"warm_start=True needs a y of the fitted classes {classes}; got {seen}. Fit "
                    "with warm_start=False to start anew, or go on by partial_fit."
                )
        elif classes is None:
            if partial:
                raise ValueError(
                    "classes must be passed on the first call to partial_fit: all labels that will "
                    "ever come; got None."
                )
            classes = seen
        strangers = seen[~np.isin(seen, classes)]
        if len(strangers):
            raise ValueError(f"y must have labels out of {classes}; got {strangers}.")

        codes = np.searchsorted(classes, seen)[codes]
        if self.loss == "log_loss" and len(classes) == 2:
            loss = LOSSES[self.loss]("matrix", "sigmoid")
            form = TargetForm(1, (self.loss, {}), classes)
            return Target(codes.reshape(-1, 1).astype(dtype), loss, False, form)
        loss = LOSSES[self.loss]("codes", "softmax" if self.loss == "log_loss" else "sigmoid")
        return Target(codes, loss, False, TargetForm(len(classes), (self.loss, {}), classes))

    def _encode_labels(
        self, y: Any, dtype: np.dtype, classes: Any, *, partial: bool, known: TargetForm | None
    ) -> Target:
        """Any number of labels a row: a matrix of zeros and ones."""
        values = np.ascontiguousarray(y if isinstance(y, np.ndarray) else y.toarray(), dtype=dtype)
        n_labels = values.shape[1]
        if not np.isin(values, (0.0, 1.0)).all():
            raise ValueError(f"A multilabel y must be of zeros and ones; got {np.unique(values)}.")
        if known is not None and n_labels != known.n_outputs:
            raise ValueError(
                f"y must have {known.n_outputs} labels, as fitted; got {n_labels}. "
                "Fit with warm_start=False to start anew."
            )
        if classes is not None and not np.array_equal(classes, np.arange(n_labels)):
            raise ValueError(
                f"classes of a multilabel y must be None or the column numbers; got {classes!r}."
            )
        loss = LOSSES[self.loss]("matrix", "sigmoid")
        form = TargetForm(n_labels, (self.loss, {}), np.arange(n_labels), multilabel=True)
        return Target(values, loss, False, form)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
