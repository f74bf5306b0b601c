"""The kinds of values in data: those refused although they could be converted to numbers."""

import datetime
from collections.abc import Iterator
from itertools import chain
from typing import Any

import numpy as np

_TIMES = (np.datetime64, np.timedelta64, datetime.date, datetime.time, datetime.timedelta)


def check_kinds(name: str, value: Any) -> None:
    """Refuse times and records, and what `check_container` does.

    Times as numbers are in any unit, NaT the lowest of all.
    """
    check_container(name, value)
    for place, got in _not_numeric_in(value):
        if getattr(got, "kind", None) == "V":
            advice = "Convert records, for instance by structured_to_unstructured of numpy.lib."
        else:
            advice = "Convert times to numbers, of days, say."
        raise TypeError(f"{name} must be numeric; got {got}{place}. {advice}")


def check_container(name: str, value: Any) -> None:
    """Refuse what is not in memory, and masked values: their conversion drops the mask."""
    kind = type(value)
    if isinstance(value, Iterator) or kind.__name__ == "LazyFrame":
        advice = "Call its collect()" if hasattr(value, "collect") else "Convert it by list()"
        raise TypeError(f"{name} must be an array in memory; got a {kind.__name__}. {advice}.")
    arrays = [value]
    if isinstance(value, list | tuple) and any(
        issubclass(kind, np.ma.MaskedArray) for kind in set(map(type, value))
    ):
        arrays = [part for part in value if isinstance(part, np.ma.MaskedArray)]
    masks = [np.ma.getmaskarray(part) for part in arrays if isinstance(part, np.ma.MaskedArray)]
    n_masked = sum(np.count_nonzero(mask) for mask in masks)
    if n_masked:
        raise ValueError(
            f"{name} must have no masked values; got {n_masked}. Replace them, by filled() or an "
            "imputer, or leave out their rows."
        )


def _not_numeric_in(value: Any) -> Iterator[tuple[str, Any]]:
    """Where times or records are, and their dtype or type."""
    if hasattr(value, "columns") and hasattr(value, "dtypes"):
        for number, dtype in enumerate(value.dtypes):
            if isinstance(dtype, np.dtype) and dtype.kind in "fiub":
                continue
            part = value.iloc if hasattr(value, "iloc") else value
            is_open = _is_of_objects(dtype) and not hasattr(value, "__dask_graph__")
            found = _found(part[:, number]) if is_open else _found_of(dtype)
            yield from ((_in_column(list(value.columns)[number]), got) for got in found)
    elif hasattr(value, "columns") and hasattr(value, "column_names"):
        # A table of pyarrow, whose columns have no dtype.
        columns = zip(value.column_names, value.columns, strict=True)
        yield from ((_in_column(column), got) for column, part in columns for got in _found(part))
    else:
        yield from (("", got) for got in _found(value))


def _in_column(name: Any) -> str:
    return f" in column {name!r}"


def _found(value: Any) -> Iterator[Any]:
    """The dtype or the type of times, or of records, in an array, a column, a list or a scalar."""
    dtype = getattr(value, "dtype", None)
    if isinstance(value, list | tuple):
        yield from _found_in_sequence(value)
    elif dtype is not None and not _is_of_objects(dtype):
        yield from _found_of(dtype)
    elif hasattr(value, "__array__") and not hasattr(value, "__dask_graph__"):
        # Of arrow, categories and objects, what they hold is told by their conversion.
        array = np.asarray(value)
        is_of_objects = array.dtype == object
        yield from _found(array.ravel().tolist()) if is_of_objects else _found_of(array.dtype)
    elif _is_time(type(value)):
        yield type(value).__name__


def _found_of(dtype: Any) -> Iterator[Any]:
    """A dtype of numpy or pandas, or of polars, which alone has no kind, if it is refused."""
    if hasattr(dtype, "is_temporal"):
        if dtype.is_temporal():
            yield dtype
    elif getattr(dtype, "kind", None) in ("m", "M", "V"):
        yield dtype


def _found_in_sequence(values: Any) -> Iterator[Any]:
    """As `_found`, in nested sequences: types are looked at, and values of those in question."""
    # Deeper ones are no data.
    for _ in range(3):
        kinds = set(map(type, values))
        for kind in kinds:
            if _is_time(kind):
                first = next(value for value in values if type(value) is kind)
                yield getattr(first, "dtype", kind.__name__)
            elif kind is np.ndarray:
                arrays = [value for value in values if type(value) is kind]
                for dtype in {array.dtype for array in arrays}:
                    first = next(array for array in arrays if array.dtype == dtype)
                    objects = [a.ravel().tolist() for a in arrays if dtype == a.dtype == object]
                    yield from _found(objects or first)
            elif hasattr(kind, "__array__") and not issubclass(kind, np.generic):
                yield from (got for part in values if type(part) is kind for got in _found(part))
        if not any(issubclass(kind, list | tuple) for kind in kinds):
            return
        values = list(chain.from_iterable(v for v in values if isinstance(v, list | tuple)))


def _is_of_objects(dtype: Any) -> bool:
    """Whether a dtype is of Python's objects, or a category, which may be of any."""
    return getattr(dtype, "kind", None) == "O" or str(dtype) == "Object"


def _is_time(kind: type) -> bool:
    """Whether a type is of times; pandas' NaT among others is a missing value."""
    return kind.__name__ == "Period" or (issubclass(kind, _TIMES) and kind.__name__ != "NaTType")
