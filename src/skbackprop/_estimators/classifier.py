"""The classifier."""

from collections.abc import Callable, Sequence
from typing import Any, Literal, Self

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils import Tags
from sklearn.utils.validation import column_or_1d

from skbackprop._core.losses import LOSSES
from skbackprop._core.losses.likelihoods import BinaryLogLoss, MultinomialLogLoss
from skbackprop._core.problem import Target, TargetForm
from skbackprop._estimators.base import BaseBackprop
from skbackprop._estimators.check_data import GivenRows
from skbackprop._estimators.class_weight import class_tables, codes_of
from skbackprop._estimators.labels import check_classes, check_labels, is_multilabel


class BackpropClassifier(ClassifierMixin, BaseBackprop):
    """Feed-forward network for classification, fitted by plain gradient descent.

    Class labels can have any type that can be sorted. For multilabel, `y` is a matrix of zeros and
    ones. If `y` has only one class, that class is predicted with probability 1.

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
    loss : {"log_loss", "half_squared_error", "squared_error"}, default="log_loss"
        Loss of a row. "log_loss" is the negative log-likelihood. The squared errors compare the
        sigmoid output of each class or label with 0 or 1. See :ref:`losses`.
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
    class_weight : dict, list of dict, "balanced" or None, default=None
        Weights of the classes, multiplied with `sample_weight`: {class: weight}, a list of one dict
        per label for multilabel, or "balanced" for weights inversely proportional to the class
        frequencies. See :ref:`class_weights`.
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
    classes_ : ndarray of shape (n_classes,)
        Sorted labels; the column numbers for multilabel targets.
    n_features_in_ : int
        Number of features seen during fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features. Exists if all column names of `X` are strings.

    See Also
    --------
    BackpropRegressor : The same for regression.

    Notes
    -----
    Mini-batch gradient descent in fixed coordinates: no momentum, no averaging, no clipping, no
    step size for single weights (:ref:`objective`, :ref:`initial_weights`). A fit that diverges
    gives a `DivergenceWarning`. An interrupted fit keeps its weights (:ref:`status`).

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

        The step does not decay, and no epoch is undone. See :ref:`going_on`.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Inputs, converted to the precision of the fitted weights.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Class labels, or a matrix of zeros and ones for multilabel.
        classes : array-like of shape (n_classes,), default=None
            All labels of this and later calls. Required on the first call unless `y` is multilabel.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, none negative. See :ref:`sample_weights`.

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
        """Predict the class labels with the largest probability.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Inputs. The result has the precision of `X` or of the weights, whichever is higher.

        Returns
        -------
        y_pred : ndarray of shape (n_samples,) or (n_samples, n_labels)
            Labels. For multilabel, a matrix of zeros and ones.

        Raises
        ------
        ValueError
            If `X` is not numeric, has other columns than in `fit`, or a result overflows.

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
        """Predict probabilities. Under a squared error they are the normalised outputs.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Inputs. The result has the precision of `X` or of the weights, whichever is higher.

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes)
            Probability of each class in the order of `classes_`, or of each label.

        Raises
        ------
        ValueError
            If `X` is not numeric, has other columns than in `fit`, or a result overflows.

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
            Inputs. The result has the precision of `X` or of the weights, whichever is higher.

        Returns
        -------
        log_proba : ndarray of shape (n_samples, n_classes)
            Logarithms of the probabilities, −inf for one of zero.

        Raises
        ------
        ValueError
            If `X` is not numeric, has other columns than in `fit`, or a result overflows.

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
            Inputs. The result has the precision of `X` or of the weights, whichever is higher.

        Returns
        -------
        scores : ndarray of shape (n_samples,) or (n_samples, n_classes)
            Log-odds of ``classes_[1]`` for two classes, of each label for multilabel; for more
            classes raw predictions under the log-loss, else log p; for one class n_samples zeros.

        Raises
        ------
        ValueError
            If `X` is not numeric, has other columns than in `fit`, or a result overflows.

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
                "Fit with warm_start=False to start again."
            )
        encode = self._encode_labels if multilabel else self._encode_classes
        return encode(y, dtype, classes, partial=partial, known=known)

    @np.errstate(over="ignore", invalid="ignore")
    def _class_weights(
        self, target: Target, sample_weight: np.ndarray | None, *, partial: bool
    ) -> list[np.ndarray] | None:
        if self.class_weight is None:
            return None
        if partial and self.class_weight == "balanced":
            raise ValueError(
                "class_weight='balanced' needs all rows, which partial_fit does not have; pass "
                "the weights as a dict."
            )
        multilabel = target.form.multilabel
        classes = np.arange(2) if multilabel else target.form.classes
        codes = codes_of(target)
        return class_tables(self.class_weight, classes, codes, sample_weight, multilabel=multilabel)

    def _strata(self, target: Target, values: np.ndarray) -> np.ndarray | None:
        return None if target.form.multilabel else values.reshape(len(values))

    def _encode_classes(
        self, y: Any, dtype: np.dtype, classes: Any, *, partial: bool, known: TargetForm | None
    ) -> Target:
        """One class a row: codes, or a column of zeros and ones under the log-loss of two."""
        y = y if y.ndim == 1 else column_or_1d(y, warn=True)
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
                    "with warm_start=False to start again."
                )
        elif classes is None:
            if partial:
                raise ValueError(
                    "classes must be passed on the first call to partial_fit: all labels that will "
                    "ever come; got None."
                )
            classes = seen
        if classes is not seen:
            strangers = seen[~np.isin(seen, classes)]
            if len(strangers):
                raise ValueError(f"y must have labels among {classes}; got {strangers}.")
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
                "Fit with warm_start=False to start again."
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
