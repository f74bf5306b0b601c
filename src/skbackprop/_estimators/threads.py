"""The threads of BLAS while a network is descended: one where its products are small."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from threadpoolctl import ThreadpoolController

# Multiply-adds of a product from which on a second thread pays, even if its core has other work.
_PAYS_FROM = 2**23


def one_thread_pays(batch_size: int, shapes: list[tuple[int, int]]) -> bool:
    """Whether the products of a step on `batch_size` rows are too small to be shared out."""
    largest = max(fan_in * fan_out for fan_in, fan_out in shapes)
    return batch_size * largest < _PAYS_FROM


@cache
def _controller() -> Any:
    """Looking for the libraries takes as long as a small fit, so that is done once."""
    return ThreadpoolController().select(user_api="blas")


_lock = threading.Lock()


def _renew_lock() -> None:
    """In a forked process no other thread is left, which might let go of it."""
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


@contextmanager
def blas_threads(batch_size: int, shapes: list[tuple[int, int]]) -> Iterator[None]:
    """One thread for small products; for large ones those that are in force.

    With most libraries the limit is the process's. What finds it in force leaves it alone: were it
    to put back the 1 that it found, after another thread had lifted it, it would stay for good.
    """
    limit = None
    try:
        with _lock:
            libraries = _controller().lib_controllers
            if one_thread_pays(batch_size, shapes) and any(
                lib.num_threads > 1 for lib in libraries
            ):
                # Noted before anything is set, so that an interrupt finds what to put back.
                limit = _controller().limit(limits=None)
                limit.__enter__()
                for library in libraries:
                    library.set_num_threads(1)
        yield
    finally:
        if limit is not None:
            try:
                _lift(limit)
            except KeyboardInterrupt:
                _lift(limit)
                raise


def _lift(limit: Any) -> None:
    with _lock:
        limit.__exit__(None, None, None)
