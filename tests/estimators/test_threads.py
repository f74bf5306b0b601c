"""The threads of BLAS: one while small products are descended on, then those of before."""

import os
import threading

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController, threadpool_limits

from skbackprop import BackpropClassifier, BackpropRegressor
from skbackprop._estimators import threads
from skbackprop._estimators.threads import blas_threads, one_thread_pays

pytestmark = pytest.mark.thread_unsafe
SMALL, LARGE = (32, [(4, 10)]), (2**12, [(2**6, 2**6)])
BLAS = ThreadpoolController().select(user_api="blas")
X = np.random.default_rng(0).normal(size=(40, 3))
WAIT = 30


def in_force():
    """Number of threads of each BLAS library that is loaded."""
    return [library.num_threads for library in BLAS.lib_controllers]


def set_threads(numbers):
    """Set them for good, and let other threads limit them: no `with` of this thread is open."""
    for library, number in zip(BLAS.lib_controllers, numbers, strict=True):
        library.set_num_threads(number)
        if hasattr(library, "clear_controlling_thread"):  # from threadpoolctl 3.7 on
            library.clear_controlling_thread()


@pytest.fixture(autouse=True)
def two_threads():
    """Two threads, whatever the machine has; a test leaves them as they were."""
    before = in_force()
    set_threads([2] * len(before))
    two = in_force()
    if 2 not in two:
        pytest.skip("no BLAS library of more than one thread")
    yield two
    after = in_force()
    set_threads(before)
    assert after == two


def is_one():
    return set(in_force()) == {1}


def test_products_that_pay():
    assert one_thread_pays(*SMALL)
    assert not one_thread_pays(*LARGE)
    # The largest of the layers decides.
    assert not one_thread_pays(2**12, [(2, 64), (64, 64), (64, 2)])


def test_small_products_have_one_thread(two_threads):
    with blas_threads(*SMALL):
        assert is_one()
    assert in_force() == two_threads


def test_large_products_keep_the_threads_in_force(two_threads):
    with blas_threads(*LARGE):
        assert in_force() == two_threads
        with threadpool_limits(1, user_api="blas"), blas_threads(*LARGE):
            assert is_one()


def test_limit_of_the_user_is_not_raised():
    with threadpool_limits(1, user_api="blas"):
        with blas_threads(*SMALL):
            assert is_one()
        assert is_one()


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_restored_after_an_exception(error, two_threads):
    with pytest.raises(error), blas_threads(*SMALL):
        raise error
    assert in_force() == two_threads


def test_nested(two_threads):
    with blas_threads(*SMALL):
        with blas_threads(*SMALL):
            assert is_one()
        assert is_one()
    assert in_force() == two_threads


@pytest.mark.parametrize("alive", [False, True], ids=["ended", "alive"])
@pytest.mark.parametrize("first_to_end", [0, 1])
def test_overlapping_in_either_order(first_to_end, alive, two_threads):
    """Whether or not the thread of the first to begin is alive when the other ends."""
    began, may_end, ended = ([threading.Event(), threading.Event()] for _ in range(3))
    may_go = threading.Event()
    seen = []

    def use(number):
        with blas_threads(*SMALL):
            seen.append(in_force())
            began[number].set()
            assert may_end[number].wait(WAIT)
        ended[number].set()
        assert may_go.wait(WAIT if alive else 0) or not alive

    uses = [threading.Thread(target=use, args=(number,)) for number in range(2)]
    for number, thread in enumerate(uses):
        thread.start()
        assert began[number].wait(WAIT)
    for number in (first_to_end, 1 - first_to_end):
        may_end[number].set()
        assert ended[number].wait(WAIT)
        if not alive:
            uses[number].join(WAIT)
    assert [set(threads) for threads in seen] == [{1}, {1}]
    assert in_force() == two_threads
    with blas_threads(*SMALL):
        assert is_one()
    assert in_force() == two_threads
    may_go.set()
    for thread in uses:
        thread.join(WAIT)


def test_users_limits_work_in_other_threads_after_a_fit(two_threads):
    """Whoever set a limit last and did not end it would be the only one who can."""
    seen = []

    def limit():
        with threadpool_limits(1, user_api="blas"):
            seen.append(is_one())

    with blas_threads(*SMALL):
        pass
    thread = threading.Thread(target=limit)
    thread.start()
    thread.join(WAIT)
    assert seen == [True]
    assert in_force() == two_threads


class Spy:
    """Scores by the number of threads in force."""

    def __init__(self):
        self.seen = []

    def __call__(self, model, X, y):
        self.seen.append(in_force())
        return 0.0


@pytest.mark.parametrize("estimator", [BackpropClassifier, BackpropRegressor])
def test_fit(estimator, two_threads):
    spy = Spy()
    y = (X[:, 0] > 0).astype(int)
    model = estimator(4, max_iter=3, scoring=spy)
    model.fit(X, y, X_val=X, y_val=y)
    assert [set(threads) for threads in spy.seen] == [{1}] * 3
    assert in_force() == two_threads
    spy.seen.clear()
    model.set_params(hidden_layer_sizes=(2**9, 2**9), batch_size="full", max_iter=1)
    model.fit(X, y, X_val=X, y_val=y)
    assert spy.seen == [two_threads]


def test_fit_that_fails(two_threads):
    def fails(model, X, y):
        assert is_one()
        raise RuntimeError("score")

    model = BackpropRegressor(4, max_iter=3, scoring=fails)
    with pytest.raises(RuntimeError, match="score"):
        model.fit(X, X[:, 0], X_val=X, y_val=X[:, 0])
    assert in_force() == two_threads


def test_fits_in_threads(two_threads):
    barrier = threading.Barrier(3)
    errors = []

    def fit(n_epochs):
        try:
            barrier.wait(WAIT)
            BackpropRegressor(4, max_iter=n_epochs, tol=None).fit(X, X[:, 0])
        except BaseException as error:
            errors.append(error)

    fits = [threading.Thread(target=fit, args=(n_epochs,)) for n_epochs in (5, 50, 200)]
    for thread in fits:
        thread.start()
    for thread in fits:
        thread.join(WAIT)
    assert errors == []
    assert in_force() == two_threads


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
@pytest.mark.parametrize("held", [False, True])
def test_fork_during_a_fit_of_another_thread(held, two_threads):
    """The child has neither the other thread, which would end its use, nor its lock."""
    with blas_threads(*SMALL):
        if held:
            threads._lock.acquire()
        child = os.fork()
        if child == 0:
            ok = False
            try:
                with blas_threads(*SMALL):
                    ok = is_one()
                BackpropRegressor(4, max_iter=2).fit(X, X[:, 0])
            finally:
                os._exit(0 if ok else 1)
        if held:
            threads._lock.release()
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 0
        assert is_one()
    assert in_force() == two_threads
