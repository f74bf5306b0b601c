"""What a saved estimator is checked by when it is loaded: a digest of its state, and versions.

Pickle, joblib and skops save what `__getstate__` returns and hand it to `__setstate__`. A byte that
has changed on the way is told there, whichever of them carried it.
"""

import hashlib
import struct
import warnings
from collections.abc import Callable
from typing import Any, Self

import numpy as np

from skbackprop._estimators.stacklevel import level_of_caller
from skbackprop._version import __version__

_SEAL = "_skbackprop_seal"


class VersionWarning(UserWarning):
    """A model was saved by another version of skbackprop or of numpy than the one that loads it.

    Examples
    --------
    >>> import warnings
    >>> from skbackprop import VersionWarning
    >>> warnings.simplefilter("error", VersionWarning)  # such a file is not loaded then
    """


class SealedStateMixin:
    """Saves its state with a seal, and breaks it on loading; shallow copies do without."""

    def __getstate__(self) -> dict[str, Any]:
        return sealed(super().__getstate__())  # type: ignore[arg-type]

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = unsealed(state, type(self).__name__)
        super().__setstate__(state)  # type: ignore[misc]

    def __copy__(self) -> Self:
        new = type(self).__new__(type(self))
        new.__dict__.update(self.__dict__)
        return new


def sealed(state: dict[str, Any]) -> dict[str, Any]:
    """The state with versions and a digest of all of it."""
    versions = {"skbackprop": __version__, "numpy": np.__version__}
    return {**state, _SEAL: {"versions": versions, "digest": digest(state, versions)}}


def unsealed(state: dict[str, Any], name: str) -> dict[str, Any]:
    """The state that was sealed, if it is what it was."""
    state = dict(state)
    seal = state.pop(_SEAL, None)
    try:
        intact = seal["digest"] == digest(state, seal["versions"])
    except (TypeError, KeyError):
        intact = False
    if not intact:
        raise ValueError(
            f"The saved {name} is damaged: its digest is not that of its state. Load another copy."
        )
    present = {"skbackprop": __version__, "numpy": np.__version__}
    for package, saved in seal["versions"].items():
        if _release(saved) != _release(present[package]):
            warnings.warn(
                f"This {name} was saved by {package} {saved} and is loaded by {package} "
                f"{present[package]}. Fit it again, or check that its predictions are the same.",
                VersionWarning,
                stacklevel=level_of_caller(),
            )
    return state


def _release(version: str) -> list[str]:
    """The major and the minor number."""
    return version.split(".")[:2]


def digest(*values: Any) -> str:
    """A hash of values, however they are nested: the same before and after they were saved."""
    hasher = hashlib.blake2b(digest_size=16)
    for value in values:
        _feed(hasher.update, value)
    return hasher.hexdigest()


def _feed(update: Callable[[Any], None], value: Any) -> None:
    """Hash one value: what it is, how long, and its parts."""
    if isinstance(value, np.ndarray) and value.dtype != object:
        update(f"array {value.dtype.str} {value.shape}".encode())
        # As bytes, since dates have no buffer.
        items = np.ascontiguousarray(value)
        update(items.view(f"V{items.itemsize}").data if value.size else b"")
    elif isinstance(value, np.ndarray):
        update(f"objects {value.shape}".encode())
        _feed(update, value.ravel().tolist())
    elif isinstance(value, bool | np.bool_ | type(None)):
        update(f"{value} ".encode())
    elif isinstance(value, int | np.integer):
        update(f"int {int(value)} ".encode())
    elif isinstance(value, float | np.floating):
        update(b"float" + struct.pack("<d", value))
    elif isinstance(value, str | bytes):
        encoded = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
        update(f"{type(value).__name__} {len(encoded)} ".encode() + encoded)
    elif isinstance(value, dict):
        update(f"dict {len(value)} ".encode())
        for key in sorted(value, key=str):
            _feed(update, key)
            _feed(update, value[key])
    elif isinstance(value, list | tuple):
        update(f"sequence {len(value)} ".encode())
        for item in value:
            _feed(update, item)
    elif isinstance(value, np.random.Generator):
        _feed(update, value.bit_generator.state)
    elif isinstance(value, np.random.RandomState):
        _feed(update, value.get_state())
    else:
        # Callables and other objects that a user may pass; they have no say in predictions.
        update(f"{type(value).__qualname__} ".encode())
