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


class _OneThread:
    """Limits BLAS to one thread from the first of several overlapping uses to the last.

    The limit is the process's: were each use to set it and put back what it found, one that
    began within another and ended after it would leave the limit in force for good.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._uses = 0
        self._limiter: Any = None

    def __enter__(self) -> None:
        with self._lock:
            if self._uses == 0:
                self._limiter = _controller().limit(limits=1)
            self._uses += 1

    def __exit__(self, *exception: object) -> None:
        with self._lock:
            self._uses -= 1
            if self._uses == 0:
                self._limiter.restore_original_limits()


@cache
def _controller() -> Any:
    """Looking for the libraries takes as long as a small fit, so that is done once."""
    return ThreadpoolController().select(user_api="blas")


_one_thread = _OneThread()


def _begin_anew() -> None:
    """In a forked process no other thread is left, which might end its use."""
    global _one_thread
    _one_thread = _OneThread()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)


@contextmanager
def blas_threads(batch_size: int, shapes: list[tuple[int, int]]) -> Iterator[None]:
    """One thread for small products; for large ones those that are in force."""
    if not one_thread_pays(batch_size, shapes):
        yield
        return
    with _one_thread:
        yield
