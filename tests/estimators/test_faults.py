"""Interrupts, exceptions, killed workers, full disks, damaged files, threads, processes.

What is done at random is done 100 times; 1,000 or 10,000 times by ``--hypothesis-profile=long`` or
``longest``.
"""

import multiprocessing
import os
import pickle
import resource
import signal
import sys
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import joblib
import numpy as np
import pytest
from hypothesis import settings
from joblib.externals.loky.process_executor import TerminatedWorkerError
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from threadpoolctl import threadpool_info

import skbackprop
from skbackprop import BackpropClassifier, BackpropRegressor
from skbackprop._estimators.persistence import digest

skops = pytest.importorskip("skops.io")

N_TIMES = settings().max_examples
PACKAGE = Path(skbackprop.__file__).parent
RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4))
LABELS = np.array(["ant", "bee", "cat"])[np.arange(60) % 3]
NEW_X = RNG.normal(size=(20, 4))


def classifier(**params):
    return BackpropClassifier(6, max_iter=4, random_state=0).set_params(**params)


def regressor(**params):
    return BackpropRegressor((5, 3), "tanh", max_iter=4, random_state=0).set_params(**params)


MODELS = {
    "classifier": (classifier(), LABELS),
    "regressor": (regressor(), X[:, :2]),
    "with early stopping": (classifier(early_stopping=True, scoring="accuracy"), LABELS),
    "going on": (regressor(warm_start=True), X[:, 0]),
}
each_model = pytest.mark.parametrize(("model", "y"), MODELS.values(), ids=MODELS)


def fitted(model, y):
    return pickle.loads(pickle.dumps(model)).fit(X, y)


# Interrupts


class InterruptAtLine:
    """Raises KeyboardInterrupt where the package comes to its n-th line.

    Signals never come between a lock and the `with` that holds it, where this would: `_threads`,
    the only module with a lock, is left out.
    """

    def __init__(self, line=None):
        self.line = line
        self.lines = 0

    def __enter__(self):
        self._before = sys.gettrace()
        sys.settrace(self._enter_function)
        return self

    def __exit__(self, *exception):
        sys.settrace(self._before)

    def _enter_function(self, frame, event, arg):
        path = Path(frame.f_code.co_filename)
        return self._line if path.is_relative_to(PACKAGE) and path.stem != "threads" else None

    def _line(self, frame, event, arg):
        if event == "line":
            self.lines += 1
            if self.lines == self.line:
                sys.settrace(None)
                raise KeyboardInterrupt
        return self._line


def fit_interrupted(model, y):
    """Whether an interrupted fit came to an end of its own, with a model, or raised."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        try:
            model.fit(X, y)
        except KeyboardInterrupt:
            return False
    return True


def assert_usable_or_untouched(model, before, old_coefs):
    """All of a new fit is there, or all of what was there before, to the last bit."""
    if getattr(model, "coefs_", None) is old_coefs:
        assert digest(vars(model)) == before
        return
    assert np.isfinite(
        model.predict(NEW_X) if model.n_outputs_ < 3 else model.predict_proba(NEW_X)
    ).all()
    assert model.status_ in ("max_iter", "converged", "interrupted")


def n_threads():
    return [pool["num_threads"] for pool in threadpool_info()]


@each_model
@pytest.mark.parametrize("fitted_before", [False, True])
def test_an_interrupt_at_any_line(model, y, fitted_before, rng):
    saved, threads = pickle.dumps(fitted(model, y) if fitted_before else model), n_threads()
    with InterruptAtLine() as trace:
        pickle.loads(saved).fit(X, y)
    for line in rng.integers(1, trace.lines, size=N_TIMES // 4):
        interrupted = pickle.loads(saved)
        before, coefs = digest(vars(interrupted)), getattr(interrupted, "coefs_", None)
        with InterruptAtLine(int(line)):
            fit_interrupted(interrupted, y)
        assert_usable_or_untouched(interrupted, before, coefs)
        assert n_threads() == threads


@pytest.mark.parametrize("fitted_before", [False, True])
def test_a_signal_at_any_moment(fitted_before, rng):
    model = regressor(max_iter=40, tol=None)
    saved, threads = pickle.dumps(fitted(model, X[:, 0]) if fitted_before else model), n_threads()
    start = time.perf_counter()
    pickle.loads(saved).fit(X, X[:, 0])
    duration = time.perf_counter() - start
    armed = False

    def interrupt(number, frame):
        # As the handler of SIGINT does, but never between two fits.
        if armed:
            signal.default_int_handler(number, frame)

    by_alarm = signal.signal(signal.SIGALRM, interrupt)
    landed = 0
    try:
        while landed < N_TIMES:
            model = pickle.loads(saved)
            before, coefs = digest(vars(model)), getattr(model, "coefs_", None)
            ended = False
            try:
                armed = True
                signal.setitimer(signal.ITIMER_REAL, rng.uniform(1e-6, duration))
                ended = fit_interrupted(model, X[:, 0])
                armed = False
            except KeyboardInterrupt:
                # After the fit.
                armed = False
            signal.setitimer(signal.ITIMER_REAL, 0.0)
            landed += not ended or model.status_ == "interrupted"
            assert_usable_or_untouched(model, before, coefs)
    finally:
        signal.signal(signal.SIGALRM, by_alarm)
    assert n_threads() == threads


# Exceptions and killed workers


class Scorer:
    """Fails or kills its process when it is called for the n-th time, or while a file is there."""

    def __init__(self, calls=0, poison=None):
        self.calls = calls
        self.poison = poison

    def __call__(self, estimator, X, y):
        self.calls -= 1
        if self.calls == 0:
            raise ZeroDivisionError("the scorer failed")
        if self.poison is not None and self.poison.exists():
            os.kill(os.getpid(), signal.SIGKILL)
        return estimator.score(X, y)


@pytest.mark.parametrize("call", [1, 3])
@pytest.mark.parametrize("warm_start", [False, True])
def test_an_exception_in_a_scorer(call, warm_start):
    model = fitted(regressor(warm_start=warm_start), X[:, 0])
    model.set_params(scoring=Scorer(call))
    before = digest(vars(model))
    with pytest.raises(ZeroDivisionError, match="the scorer failed"):
        model.fit(X, X[:, 0], X_val=NEW_X, y_val=NEW_X[:, 0])
    assert digest(vars(model)) == before


@pytest.mark.not_nudged
def test_a_worker_that_is_killed_during_a_search(tmp_path):
    poison = tmp_path / "poison"
    poison.touch()
    search = GridSearchCV(
        regressor(), {"alpha": [0.0, 0.1, 1.0]}, scoring=Scorer(poison=poison), n_jobs=2, cv=2
    )
    with pytest.raises(TerminatedWorkerError, match="unexpectedly terminated"):
        search.fit(X, X[:, 0])
    poison.unlink()
    parallel = search.fit(X, X[:, 0]).cv_results_["mean_test_score"]
    serial = search.set_params(n_jobs=1).fit(X, X[:, 0]).cv_results_["mean_test_score"]
    np.testing.assert_array_equal(parallel, serial)


# Files


def pickle_to(path, model):
    with path.open("wb") as file:
        pickle.dump(model, file)


def pickle_from(path):
    with path.open("rb") as file:
        return pickle.load(file)


def skops_from(path):
    return skops.load(path, trusted=skops.get_untrusted_types(file=path))


FORMATS = {
    "pickle": (pickle_to, pickle_from),
    "joblib": (lambda path, model: joblib.dump(model, path), joblib.load),
    "joblib zlib": (lambda path, model: joblib.dump(model, path, compress=3), joblib.load),
    "joblib lzma": (lambda path, model: joblib.dump(model, path, compress="lzma"), joblib.load),
    "skops": (lambda path, model: skops.dump(model, path), skops_from),
}
each_format = pytest.mark.parametrize(("dump", "load"), FORMATS.values(), ids=FORMATS)
# What some damaged files are read as complains when it is thrown away.
unraisable = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


def escapes(damaged, load, path, expected):
    """Which of the damaged files are loaded and predict something else."""
    for name, data in damaged:
        path.write_bytes(data)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                predictions = load(path).predict_proba(NEW_X)
        except Exception:
            continue
        if not np.array_equal(predictions, expected):
            yield name


@each_format
@unraisable
def test_a_flipped_bit_is_told(dump, load, tmp_path, rng):
    model, path = fitted(classifier(), LABELS), tmp_path / "model"
    dump(path, model)
    saved = np.frombuffer(path.read_bytes(), dtype=np.uint8)

    def damaged():
        for bit in rng.integers(8 * len(saved), size=2 * N_TIMES):
            data = saved.copy()
            data[bit // 8] ^= 1 << (bit % 8)
            yield bit, data.tobytes()

    assert list(escapes(damaged(), load, path, model.predict_proba(NEW_X))) == []


@each_format
@unraisable
def test_a_truncated_file_is_told(dump, load, tmp_path, rng):
    model, path = fitted(classifier(), LABELS), tmp_path / "model"
    dump(path, model)
    saved = path.read_bytes()
    lengths = rng.integers(len(saved), size=N_TIMES)
    damaged = ((length, saved[:length]) for length in lengths)
    assert list(escapes(damaged, load, path, model.predict_proba(NEW_X))) == []


@each_format
def test_a_full_disk_is_told(dump, load, tmp_path):
    model, path = fitted(classifier(), LABELS), tmp_path / "model"
    expected = model.predict_proba(NEW_X)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            dump(path, model)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    np.testing.assert_array_equal(model.predict_proba(NEW_X), expected)
    assert path.stat().st_size <= 1000


# Threads and processes


def test_predictions_of_8_threads_are_those_of_one():
    model = fitted(classifier(), LABELS)
    parts = [X[:1], X[:7], X, np.tile(X, (50, 1))]
    expected = [model.predict_proba(part) for part in parts]
    barrier = threading.Barrier(8)

    def agree(thread):
        barrier.wait()
        return all(
            np.array_equal(model.predict_proba(parts[k % 4]), expected[k % 4])
            for k in range(thread, thread + N_TIMES)
        )

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(agree, range(8)))


def fit_in_process(queue, model):
    queue.put(model.fit(X, X[:, 0]).coefs_)


# A child of a process with threads, as those of BLAS are, may be left with locks that they hold.
@pytest.mark.filterwarnings("ignore:.*use of fork.*:DeprecationWarning")
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.not_nudged
def test_fits_in_processes(method):
    expected = regressor().fit(X, X[:, 0]).coefs_
    context = multiprocessing.get_context(method)
    queue = context.Queue()
    processes = [context.Process(target=fit_in_process, args=(queue, regressor())) for _ in "ab"]
    for process in processes:
        process.start()
    for _ in processes:
        for coef, same in zip(queue.get(timeout=60), expected, strict=True):
            np.testing.assert_array_equal(coef, same)
    for process in processes:
        process.join(timeout=60)
        assert process.exitcode == 0
