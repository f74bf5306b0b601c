"""The estimators on dask collections, and where the rows of their fits are."""

import copy
import functools
import inspect
import uuid
import warnings
from collections.abc import Callable
from typing import Any, Self

import dask
import dask.array as da
import numpy as np
from distributed import Client
from sklearn.utils.validation import check_is_fitted, validate_data

from skbackprop._core.descent import Plan
from skbackprop._core.statistics import Spread
from skbackprop._core.tails import NO_TAILS, Tails
from skbackprop._estimators.base import BaseBackprop
from skbackprop._estimators.callbacks import is_of_callbacks
from skbackprop._estimators.check_kinds import check_kinds
from skbackprop._estimators.classifier import BackpropClassifier
from skbackprop._estimators.in_memory import InMemory
from skbackprop._estimators.regressor import BackpropRegressor
from skbackprop._estimators.stacklevel import level_of_caller
from skbackprop.dask._blocks import Blocks
from skbackprop.dask._objective import ObjectiveOfBlocks


class OnCluster(InMemory):
    """Rows in blocks on the workers of the given client, or of that which is current."""

    objective = ObjectiveOfBlocks

    def __init__(self, client: Any) -> None:
        self._client: Client | None = client
        if client is not None:
            _check_client(client)

    def check_inputs(self, estimator: Any, X: Any, *, dtype: Any = None, reset: bool) -> Blocks:
        X = estimator._checked_array(X, reset=reset)
        client = self._client
        if client is None:
            try:
                client = Client.current()
            except ValueError as error:
                raise ValueError(
                    f"{type(estimator).__name__} needs a cluster: make a distributed.Client first, "
                    "or pass one as client."
                ) from error
            _check_client(client)
        return Blocks.of(client, X, dtype)

    def gathered(self, array: Any) -> Any:
        if not dask.is_dask_collection(array):
            return array
        # Without a client it is computed by whatever scheduler is set, as dask does.
        return array.compute() if self._client is None else self._client.compute(array, sync=True)

    def zero_columns(self, X: Blocks) -> np.ndarray:
        every = X.moments(None, NO_TAILS, None)
        return (every.low == 0.0) & (every.high == 0.0)

    def spread(
        self, X: Blocks, sample_weight: np.ndarray | None, tails: Tails | None = None
    ) -> Spread:
        return X.spread(sample_weight, tails)

    def report_cost(self, estimator: Any, plan: Plan) -> None:
        n_steps = plan.max_iter * len(plan.batches)
        # A step is a round of tasks of the scheduler, whatever its rows: 10 ms, as measured.
        minutes = 0.01 * n_steps / 60.0
        if estimator.batch_size == "auto" and minutes >= 1.0:
            warnings.warn(
                f"{type(estimator).__name__} with batch_size='auto' takes up to {n_steps:,} steps, "
                f"each on {plan.batches.batch_size} rows. A step on a cluster takes 10 ms or more, "
                f"even on few rows: that is {minutes:.1f} minutes. Set batch_size to more "
                "rows, and max_iter to the epochs of about a thousand steps in all; or, if the "
                f"rows fit in memory, use {estimator._local.__name__}.",
                UserWarning,
                stacklevel=level_of_caller(),
            )


def _check_client(client: Any) -> None:
    """A client that waits for results."""
    if not isinstance(client, Client):
        raise TypeError(f"client must be a distributed.Client or None; got {client!r}.")
    if client.asynchronous:
        raise ValueError("client must wait for results; got one with asynchronous=True.")


def _lazy(method: Callable[..., Any]) -> Any:
    """A method of prediction, on dask collections lazy."""

    def predictions(self: Any, X: Any, *arguments: Any, **options: Any) -> Any:
        return self._predictions(X, method.__name__, arguments, options)

    note = "The result of a dask collection is lazy, block by block, in the chunks of `X`."
    inputs = "dask array, dask dataframe or array-like"
    return _described(predictions, method, note, inputs, (": ndarray", ": dask array or ndarray"))


def _gathering(method: Callable[..., Any]) -> Any:
    """A method that fits, to inputs on the workers and all else gathered."""

    def fit(self: Any, X: Any, *arrays: Any, **named: Any) -> Any:
        gathered = self._storage.gathered
        for name in named.keys() - {"X_val"}:
            named[name] = gathered(named[name])
        return method(self, X, *map(gathered, arrays), **named)

    note = (
        "The workers compute each block of `X` once, and keep it while the fit lasts. The blocks\n"
        "may be sparse and of unknown lengths. What is one value a row, or a few, is gathered."
    )
    inputs = "dask array or dask dataframe"
    return _described(fit, method, note, inputs, (": array-like", ": dask or other array-like"))


def _described(
    ours: Any, theirs: Callable[..., Any], note: str, inputs: str, arrays: tuple[str, str]
) -> Any:
    """Give a method the name, the signature and the docstring of that in memory, with a note."""
    functools.update_wrapper(ours, theirs)
    summary, _, rest = (inspect.getdoc(theirs) or "").partition("\n")
    rest = rest.partition("\nExamples\n")[0].replace(*arrays)
    rest = rest.replace("{array-like, sparse matrix}", inputs).replace(": Back", ": DaskBack")
    ours.__doc__ = f"{summary}\n\n{note}\n{rest.rstrip()}\n"
    return ours


class _DaskMixin(BaseBackprop):
    """What the estimators on dask collections have in place of those in memory."""

    _local: type[BaseBackprop]
    client: Client | None

    def __init__(self, *args: Any, client: Client | None = None, **parameters: Any) -> None:
        super().__init__(*args, **parameters)
        self.client = client

    @property
    def _storage(self) -> OnCluster:
        return OnCluster(self.client)

    # A client is a connection, which cannot be copied, as `clone` does with every parameter, nor
    # be saved: clones share it, and files have none.

    def __sklearn_clone__(self) -> Self:
        new = super(_DaskMixin, self._unconnected()).__sklearn_clone__()
        new.client = self.client
        return new

    def __getstate__(self) -> dict[str, Any]:
        return super(_DaskMixin, self._unconnected()).__getstate__()

    def _unconnected(self) -> Self:
        """A shallow copy without the client."""
        model = copy.copy(self)
        model.client = None
        return model

    fit = _gathering(BaseBackprop.fit)
    hidden_activations = _lazy(BaseBackprop.hidden_activations)

    def to_local(self) -> Any:
        """Return the ordinary estimator, with the same parameters and fitted attributes.

        Returns
        -------
        model : BackpropClassifier or BackpropRegressor
            A copy that does not need dask.
        """
        model = self._as_local()
        for name, value in vars(model).items():
            if not is_of_callbacks(name):
                setattr(model, name, copy.deepcopy(value))
        return model

    def _as_local(self) -> Any:
        """The ordinary estimator, which shares what this one has but the client."""
        model = self._local.__new__(self._local)
        model.__dict__.update(vars(self))
        del model.client
        return model

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the score of the estimator in memory.

        `X` is predicted block by block, and no block is kept.

        Parameters
        ----------
        X : dask array, dask dataframe or array-like of shape (n_samples, n_features)
            Inputs.
        y : dask or other array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets. They are collected on the client.
        sample_weight : dask or other array-like of shape (n_samples,), default=None
            Weights of the rows. They are collected on the client.

        Returns
        -------
        score : float
            The accuracy of a classifier. For a regressor R², or D² of its loss.
        """
        gathered = self._storage.gathered
        predicted = gathered(self.predict(X))
        if len(predicted) == 0:
            raise ValueError("X must have at least 1 row; got a collection of no rows.")
        model = self._as_local()
        # All that a score asks of X.
        model.predict = lambda X: predicted
        return model.score(X, gathered(y), gathered(sample_weight))

    def _predictions(self, X: Any, method: str, arguments: Any, options: Any) -> Any:
        """The predictions of a method, where the rows are."""
        check_is_fitted(self)
        local = self._as_local()
        # Callbacks belong to this process; in the middle of a fit they cannot even be sent.
        for name in filter(is_of_callbacks, vars(self)):
            delattr(local, name)
        if isinstance(X, Blocks):
            local.__dict__.pop("feature_names_in_", None)
            return X.predictions(local, method)
        if not dask.is_dask_collection(X):
            return getattr(local, method)(X, *arguments, **options)
        X = self._checked_array(X, reset=False).rechunk({1: -1})
        local.__dict__.pop("feature_names_in_", None)
        call = functools.partial(_predict_block, method, arguments, options)
        meta = call(np.empty((0, X.shape[1]), X.dtype), local)
        result: dict[str, Any] = {"drop_axis": 1}
        if meta.ndim == 2:
            result = {"chunks": (X.chunks[0], (meta.shape[1],))}
        return X.map_blocks(
            call,
            dask.delayed(local, name=f"model-{uuid.uuid4().hex}"),
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


def _on_dask(cls: Any) -> Any:
    """Give a class the signature and the sections of the local estimator, and `client`.

    scikit-learn, notebooks and editors read them off the class itself.
    """
    init, local = cls.__init__, inspect.signature(cls._local.__init__)

    def initialise(self: Any, *args: Any, **parameters: Any) -> None:
        init(self, *args, **parameters)

    initialise.__name__, initialise.__qualname__ = "__init__", f"{cls.__qualname__}.__init__"
    client = inspect.signature(init).parameters["client"]
    initialise.__signature__ = local.replace(  # type: ignore[attr-defined]
        parameters=[*local.parameters.values(), client]
    )
    cls.__init__ = initialise
    ours, theirs = inspect.getdoc(cls), inspect.getdoc(cls._local)
    if ours and theirs:
        for first, after in (("Parameters\n", "See Also\n"), ("Notes\n", "Examples\n")):
            section = theirs.partition(first)[2].partition(after)[0]
            ours = ours.replace(after, first + section + after, 1)
        cls.__doc__ = ours.replace("\nAttributes\n", _CLIENT + "\nAttributes\n", 1) + "\n"
    return cls


_CLIENT = """\
client : distributed.Client, default=None
    The client to compute with; None for the one that is current. Clones share it, files and
    `to_local` have none. What is lazy is computed where its ``compute`` is called.
"""


@_on_dask
class DaskBackpropClassifier(_DaskMixin, BackpropClassifier):
    """`BackpropClassifier` on dask arrays and frames, fitted on a cluster.

    The descent is that of the estimator in memory and ends at the same weights, up to rounding.
    The workers keep the blocks and compute their gradients. The gradient of a step is the sum of
    these, in the order of the blocks. If a worker is lost, its blocks are computed again from the
    graph of `X`.

    The client holds `y`, the weights and, for mini-batches, the order of the rows, but never `X`.
    Each step sends the weights to each block and the gradient back. So use full batches, or
    batches of many thousands of rows.

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

    partial_fit = _gathering(BackpropClassifier.partial_fit)
    predict = _lazy(BackpropClassifier.predict)
    predict_proba = _lazy(BackpropClassifier.predict_proba)
    predict_log_proba = _lazy(BackpropClassifier.predict_log_proba)
    decision_function = _lazy(BackpropClassifier.decision_function)


@_on_dask
class DaskBackpropRegressor(_DaskMixin, BackpropRegressor):
    """`BackpropRegressor` on dask arrays and frames, fitted on a cluster.

    The descent is that of the estimator in memory and ends at the same weights, up to rounding.
    The workers keep the blocks and compute their gradients. The gradient of a step is the sum of
    these, in the order of the blocks. If a worker is lost, its blocks are computed again from the
    graph of `X`.

    The client holds `y`, the weights and, for mini-batches, the order of the rows, but never `X`.
    Each step sends the weights to each block and the gradient back. So use full batches, or
    batches of many thousands of rows.

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

    partial_fit = _gathering(BackpropRegressor.partial_fit)
    predict = _lazy(BackpropRegressor.predict)


def _predict_block(
    method: str, arguments: Any, options: Any, block: Any, model: BaseBackprop
) -> np.ndarray:
    """The predictions for a block of a collection, which may be empty."""
    predict = getattr(model, method)
    if block.shape[0] == 0:
        return predict(np.zeros((1, block.shape[1]), block.dtype), *arguments, **options)[:0]
    return predict(block, *arguments, **options)
