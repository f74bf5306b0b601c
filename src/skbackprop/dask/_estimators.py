"""The estimators on dask collections, and how the rows of their fits are held."""

import copy
import inspect
import uuid
from typing import Any, Self

import dask
import dask.array as da
import numpy as np
from distributed import Client
from sklearn.utils.validation import check_is_fitted, validate_data

from skbackprop._core.statistics import Spread
from skbackprop._estimators.base import BaseBackprop
from skbackprop._estimators.callbacks import is_of_callbacks, with_callbacks
from skbackprop._estimators.check_data import GivenRows
from skbackprop._estimators.check_kinds import check_kinds
from skbackprop._estimators.classifier import BackpropClassifier
from skbackprop._estimators.early_stopping import ToValidate
from skbackprop._estimators.in_memory import InMemory
from skbackprop._estimators.regressor import BackpropRegressor
from skbackprop.dask._blocks import Blocks, in_memory
from skbackprop.dask._objective import ObjectiveOfBlocks


class OnCluster(InMemory):
    """Rows in blocks on the workers of a cluster."""

    objective = ObjectiveOfBlocks

    def check_inputs(self, estimator: Any, X: Any, *, dtype: Any = None, reset: bool) -> Blocks:
        X = estimator._checked_array(X, reset=reset)
        try:
            client = Client.current()
        except ValueError as error:
            raise ValueError(
                f"{type(estimator).__name__} needs a cluster: make a distributed.Client first."
            ) from error
        if client.asynchronous:
            raise ValueError(
                f"{type(estimator).__name__} needs a client that waits for results; got one with "
                "asynchronous=True."
            )
        return Blocks.of(client, X, dtype)

    def gathered(self, array: Any) -> Any:
        return in_memory(array)

    def zero_columns(self, X: Blocks) -> np.ndarray:
        every = X.moments(None, None)
        return (every.low == 0.0) & (every.high == 0.0)

    def spread(self, X: Blocks, sample_weight: np.ndarray | None) -> Spread:
        return X.spread(sample_weight)


class _DaskMixin(BaseBackprop):
    """What the estimators on dask collections have in place of those in memory."""

    _held = OnCluster()
    _local: type[BaseBackprop]

    @with_callbacks
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        coefs_init: Any = None,
        intercepts_init: Any = None,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
        groups: Any = None,
    ) -> Self:
        """Fit the network to data on the workers of the current `distributed.Client`.

        That is the client made last, or within ``with client.as_current():`` the one named there.

        Parameters
        ----------
        X : dask array or dask dataframe of shape (n_samples, n_features)
            Inputs, in blocks of rows, which may be of unknown lengths and sparse. float32 and
            float64 keep their precision; other types are converted to float64. Its workers
            compute each block once and keep it while the fit lasts.
        y : dask or other array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets as the estimator in memory has them; gathered, whatever its blocks.
        sample_weight : dask or other array-like of shape (n_samples,), default=None
            Weights of the rows; gathered.
        coefs_init, intercepts_init : sequence of array-like, default=None
            Initial weights and intercepts, instead of random ones and zeros.
        X_val : dask array or dask dataframe of shape (n_val, n_features), default=None
            Inputs to validate on.
        y_val, sample_weight_val : dask or other array-like of shape (n_val,), default=None
            Their targets, required with `X_val`, and weights.
        groups : dask or other array-like of shape (n_samples,), default=None
            Groups of rows that `early_stopping` holds out or fits together; without it they have no
            use. The groups of a search come here only after ``set_fit_request(groups=True)``.

        Returns
        -------
        self : estimator
            The fitted estimator.

        Raises
        ------
        TypeError, ValueError
            If a parameter or the data are not what is accepted, or there is no client.
        distributed.scheduler.KilledWorker
            If a block has taken down more workers than dask's ``allowed-failures``. The estimator
            stays as it was, as after any error.

        Warns
        -----
        DivergenceWarning, ConvergenceWarning
            As in memory.
        """
        weights = in_memory(sample_weight), in_memory(sample_weight_val)
        return self._fit(
            GivenRows(X, y, weights[0], in_memory(groups)),
            ToValidate(X_val, y_val, weights[1]),
            coefs_init=coefs_init,
            intercepts_init=intercepts_init,
        )

    def to_local(self) -> Any:
        """Return the ordinary estimator, with the same parameters and fitted attributes.

        Returns
        -------
        model : BackpropClassifier or BackpropRegressor
            A copy, which neither needs nor knows dask.
        """
        state = {
            name: value if is_of_callbacks(name) else copy.deepcopy(value)
            for name, value in vars(self).items()
        }
        return self._with_state(state)

    def _with_state(self, state: dict[str, Any]) -> Any:
        model = self._local.__new__(self._local)
        model.__dict__.update(state)
        return model

    def predict(self, X: Any) -> Any:
        """Predict as the estimator in memory does.

        Parameters
        ----------
        X : dask array, dask dataframe or array-like of shape (n_samples, n_features)
            Inputs.

        Returns
        -------
        y_pred : dask array or ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Predictions: of a dask collection lazy, block by block, in the chunks of `X`.
        """
        return self._predictions(X, "predict")

    def hidden_activations(self, X: Any, layer: int = -1) -> Any:
        """Return the activations of a hidden layer as the estimator in memory does.

        Parameters
        ----------
        X : dask array, dask dataframe or array-like of shape (n_samples, n_features)
            Inputs.
        layer : int, default=-1
            Number of the hidden layer from 0; negative ones count from the last.

        Returns
        -------
        activations : dask array or ndarray of shape (n_samples, n_units)
            Activations of the units of the layer; of a dask collection lazy.
        """
        return self._predictions(X, "hidden_activations", layer)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the score of the estimator in memory.

        Parameters
        ----------
        X : dask array, dask dataframe or array-like of shape (n_samples, n_features)
            Inputs.
        y : dask or other array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets; gathered.
        sample_weight : dask or other array-like of shape (n_samples,), default=None
            Weights of the rows; gathered.

        Returns
        -------
        score : float
            The accuracy, or of a regressor R² or D², whichever suits its loss.
        """
        check_is_fitted(self)
        if dask.is_dask_collection(X):
            X = self._held.check_inputs(self, X, reset=False)
        return super().score(X, in_memory(y), in_memory(sample_weight))

    def _predictions(self, X: Any, method: str, *arguments: Any) -> Any:
        """The predictions of a method, where the rows are."""
        check_is_fitted(self)
        # Callbacks belong to this process; in the middle of a fit they cannot even be sent.
        state = {name: v for name, v in vars(self).items() if not is_of_callbacks(name)}
        local = self._with_state(state)
        if isinstance(X, Blocks):
            local.__dict__.pop("feature_names_in_", None)
            return X.predictions(local, method)
        if not dask.is_dask_collection(X):
            return getattr(local, method)(X, *arguments)
        X = self._checked_array(X, reset=False).rechunk({1: -1})
        local.__dict__.pop("feature_names_in_", None)
        meta = _predict_block(np.empty((0, X.shape[1]), X.dtype), local, method, *arguments)
        result: dict[str, Any] = {"drop_axis": 1}
        if meta.ndim == 2:
            result = {"chunks": (X.chunks[0], (meta.shape[1],))}
        return X.map_blocks(
            _predict_block,
            dask.delayed(local, name=f"model-{uuid.uuid4().hex}"),
            method,
            *arguments,
            name=f"{method}-{uuid.uuid4().hex}",
            dtype=meta.dtype,
            meta=meta,
            **result,
        )

    def _checked_array(self, X: Any, *, reset: bool) -> da.Array:
        """A dask array of X, whose columns are those of the fit."""
        accepted = "X must be a dask array or dataframe of shape (n_samples, n_features)"
        # What a Delayed has is another, which is no number.
        ndim = getattr(X, "ndim", None)
        if not (dask.is_dask_collection(X) and isinstance(ndim, int)):
            raise TypeError(
                f"{accepted}; got {type(X).__name__}. {self._local.__name__} takes data in memory."
            )
        if ndim != 2:
            raise ValueError(f"{accepted}; got shape {X.shape}.")
        if np.isnan(X.shape[1]):
            raise ValueError(
                f"{accepted}, with a known number of columns; got shape {X.shape}. "
                "X.compute_chunk_sizes() finds it."
            )
        check_kinds("X", X)
        is_array = isinstance(X, da.Array)
        columns = np.empty((0, X.shape[1])) if is_array else X._meta
        validate_data(self, columns, reset=reset, skip_check_array=True)
        return X if is_array else X.to_dask_array()


def _documented(cls: Any) -> Any:
    """Take over what the local estimator's docstring says of parameters, attributes and the rest.

    Notebooks and editors show what the docstring of the class itself has.
    """
    ours, theirs = inspect.getdoc(cls), inspect.getdoc(cls._local)
    if ours and theirs:
        for first, after in (("Parameters\n", "See Also\n"), ("Notes\n", "Examples\n")):
            section = theirs.partition(first)[2].partition(after)[0]
            ours = ours.replace(after, first + section + after, 1)
        cls.__doc__ = ours
    return cls


@_documented
class DaskBackpropClassifier(_DaskMixin, BackpropClassifier):
    """`BackpropClassifier` on dask arrays and frames, fitted on a cluster.

    It descends as the estimator in memory does and ends at the same weights, to rounding: every
    gradient is the sum of those of the blocks, in their order, which the workers that keep
    the blocks evaluate. What a lost worker had is computed anew from the graph of `X`.

    The client holds `y`, the weights and, in mini-batches, the order of the rows, never `X`. A
    step sends the weights to each block and their gradient back: full batches, or batches of many
    thousands of rows, are what a cluster is for.

    See Also
    --------
    skbackprop.BackpropClassifier : The same in memory.

    Examples
    --------
    >>> import dask.array as da
    >>> from distributed import Client
    >>> from sklearn.datasets import load_wine
    >>> from skbackprop.dask import DaskBackpropClassifier
    >>> X, y = load_wine(return_X_y=True)
    >>> with Client(processes=False, dashboard_address=":0"):
    ...     model = DaskBackpropClassifier(10, batch_size="full", max_iter=30, random_state=0)
    ...     model = model.fit(da.from_array(X, chunks=(60, -1)), y)
    >>> bool(model.to_local().score(X, y) > 0.95)
    True
    """

    _local = BackpropClassifier

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Descend for one epoch over the given rows as `BackpropClassifier` does.

        Parameters
        ----------
        X : dask array or dask dataframe of shape (n_samples, n_features)
            Inputs, converted to the precision of the fitted weights.
        y : dask or other array-like of shape (n_samples,) or (n_samples, n_labels)
            Class labels, or a matrix of zeros and ones for multilabel; gathered.
        classes : array-like of shape (n_classes,), default=None
            All classes that will ever come. Required on the first call, but for multilabel
            targets; optional later.
        sample_weight : dask or other array-like of shape (n_samples,), default=None
            Weights of the rows, none negative; gathered. Under the "mean" their mean counts as 1.

        Returns
        -------
        self : DaskBackpropClassifier
            The fitted estimator.
        """
        return super().partial_fit(X, y, in_memory(classes), in_memory(sample_weight))

    def predict_proba(self, X: Any) -> Any:
        """Predict probabilities as `BackpropClassifier` does.

        Parameters
        ----------
        X : dask array, dask dataframe or array-like of shape (n_samples, n_features)
            Inputs.

        Returns
        -------
        proba : dask array or ndarray of shape (n_samples, n_classes)
            Probability of each class; of a dask collection lazy.
        """
        return self._predictions(X, "predict_proba")

    def predict_log_proba(self, X: Any) -> Any:
        """Predict the logarithms of `predict_proba`.

        Parameters
        ----------
        X : dask array, dask dataframe or array-like of shape (n_samples, n_features)
            Inputs.

        Returns
        -------
        log_proba : dask array or ndarray of shape (n_samples, n_classes)
            Logarithms of the probabilities; of a dask collection lazy.
        """
        return self._predictions(X, "predict_log_proba")

    def decision_function(self, X: Any) -> Any:
        """Compute scores as `BackpropClassifier` does.

        Parameters
        ----------
        X : dask array, dask dataframe or array-like of shape (n_samples, n_features)
            Inputs.

        Returns
        -------
        scores : dask array or ndarray of shape (n_samples,) or (n_samples, n_classes)
            Scores; of a dask collection lazy.
        """
        return self._predictions(X, "decision_function")


@_documented
class DaskBackpropRegressor(_DaskMixin, BackpropRegressor):
    """`BackpropRegressor` on dask arrays and frames, fitted on a cluster.

    It descends as the estimator in memory does and ends at the same weights, to rounding: every
    gradient is the sum of those of the blocks, in their order, which the workers that keep
    the blocks evaluate. What a lost worker had is computed anew from the graph of `X`.

    The client holds `y`, the weights and, in mini-batches, the order of the rows, never `X`. A
    step sends the weights to each block and their gradient back: full batches, or batches of many
    thousands of rows, are what a cluster is for.

    See Also
    --------
    skbackprop.BackpropRegressor : The same in memory.

    Examples
    --------
    >>> import dask.array as da
    >>> from distributed import Client
    >>> from sklearn.datasets import load_diabetes
    >>> from skbackprop.dask import DaskBackpropRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> with Client(processes=False, dashboard_address=":0"):
    ...     model = DaskBackpropRegressor(100, batch_size="full", max_iter=30, random_state=0)
    ...     model = model.fit(da.from_array(X, chunks=(100, -1)), y)
    >>> bool(model.to_local().score(X, y) > 0.4)
    True
    """

    _local = BackpropRegressor

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Descend for one epoch over the given rows as `BackpropRegressor` does.

        Parameters
        ----------
        X : dask array or dask dataframe of shape (n_samples, n_features)
            Inputs, converted to the precision of the fitted weights.
        y : dask or other array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets; gathered.
        sample_weight : dask or other array-like of shape (n_samples,), default=None
            Weights of the rows, none negative; gathered. Under the "mean" their mean counts as 1.

        Returns
        -------
        self : DaskBackpropRegressor
            The fitted estimator.
        """
        return super().partial_fit(X, y, in_memory(sample_weight))


def _predict_block(block: Any, model: BaseBackprop, method: str, *arguments: Any) -> np.ndarray:
    """The predictions for a block of a collection, which may be empty."""
    predict = getattr(model, method)
    if block.shape[0] == 0:
        return predict(np.zeros((1, block.shape[1]), block.dtype), *arguments)[:0]
    return predict(block, *arguments)
