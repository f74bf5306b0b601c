"""Processes of their own for what is measured: thread pools and memory are those of a process."""

import importlib
import os
import warnings
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

# glibc takes no larger size of arrays that are not given back.
KEEPING_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(2**25), "MALLOC_TRIM_THRESHOLD_": str(2**40)}


class Worker:
    """A new process that runs one call after another, without warnings.

    Parameters
    ----------
    n_threads : int or None
        Threads of BLAS, OpenMP and PyTorch; None for as many as there are.
    packages : sequence of str
        What is imported before the first call.
    keeps_memory : bool
        Whether what is freed stays with the process. By default glibc gives large arrays back, and
        takes their pages anew, until one as large was freed: the time of the same depends on what
        was done before.
    """

    def __init__(self, n_threads=None, packages=(), *, keeps_memory=False):
        self._pool = ProcessPoolExecutor(
            1, get_context("spawn"), initializer=_set_up, initargs=(packages,)
        )
        before = dict(os.environ)
        if n_threads is not None:
            os.environ.update(dict.fromkeys(THREADS, str(n_threads)))
        if keeps_memory:
            os.environ.update(KEEPING_MEMORY)
        # The process starts with the first call, in this environment.
        self._pool.submit(int)
        os.environ.clear()
        os.environ.update(before)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._pool.shutdown(cancel_futures=True)

    def submit(self, function, *arguments):
        """The future of ``function(*arguments)``."""
        return self._pool.submit(function, *arguments)

    def __call__(self, function, *arguments):
        """The value of ``function(*arguments)``."""
        return self.submit(function, *arguments).result()


def _set_up(packages):
    warnings.simplefilter("ignore")
    for package in packages:
        importlib.import_module(package)


def race(runners, n_rounds):
    """Call all runners in turn, round after round; their values, (n_rounds, n_runners, ...).

    What else the machine does then disturbs all values of a round alike.
    """
    return np.array([[runner() for runner in runners] for _ in range(n_rounds)])


def median_ratio(numerators, denominators):
    """The median of the ratios of all rounds."""
    return float(np.median(numerators / denominators))
