"""Gradient descent, its schedules and its stop rules, on functions with known iterates."""

import math

import numpy as np
import pytest

from skbackprop._core.descent import Differentiable, Plan, gradient_descent
from skbackprop._core.rows import Batches
from skbackprop._core.rules import SCHEDULES, Plateau, Status, VanishedGradient, has_risen

CURVATURES = np.array([1.0, 0.3, 0.05])
START = np.array([2.0, -1.0, 4.0])


class Quadratic(Differentiable):
    """½ Σ λ θ², of which each batch has an equal share, as of identical rows."""

    def __init__(self, n_rows=1):
        self.n_rows = n_rows
        self.scales = []

    def value(self, params):
        return float(0.5 * CURVATURES @ params**2)

    def value_and_gradient(self, params, rows, out, scale=1.0):
        self.scales.append(scale)
        out[:] = scale * CURVATURES * params
        return self.value(params) * len(range(self.n_rows)[rows]) / self.n_rows


class Script(Differentiable):
    """A loss that is read off a list, one entry further at each `n_rows` steps of size 1."""

    def __init__(self, losses, n_rows=1):
        self.losses = losses
        self.n_rows = n_rows

    def value(self, params):
        return self.losses[int(params[0]) // self.n_rows]

    def value_and_gradient(self, params, rows, out, scale=1.0):
        out[:] = -scale
        return self.value(params) / self.n_rows


class Watching:
    """A watcher made of functions."""

    def __init__(self, on_epoch=None, choose=None):
        self.on_epoch = on_epoch
        self.choose = choose

    def __call__(self, epoch):
        return None if self.on_epoch is None else self.on_epoch(epoch)

    def chosen_params(self):
        return None if self.choose is None else self.choose()


def descend(
    objective,
    params,
    *,
    schedule="constant",
    max_iter,
    n_rows=1,
    batch_size=1,
    on_epoch=None,
    choose=None,
    **rules,
):
    plan = Plan(
        **{"step_size": 1.0, "batches": Batches(n_rows, batch_size), **rules},
        schedule=SCHEDULES[schedule](max_iter),
        max_iter=max_iter,
    )
    return gradient_descent(objective, params, plan, Watching(on_epoch, choose))


def follow(losses, n_rows=1, **kwargs):
    """Descend a script, row by row; what came of it and the entry where it ended."""
    params = np.zeros(1)
    descent = descend(
        Script(losses, n_rows), params, max_iter=len(losses) - 1, n_rows=n_rows, **kwargs
    )
    return descent, params[0] / n_rows


class TestDescent:
    @pytest.mark.parametrize("step_size", [0.1, 1.0, 1.9])
    def test_iterates_on_a_quadratic(self, step_size):
        # θ_k = (1 - step λ)^k θ_0
        params = START.copy()
        descent = descend(Quadratic(), params, step_size=step_size, max_iter=20)
        powers = (1 - step_size * CURVATURES) ** np.arange(21)[:, np.newaxis]
        losses = 0.5 * (powers * START) ** 2 @ CURVATURES
        np.testing.assert_allclose(params, powers[-1] * START, rtol=1e-13, atol=1e-15)
        np.testing.assert_allclose(descent.loss_curve, losses[:-1], rtol=1e-13)
        assert descent.first_loss == pytest.approx(losses[0], rel=1e-15)
        assert descent.loss == pytest.approx(losses[-1], rel=1e-13)
        assert descent.status is Status.MAX_ITER

    @pytest.mark.parametrize("schedule", ["constant", "linear", "invscaling"])
    @pytest.mark.parametrize("first_epoch", [0, 2])
    def test_steps_follow_the_schedule_within_epochs(self, schedule, first_epoch):
        objective, params = Quadratic(n_rows=7), START.copy()
        descend(
            objective, params, schedule=schedule, step_size=0.4, max_iter=5, n_rows=7, batch_size=2,
            first_epoch=first_epoch,
        )  # fmt: skip
        epochs = first_epoch + np.arange(5 * 4) / 4
        fractions = {
            "constant": np.ones_like(epochs),
            "linear": 1 - epochs / 5,
            "invscaling": 1 / np.sqrt(1 + epochs),
        }[schedule]
        np.testing.assert_allclose(objective.scales, -0.4 * fractions, rtol=1e-14, atol=1e-16)
        factors = 1 - 0.4 * fractions[:, np.newaxis] * CURVATURES
        np.testing.assert_allclose(params, START * factors.prod(axis=0), rtol=1e-13)

    def test_loss_curve_adds_up_the_shares_met_by_the_steps(self):
        descent = descend(
            Quadratic(n_rows=5), START.copy(), step_size=0.5, max_iter=1, n_rows=5, batch_size=2
        )
        powers = (1 - 0.5 * CURVATURES) ** np.arange(3)[:, np.newaxis]
        losses = 0.5 * (powers * START) ** 2 @ CURVATURES
        assert descent.loss_curve == pytest.approx([losses @ [0.4, 0.4, 0.2]], rel=1e-14)

    def test_reports_each_epoch(self):
        reports = []
        descent = descend(
            Quadratic(n_rows=2), START.copy(), schedule="linear", step_size=0.5, max_iter=2,
            n_rows=2, on_epoch=lambda epoch: reports.append((*epoch[:3], *epoch.step_sizes)),
        )  # fmt: skip
        # Of the two steps of an epoch the first.
        assert reports == [
            (1, descent.first_loss, descent.loss_curve[0], 0.5),
            (2, descent.first_loss, descent.loss_curve[1], 0.5, 0.25),
        ]
        assert descent.step_sizes == [0.5, 0.25]

    def test_a_watcher_may_end_it(self):
        descent = descend(
            Quadratic(), START.copy(), max_iter=9,
            on_epoch=lambda epoch: Status.STOPPED if epoch.number == 4 else None,
        )  # fmt: skip
        assert (len(descent.loss_curve), descent.status) == (4, Status.STOPPED)

    @pytest.mark.parametrize("chosen", [None, np.array([0.5, -0.25, 0.125])])
    def test_ends_with_what_is_chosen(self, chosen):
        objective, params = Quadratic(), START.copy()
        descent = descend(objective, params, max_iter=3, choose=lambda: chosen)
        if chosen is not None:
            np.testing.assert_array_equal(params, chosen)
        assert descent.loss == objective.value(params)

    def test_adaptive_schedule_shortens_at_plateaus_and_ends(self):
        objective = Quadratic()
        descent = descend(
            objective, np.zeros(3), schedule="adaptive", max_iter=50, plateau=Plateau(1e-4, 2)
        )
        # The first epoch sets the mark, each two that follow are a plateau.
        expected = [1.0] + [5.0**-k for k in range(6) for _ in range(2)]
        np.testing.assert_allclose(objective.scales, -np.array(expected), rtol=1e-15)
        assert descent.status is Status.CONVERGED

    @pytest.mark.parametrize(
        ("schedule", "epochs", "status"),
        [
            ("constant", 4, Status.CONVERGED),
            ("invscaling", 4, Status.CONVERGED),
            ("linear", 9, Status.MAX_ITER),
        ],
    )
    def test_a_decaying_step_outlasts_plateaus(self, schedule, epochs, status):
        descent = descend(
            Quadratic(), np.zeros(3), schedule=schedule, max_iter=9, plateau=Plateau(1e-4, 3)
        )
        assert (len(descent.loss_curve), descent.status) == (epochs, status)

    @pytest.mark.parametrize("batch_size", [3, 1])
    def test_ends_where_the_gradient_has_vanished(self, batch_size):
        # With one curvature λ the gradients shrink as (1 - step λ)^k, in one step an epoch; in
        # three, the means of those met by an epoch shrink as (1 - step λ)^3k.
        params = np.array([1.0, 0.0, 0.0])
        descent = descend(
            Quadratic(n_rows=3), params, step_size=0.1, max_iter=500, n_rows=3,
            batch_size=batch_size, vanished=VanishedGradient(1e-3),
        )  # fmt: skip
        steps = 3 // batch_size
        epochs = math.ceil(math.log(1e-3) / (steps * math.log(0.9))) + 1
        assert (len(descent.loss_curve), descent.status) == (epochs, Status.CONVERGED)
        assert params[0] == pytest.approx(0.9 ** (steps * epochs), rel=1e-12)

    def test_a_short_step_is_no_vanished_gradient(self):
        descent, _ = follow([0.0] * 101, schedule="linear", vanished=VanishedGradient(0.1))
        assert (len(descent.loss_curve), descent.status) == (100, Status.MAX_ITER)

    @pytest.mark.parametrize("bad", [math.inf, math.nan])
    def test_an_explosion_restores_the_best_parameters(self, bad):
        descent, end = follow([5.0, 3.0, 1.0, 2.0, 4.0, bad, bad, 0.0])
        assert (end, descent.loss, descent.first_loss) == (2, 1.0, 5.0)
        assert descent.status is Status.DIVERGED
        np.testing.assert_array_equal(descent.loss_curve, [5.0, 3.0, 1.0, 2.0, 4.0, bad])

    def test_an_explosion_restores_the_first_of_the_best(self):
        descent, end = follow([5.0, 3.0, 3.0, math.inf, 0.0])
        assert (end, descent.loss, descent.status) == (1, 3.0, Status.DIVERGED)

    def test_what_follows_an_explosion_does_not_count(self):
        descent, end = follow([5.0, 3.0, 1.0, math.inf, 4.0])
        assert (end, descent.loss, descent.status) == (2, 1.0, Status.DIVERGED)

    @pytest.mark.parametrize("bad", [math.inf, math.nan])
    def test_an_explosion_in_the_last_step_restores_the_best_parameters(self, bad):
        descent, end = follow([5.0, 3.0, bad])
        assert (end, descent.loss, descent.loss_curve) == (1, 3.0, [5.0, 3.0])
        assert descent.status is Status.DIVERGED

    def test_a_runaway_from_the_first_step_restores_the_first_parameters(self):
        params = START.copy()
        descent = descend(Quadratic(), params, step_size=1e3, max_iter=1000)
        np.testing.assert_array_equal(params, START)
        assert descent.loss == descent.first_loss
        assert (descent.status, descent.exploded) == (Status.DIVERGED, True)
        # The first epoch meets the first loss; the five after it meet more than 100 times that.
        assert len(descent.loss_curve) == 6

    def test_a_loss_far_above_the_first_may_come_down_again(self):
        descent, end = follow([1.0, 1e9, 1e9, 1e9, 1e9, 0.9, 1e9, 0.5])
        assert (descent.status, end, descent.loss) == (Status.MAX_ITER, 7, 0.5)
        descent, end = follow([1.0, 0.3, 101.0, 101.0, 101.0, 101.0, 101.0, 0.5])
        assert (descent.status, end, descent.loss) == (Status.DIVERGED, 1, 0.3)

    def test_steps_that_rounding_swallows_are_no_vanished_gradient(self):
        params = START.copy()
        descent = descend(
            Quadratic(), params, step_size=1e-300, max_iter=9, vanished=VanishedGradient(1e-4)
        )
        assert (len(descent.loss_curve), descent.status) == (9, Status.MAX_ITER)
        descent = descend(
            Quadratic(), np.zeros_like(START), max_iter=9, vanished=VanishedGradient(1e-4)
        )
        assert (len(descent.loss_curve), descent.status) == (1, Status.CONVERGED)

    @pytest.mark.parametrize("scale", [1e-200, 1e-160, 1e150])
    def test_ends_where_gradients_whose_squares_leave_the_floats_have_vanished(self, scale):
        params = np.array([scale, 0.0, 0.0])
        descent = descend(
            Quadratic(), params, step_size=0.5, max_iter=99, vanished=VanishedGradient(1e-3)
        )
        assert (len(descent.loss_curve), descent.status) == (11, Status.CONVERGED)

    @pytest.mark.parametrize(
        ("losses", "status"),
        [
            ([1.0, 0.5, 1.0], Status.MAX_ITER),
            ([1.0, 0.5, 1.0 + 2e-6], Status.DIVERGED),
            ([1.0, 1e9, 0.9], Status.MAX_ITER),
        ],
    )
    def test_a_rise_from_first_to_last_is_told_and_kept(self, losses, status):
        descent, end = follow(losses)
        assert (descent.status, end, descent.loss) == (status, 2, losses[2])

    @pytest.mark.parametrize("steps", [0, 1, 2, 5])
    def test_an_interrupt_keeps_the_steps_taken(self, steps):
        objective, params = Quadratic(n_rows=2), START.copy()
        value_and_gradient = objective.value_and_gradient

        def interrupted(*args, **kwargs):
            if len(objective.scales) == steps:
                raise KeyboardInterrupt
            return value_and_gradient(*args, **kwargs)

        objective.value_and_gradient = interrupted
        descent = descend(objective, params, step_size=0.5, max_iter=10, n_rows=2)
        np.testing.assert_allclose(params, START * (1 - 0.5 * CURVATURES) ** steps, rtol=1e-14)
        assert descent.status is Status.INTERRUPTED
        assert descent.loss == objective.value(params)
        assert len(descent.loss_curve) == steps // 2

    def test_an_interrupt_of_the_report_keeps_the_epoch(self):
        def interrupt(*report):
            raise KeyboardInterrupt

        # Risen, but by order.
        descent, end = follow([1.0, 2.0, 0.0], on_epoch=interrupt)
        assert (descent.status, end, descent.loss) == (Status.INTERRUPTED, 1, 2.0)
        assert descent.loss_curve == [1.0]

    def test_other_exceptions_pass(self):
        def fail(*report):
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            follow([1.0, 0.5], on_epoch=fail)


class Cliff(Differentiable):
    """A loss of 3 at its start and infinite beyond the edge, with a slope of 1."""

    def __init__(self, edge=0.0, first_loss=3.0):
        self.edge = edge
        self.first_loss = first_loss

    def value(self, params):
        return self.first_loss

    def value_and_gradient(self, params, rows, out, scale=1.0):
        out[:] = -scale
        return 3.0 if params[0] <= self.edge else math.inf


class TestRetry:
    """Epochs that explode are undone, and the step halved for good."""

    def test_any_rise_of_a_full_batch(self):
        params = START.copy()
        descent = descend(Quadratic(), params, step_size=3.0, max_iter=6, retry=True)
        # One epoch climbs, the next meets it, and the four that are left have half the step.
        powers = (1 - 1.5 * CURVATURES) ** np.arange(5)[:, np.newaxis]
        losses = 0.5 * (powers * START) ** 2 @ CURVATURES
        np.testing.assert_allclose(params, powers[-1] * START, rtol=1e-13)
        np.testing.assert_allclose(descent.loss_curve, losses[[0, 0, 1, 2, 3]], rtol=1e-13)
        assert (descent.status, descent.undone) == (Status.MAX_ITER, 1)

    @pytest.mark.parametrize(("rise", "undone"), [(0.9e-6, 0), (1.1e-6, 1)])
    def test_rounding_is_no_rise(self, rise, undone):
        descent, _ = follow([-1.0, -2.0, -2.0 * (1.0 - rise), -3.0], retry=True)
        assert descent.undone == undone

    @pytest.mark.parametrize(
        "kind", [{"n_rows": 2}, {"n_rows": 2, "smooth": False}, {"smooth": False}]
    )
    @pytest.mark.parametrize(("highest", "undone"), [(1.24, 0), (1.26, 1)])
    def test_batches_and_kinks_may_rise_above_the_first_loss(self, kind, highest, undone):
        descent, _ = follow([1.0, 0.5, highest, 0.4], retry=True, **kind)
        assert descent.undone == undone

    def test_a_loss_that_every_step_raises_is_no_division_by_zero(self):
        """As of a target that is predicted to the last digit, where rounding raises the loss."""

        class Rising(Script):
            def value_and_gradient(self, params, rows, out, scale=1.0):
                out[:] = scale
                return 1.0

        descent, end = (
            descend(
                Rising([0.0]),
                params := np.zeros(1),
                max_iter=60,
                retry=True,
                vanished=VanishedGradient(1e-4),
            ),
            params,
        )
        assert (end[0], descent.loss, descent.undone) == (0.0, 0.0, 40)

    def test_ends_at_the_best_where_it_would_end_above_the_first(self):
        descent, end = follow([1.0, 0.5, 1.5], retry=True, smooth=False)
        assert (end, descent.loss, descent.status) == (1, 0.5, Status.MAX_ITER)

    def test_gives_up_after_40_halvings(self):
        params = np.zeros(1)
        descent = descend(Cliff(), params, max_iter=200, retry=True)
        assert (descent.status, descent.undone, params[0]) == (Status.DIVERGED, 40, 0.0)
        assert descent.loss_curve == [3.0] * 41 + [math.inf]

    @pytest.mark.parametrize("smooth", [True, False])
    @pytest.mark.parametrize("first_loss", [math.inf, math.nan])
    def test_a_first_loss_beyond_the_floats_is_no_licence(self, first_loss, smooth):
        # The sum over all rows may leave the range of floats where those of batches do not.
        cliff, params = Cliff(1.0, first_loss), np.zeros(1)
        descent = descend(cliff, params, step_size=2.0, max_iter=3, retry=True, smooth=smooth)
        assert (descent.undone, descent.loss_curve) == (1, [3.0, 3.0])
        assert descent.step_sizes == [2.0, 1.0]

    def test_without_it_the_step_stays(self):
        params = START.copy()
        descent = descend(Quadratic(), params, step_size=3.0, max_iter=3)
        np.testing.assert_allclose(params, (1 - 3.0 * CURVATURES) ** 3 * START, rtol=1e-13)
        assert (descent.status, descent.undone) == (Status.DIVERGED, 0)


@pytest.mark.parametrize(
    ("name", "fraction"),
    [
        ("constant", lambda t: 1.0),
        ("linear", lambda t: 1 - t / 8),
        ("invscaling", lambda t: 1 / math.sqrt(1 + t)),
        ("adaptive", lambda t: 1.0),
    ],
)
@pytest.mark.parametrize("epochs", [0, 0.25, 1, 3.5, 8])
def test_fractions(name, fraction, epochs):
    assert SCHEDULES[name](8).fraction(epochs) == pytest.approx(fraction(epochs), rel=1e-15)


@pytest.mark.parametrize("name", SCHEDULES)
def test_every_schedule_starts_with_the_whole_step(name):
    assert SCHEDULES[name](3).fraction(0) == 1.0


def test_adaptive_divides_by_5_until_below_a_ten_thousandth():
    schedule = SCHEDULES["adaptive"](100)
    for k in range(1, 6):
        assert schedule.outlasts_plateau()
        assert schedule.fraction(k) == pytest.approx(5.0**-k, rel=1e-15)
    assert not schedule.outlasts_plateau()


@pytest.mark.parametrize(
    ("tol", "patience", "losses", "reached"),
    [
        (0.1, 1, [10, 9.5], [False, True]),
        (0.1, 1, [10, 8.9, 8.0], [False, False, False]),
        # Progress is counted from the lowest loss that was progress: 9.5 and 9.2 are none of 10.
        (0.1, 2, [10, 9.5, 9.2], [False, False, True]),
        (0.1, 2, [10, 9.5, 8.9, 8.5, 8.3], [False, False, False, False, True]),
        # Patience starts anew after a plateau.
        (0.1, 2, [10, 10, 10, 10, 10], [False, False, True, False, True]),
        (0.1, 2, [-10, -10.5, -11.5, -12, -12], [False, False, False, False, True]),
        (0.0, 2, [3, 2, 1, 1, 1], [False, False, False, False, True]),
        (0.1, 1, [1, 2, 0.5, 0, 0], [False, True, False, False, True]),
    ],
)
def test_plateau(tol, patience, losses, reached):
    rule = Plateau(tol, patience)
    assert [rule.reached(loss) for loss in losses] == reached


@pytest.mark.parametrize(
    ("tol", "norms", "reached"),
    [
        (0.1, [5, 1, 0.51, 0.5], [False, False, False, True]),
        (0.1, [5, 50, 4], [False, False, False]),
        (0.0, [5, 1e-300, 0], [False, False, True]),
        (0.1, [0], [True]),
    ],
)
def test_vanished_gradient(tol, norms, reached):
    rule = VanishedGradient(tol)
    assert [rule.reached(norm) for norm in norms] == reached


@pytest.mark.parametrize(
    ("began", "ended", "allowed", "risen"),
    [
        (1.0, 0.5, 0.0, False),
        (1.0, 1.0, 0.0, False),
        (1.0, 1.0 + 5e-7, 0.0, False),
        (1.0, 1.0 + 2e-6, 0.0, True),
        (-1.0, -1.0 + 5e-7, 0.0, False),
        (-1.0, -1.0 + 2e-6, 0.0, True),
        (0.0, 0.0, 0.0, False),
        (0.0, 1e-9, 0.0, True),
        (3.0, 3.4, 0.5, False),
        (3.0, 3.6, 0.5, True),
        (1.0, math.inf, 1.0, True),
        (1.0, math.nan, 1.0, True),
    ],
)
def test_has_risen(began, ended, allowed, risen):
    assert has_risen(began, ended, allowed) is risen


def test_statuses_have_a_name_and_a_sentence():
    assert [status.value for status in Status] == [
        "running",
        "converged",
        "max_iter",
        "early_stopped",
        "stopped",
        "interrupted",
        "diverged",
    ]
    assert all(status.message.endswith(".") for status in Status)


def test_a_plateau_is_told_after_a_loss_that_is_not_a_number():
    rule = Plateau(1e-4, 3)
    assert not any(rule.reached(loss) for loss in (math.nan, 5.0, 4.0, 3.0, 2.0, 1.0))
    assert [rule.reached(1.0) for _ in range(3)] == [False, False, True]
