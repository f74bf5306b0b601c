"""One model on a cluster: the estimators on dask arrays and frames, whose rows stay on the workers.

The descent is that of one machine. Its objective is a sum over the rows, and so the sum of those of
the blocks, each of which a worker evaluates where the block is. What comes back is as large as the
weights. The sums are taken in the order of the blocks, whichever worker is done first; those that
are too much for the client by the workers, a few at a time, along a tree whose shape is that of the
blocks.
"""

import copy
import inspect
import threading
import uuid
from collections.abc import Callable, Iterable
from functools import cached_property, partial, reduce
from typing import Any, NamedTuple, Self

import numpy as np
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from skbackprop._core.objective import Objective, ObjectiveOfRows, Sample
from skbackprop._core.rows import Rows
from skbackprop._core.statistics import Moments, Spread, moments
from skbackprop._estimators.base import BaseBackprop
from skbackprop._estimators.callbacks import is_of_callbacks, with_callbacks
from skbackprop._estimators.check_data import GivenRows, naming
from skbackprop._estimators.check_kinds import check_kinds
from skbackprop._estimators.classifier import BackpropClassifier
from skbackprop._estimators.early_stopping import ToValidate
from skbackprop._estimators.in_memory import InMemory
from skbackprop._estimators.regressor import BackpropRegressor

try:
    import dask
    import dask.array as da
    from dask.sizeof import sizeof
    from distributed import Client, Future
except ImportError as error:
    raise ImportError(
        "skbackprop.dask needs dask and distributed, which the extra 'dask' installs: "
        "pip install 'skbackprop[dask]'."
    ) from error

__all__ = ["DaskBackpropClassifier", "DaskBackpropRegressor"]


class Part(NamedTuple):
    """The rows of one block that are wanted."""

    block: Future
    rows: np.ndarray | None
    """Their numbers in the block; None for all as they come."""
    positions: slice | np.ndarray
    """Where they are among all rows that are wanted."""
    n_rows: int


# dask's configuration is that of the process.
_config_lock = threading.Lock()


class Blocks:
    """Rows of inputs, checked, on workers: what an estimator needs of an `X`.

    Parameters
    ----------
    client : Client
        Of the cluster that has the blocks.
    blocks : list of Future
        Arrays or CSR matrices with as many columns each.
    lengths : list of int
        Their numbers of rows.
    n_features : int
        The number of columns.
    dtype : numpy.dtype
        The precision.
    order : ndarray of int or None
        Which of the rows are wanted, in which order; None for all as they come.
    """

    def __init__(
        self,
        client: Client,
        blocks: list[Future],
        lengths: list[int],
        n_features: int,
        dtype: np.dtype,
        order: np.ndarray | None = None,
    ) -> None:
        self.shape = (sum(lengths) if order is None else len(order), n_features)
        self.dtype = dtype
        self._client = client
        self._blocks = blocks
        self._lengths = lengths
        self._order = order

    @classmethod
    def of(cls, client: Client, X: da.Array, dtype: Any = None) -> Self:
        """Have the workers compute, check and keep the blocks of a dask array."""
        if dtype is None:
            dtype = X.dtype if X.dtype == np.float32 else np.float64
        dtype = np.dtype(dtype)
        parts = X.rechunk({1: -1}).to_delayed().ravel().tolist()
        check = dask.delayed(_check_block, pure=False)
        blocks = client.compute([check(part, X.shape[1], dtype) for part in parts])
        lengths = _gathered(client, client.map(_n_rows, blocks, pure=False))
        if not any(lengths):
            raise ValueError("X must have at least 1 row; got a collection of no rows.")
        blocks = [block for block, n in zip(blocks, lengths, strict=True) if n]
        return cls(client, blocks, [n for n in lengths if n], X.shape[1], dtype)

    def __getitem__(self, rows: np.ndarray) -> "Blocks":
        order = rows if self._order is None else self._order[rows]
        return Blocks(self._client, self._blocks, self._lengths, self.shape[1], self.dtype, order)

    @cached_property
    def parts(self) -> list[Part]:
        """The rows that are wanted, block by block."""
        ends = np.cumsum(self._lengths)
        starts = ends - self._lengths
        if self._order is None:
            return [
                Part(block, None, slice(start, end), end - start)
                for block, start, end in zip(self._blocks, starts, ends, strict=True)
            ]
        numbers = np.searchsorted(ends, self._order, side="right")
        return [
            Part(self._blocks[k], self._order[positions] - starts[k], positions, len(positions))
            for k, positions in _groups(numbers)
        ]

    def split(self, rows: Rows) -> list[tuple[int, Rows]]:
        """The number of each part that has some of the given rows, and which of its rows."""
        if isinstance(rows, slice):
            if rows == slice(0, self.shape[0]):
                return [(k, slice(0, part.n_rows)) for k, part in enumerate(self.parts)]
            rows = np.arange(rows.start, rows.stop)
        numbers, row_in_part = self._places
        return [(k, row_in_part[rows[at]]) for k, at in _groups(numbers[rows])]

    @cached_property
    def _places(self) -> tuple[np.ndarray, np.ndarray]:
        """For each row that is wanted the number of its part, and of the row in it."""
        numbers, row_in_part = np.empty((2, self.shape[0]), dtype=np.intp)
        for k, part in enumerate(self.parts):
            numbers[part.positions] = k
            row_in_part[part.positions] = np.arange(part.n_rows)
        return numbers, row_in_part

    def submit(self, name: str, function: Callable[..., Any], *arguments: list[Any]) -> list[Any]:
        """Futures of a function of each of the arguments, under a name for the dashboard."""
        key = f"{name}-{uuid.uuid4().hex}"
        keys = [(key, k) for k in range(len(arguments[0]))]
        # Targets and row numbers go with their task, from where a lost worker's can be had again.
        with (
            _config_lock,
            dask.config.set({"distributed.admin.large-graph-warning-threshold": "1TiB"}),
        ):
            return self._client.map(function, *arguments, key=keys, pure=False)

    def run(self, name: str, function: Callable[..., Any], *arguments: list[Any]) -> list[Any]:
        """The values of a function of each of the arguments."""
        return self.gather(self.submit(name, function, *arguments))

    def gather(self, futures: list[Future]) -> list[Any]:
        """The values of futures."""
        return _gathered(self._client, futures)

    def moments(self, sample_weight: np.ndarray | None, excluded: np.ndarray | None) -> Moments:
        """The moments of the columns, without the values that equal `excluded`."""
        blocks, rows = [part.block for part in self.parts], [part.rows for part in self.parts]
        weights = [_some(sample_weight, part.positions) for part in self.parts]
        each = [excluded] * len(blocks)
        return reduce(Moments.merged, self.run("moments", _moments, blocks, rows, weights, each))

    def spread(self, sample_weight: np.ndarray | None) -> Spread:
        """The spread of the columns."""
        return Spread.by(partial(self.moments, sample_weight))

    def predictions(self, model: BaseBackprop, method: str) -> np.ndarray:
        """What a method of a fitted estimator predicts for the rows."""
        each = [[part.block, part.rows, model, method] for part in self.parts]
        predicted = self.run(method, _predict_rows, *map(list, zip(*each, strict=True)))
        result = np.empty((self.shape[0], *predicted[0].shape[1:]), predicted[0].dtype)
        for part, values in zip(self.parts, predicted, strict=True):
            result[part.positions] = values
        return result


class ObjectiveOfBlocks(ObjectiveOfRows):
    """The objective on blocks, of each of which a worker keeps the objective: Σ over its rows."""

    inputs: Blocks

    def _take_inputs(self, sample: Sample) -> None:
        self.inputs = sample.X
        self._coordinates = sample.shift, sample.scale

    @cached_property
    def _objectives(self) -> list[Future]:
        each = [
            [
                part.block,
                part.rows,
                self.y[part.positions],
                _some(self.sample_weight, part.positions),
                *self._coordinates,
                partial(
                    Objective,
                    self.network,
                    self.loss,
                    reduction="sum",
                    batch_size=min(self.batch_size, part.n_rows),
                    dtype=self.dtype,
                ),
            ]
            for part in self.inputs.parts
        ]
        arguments = map(list, zip(*each, strict=True))
        return self.inputs.submit("objective", _objective, *arguments)

    def _sum(self, params: np.ndarray) -> float:
        objectives = self._objectives
        return sum(self.inputs.run("loss", _loss, objectives, [params] * len(objectives)))

    def _sum_and_gradient(
        self, params: np.ndarray, rows: Rows, out: np.ndarray, scale: float
    ) -> float:
        numbers, rows_of_each = zip(*self.inputs.split(rows), strict=True)
        n_blocks = len(numbers)
        fan_in = n_blocks if n_blocks * params.nbytes <= _BY_THE_CLIENT else _FAN_IN
        weights: Any = params
        if n_blocks > fan_in:
            # Through the scheduler once; workers have them of each other.
            (weights,) = self.inputs.submit("weights", _itself, [params])
        sums = [
            self.inputs.submit(
                "gradient",
                _loss_and_gradient,
                [self._objectives[k] for k in numbers],
                list(rows_of_each),
                [weights] * n_blocks,
                [scale] * n_blocks,
            )
        ]
        # All are kept until the last is there: a future that goes early may go before it is used.
        while len(sums[-1]) > fan_in:
            starts = range(0, len(sums[-1]), fan_in)
            groups = [sums[-1][k : k + fan_in] for k in starts]
            sums.append(self.inputs.submit("sum", _summed, groups))
        value, total = _summed(self.inputs.gather(sums[-1]))
        np.copyto(out, total, casting="same_kind")
        return value


# Bytes of the gradients of a step that the client adds up alone: two levels of tasks cost more
# than the transfer of less.
_BY_THE_CLIENT = 2**26
# Gradients that are added up at a time otherwise.
_FAN_IN = 8


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
        return _in_memory(array)

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
        weights = _in_memory(sample_weight), _in_memory(sample_weight_val)
        return self._fit(
            GivenRows(X, y, weights[0], _in_memory(groups)),
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
        return super().score(X, _in_memory(y), _in_memory(sample_weight))

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
        return super().partial_fit(X, y, _in_memory(classes), _in_memory(sample_weight))

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
        return super().partial_fit(X, y, _in_memory(sample_weight))


def _in_memory(array: Any) -> Any:
    """The values of a dask collection; all else as it is."""
    return array.compute() if dask.is_dask_collection(array) else array


def _groups(numbers: np.ndarray) -> Iterable[tuple[int, np.ndarray]]:
    """Each number that is there, in rising order, and its positions."""
    order = np.argsort(numbers, kind="stable")
    present, starts = np.unique(numbers[order], return_index=True)
    return zip(present.tolist(), np.split(order, starts[1:]), strict=True)


def _some(array: np.ndarray | None, rows: Rows) -> np.ndarray | None:
    return None if array is None else array[rows]


def _gathered(client: Client, futures: list[Future]) -> list[Any]:
    """The values of futures.

    An error that one of them ended in belongs to it, and has the frames that it passed, with all
    that the cluster keeps for them: unless let go of, it would stay there for good.
    """
    try:
        return client.gather(futures)
    except Exception:
        for future in futures:
            future.release()
        raise


# What workers run.


def _check_block(block: Any, n_features: int, dtype: np.dtype) -> Any:
    """A block in its precision, finite."""
    with naming("X"):
        check_kinds("X", block)
        block = check_array(
            block, accept_sparse="csr", dtype=dtype, ensure_min_samples=0, input_name="X"
        )
    if block.shape[1] != n_features:
        raise ValueError(
            f"X must have blocks of {n_features} columns, as its chunks say; got one of shape "
            f"{block.shape}."
        )
    if not isinstance(block, np.ndarray) and not block.has_canonical_format:
        block = block.copy()
        block.sum_duplicates()
    return block


def _n_rows(block: Any) -> int:
    return int(block.shape[0])


def _rows_of(block: Any, rows: np.ndarray | None) -> Any:
    return block if rows is None else block[rows]


def _moments(
    block: Any,
    rows: np.ndarray | None,
    weights: np.ndarray | None,
    excluded: np.ndarray | None,
) -> Moments:
    X = _rows_of(block, rows)
    return moments(X, np.ones(X.shape[0]) if weights is None else weights, excluded)


@np.errstate(over="ignore", invalid="ignore")
def _objective(
    block: Any,
    rows: np.ndarray | None,
    y: np.ndarray,
    sample_weight: np.ndarray | None,
    shift: np.ndarray | None,
    scale: np.ndarray | None,
    of_sample: Callable[..., Objective],
) -> Objective:
    return of_sample(Sample(_rows_of(block, rows), y, sample_weight, shift, scale))


@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def _loss(objective: Objective, params: np.ndarray) -> float:
    return objective.value(params)


@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def _loss_and_gradient(
    objective: Objective, rows: Rows, params: np.ndarray, scale: float
) -> tuple[float, np.ndarray]:
    gradient = np.empty_like(params)
    return objective.value_and_gradient(params, rows, gradient, scale), gradient


def _itself(value: Any) -> Any:
    return value


def _summed(parts: list[tuple[float, np.ndarray]]) -> tuple[float, np.ndarray]:
    """The sums of losses and of gradients, in their order; those of gradients in float64."""
    value, total = 0.0, np.zeros(len(parts[0][1]))
    for part, gradient in parts:
        value += part
        total += gradient
    return value, total


def _predict_rows(
    block: Any, rows: np.ndarray | None, model: BaseBackprop, method: str
) -> np.ndarray:
    return getattr(model, method)(_rows_of(block, rows))


def _predict_block(block: Any, model: BaseBackprop, method: str, *arguments: Any) -> np.ndarray:
    """The predictions for a block of a collection, which may be empty."""
    predict = getattr(model, method)
    if block.shape[0] == 0:
        return predict(np.zeros((1, block.shape[1]), block.dtype), *arguments)[:0]
    return predict(block, *arguments)


@sizeof.register(Objective)
def _sizeof_objective(objective: Objective) -> int:
    """Bytes that moving one would cost, or nearly so: unknown, it is taken for a trifle."""
    n_rows, n_features = objective.inputs.shape
    size = n_rows * n_features + objective.batch_size * sum(n for _, n in objective.network.shapes)
    return int(size * objective.dtype.itemsize)
