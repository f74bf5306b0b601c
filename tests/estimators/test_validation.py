"""Rows to validate on, given or held out: the score, the end and the weights that they pick."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone, is_classifier
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_diabetes, load_iris
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import (
    accuracy_score,
    get_scorer,
    log_loss,
    make_scorer,
    mean_absolute_error,
    mean_pinball_loss,
    mean_poisson_deviance,
    mean_squared_error,
    median_absolute_error,
)
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
    permutation_test_score,
    validation_curve,
)
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from skbackprop import (
    BackpropClassifier,
    BackpropRegressor,
    DivergenceWarning,
    HiddenActivations,
)
from skbackprop._core.descent import Epoch
from skbackprop._core.problem import Data
from skbackprop._core.rules import Plateau, Schedule, Status
from skbackprop._estimators import plan
from skbackprop._estimators.validation import Validation, hold_out

ESTIMATORS = [BackpropClassifier, BackpropRegressor]
CLASSIFIER, REGRESSOR = ESTIMATORS
each_estimator = pytest.mark.parametrize("estimator", ESTIMATORS)


def task(estimator, n_rows=120):
    """Noise in four columns out of five, which a network of any size learns by heart."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(n_rows, 5))
    y = X[:, 0] + rng.normal(size=n_rows)
    return X, y if estimator is REGRESSOR else np.array(["no", "yes"])[(y > 0).astype(int)]


def split(estimator):
    X, y = task(estimator)
    return X[:70], y[:70], X[70:], y[70:]


def small(estimator, **params):
    return estimator(10, max_iter=40, alpha=0, random_state=0).set_params(**params)


def half_mse(model, X, y):
    return mean_squared_error(y, model.predict(X)) / 2


def loss_of(model, X, y):
    return log_loss(y, model.predict_proba(X)) if hasattr(model, "classes_") else half_mse(
        model, X, y
    )  # fmt: skip


class TestRule:
    """What is kept of a list of losses, without a network: the parameters are the loss."""

    class Objective:
        def value(self, params):
            return float(params[0])

    @classmethod
    def follow(cls, losses, score=None, plateau=None, schedule=None, start=None):
        """Validate epochs until there is an end; the rule and the status of each."""
        validation = Validation(cls.Objective(), np.copy, 1.0, score, plateau, schedule)
        params = np.empty(1)
        if start is not None:
            params[0] = start
            validation.start_from(params)
        statuses = []
        for number, loss in enumerate(losses, 7):
            params[0] = loss
            statuses.append(validation(Epoch(number, 1.0, 1.0, params, [], [])))
            if statuses[-1] is not None:
                break
        return validation, statuses

    @pytest.mark.parametrize(
        ("losses", "best_epoch"), [([3.0, 1.0, 2.0, 1.0], 2), ([1.0, 2.0], 1), ([2.0, 1.0], 2)]
    )
    def test_the_first_of_the_best_is_kept(self, losses, best_epoch):
        validation, statuses = self.follow(losses)
        assert (validation.best_epoch, validation.best_params) == (best_epoch, [1.0])
        assert validation.losses == losses
        assert validation.scores == np.negative(losses).tolist()
        assert statuses == [None] * len(losses)

    @pytest.mark.parametrize(("start", "best_epoch"), [(0.5, 0), (1.0, 0), (1.5, 2)])
    def test_what_was_fitted_may_be_the_best(self, start, best_epoch):
        validation, _ = self.follow([2.0, 1.0, 3.0], start=start)
        assert validation.best_epoch == best_epoch
        assert validation.best_params == [min(start, 1.0)]
        assert len(validation.losses) == len(validation.scores) == 3

    @pytest.mark.parametrize("bad", [np.inf, np.nan])
    def test_weights_of_an_infinite_loss_are_not_scored(self, bad):
        validation, _ = self.follow([bad, 1.0, bad], score=lambda epoch: 1.0 / epoch.params[0])
        assert validation.scores == [-np.inf, 1.0, -np.inf]
        assert (validation.best_epoch, validation.best_params) == (2, [1.0])

    def test_the_score_decides_where_there_is_one(self):
        validation, statuses = self.follow(
            [3.0, 2.0, 1.0, 0.5], score=lambda epoch: epoch.params[0], plateau=Plateau(0.0, 2)
        )
        assert (validation.best_epoch, validation.best_params) == (1, [3.0])
        assert statuses == [None, None, Status.EARLY_STOPPED]

    def test_descent_may_go_on_after_a_plateau(self):
        answers = [True, True, False]

        class Patient(Schedule):
            def outlasts_plateau(self):
                return answers.pop(0)

        validation, statuses = self.follow([1.0] * 9, None, Plateau(0.0, 2), Patient(9))
        assert (len(validation.losses), answers) == (7, [])
        assert statuses == [None] * 6 + [Status.EARLY_STOPPED]

    def test_descent_ends_at_a_plateau(self):
        _, statuses = self.follow([3.0, 2.0, 2.0, 1.0, 1.0, 1.0, 0.5], plateau=Plateau(0.0, 2))
        assert statuses == [None] * 5 + [Status.EARLY_STOPPED]


class TestGiven:
    @each_estimator
    def test_curves_are_those_of_the_network_after_each_epoch(self, estimator):
        X, y, X_val, y_val = split(estimator)
        model = small(estimator, max_iter=6, learning_rate=0.5)
        model.set_params(learning_rate_schedule="constant", tol=None)
        model.fit(X, y, X_val=X_val, y_val=y_val)
        # The same fits, without validation.
        after = [clone(model).set_params(max_iter=k).fit(X, y) for k in range(1, 7)]
        expected = [loss_of(m, X_val, y_val) for m in after]
        assert_allclose(model.validation_loss_curve_, expected, rtol=1e-10)
        assert_allclose(model.validation_scores_, np.negative(expected), rtol=1e-10)
        assert model.best_iter_ == np.argmin(expected) + 1

    @each_estimator
    def test_best_weights_are_restored(self, estimator):
        X, y, X_val, y_val = split(estimator)
        model = small(estimator, tol=None, learning_rate_schedule="constant", max_iter=60)
        # Long steps over-fit within the 60 epochs.
        model.set_params(learning_rate=1.0 if estimator is REGRESSOR else 3.0)
        model.fit(X, y, X_val=X_val, y_val=y_val)
        curve = model.validation_loss_curve_
        assert len(curve) == len(model.loss_curve_) == model.n_iter_ == 60
        assert 1 <= model.best_iter_ < 60
        assert loss_of(model, X_val, y_val) == pytest.approx(min(curve), rel=1e-10)
        assert loss_of(model, X, y) == pytest.approx(model.loss_, rel=1e-10)
        # Those of the end are worse: what is restored is not the last.
        assert curve[-1] > 1.05 * min(curve)

    @each_estimator
    def test_does_not_touch_the_descent(self, estimator):
        X, y, X_val, y_val = split(estimator)
        plain = small(estimator).fit(X, y)
        validated = small(estimator).fit(X, y, X_val=X_val, y_val=y_val)
        assert validated.loss_curve_ == plain.loss_curve_
        assert not hasattr(plain, "validation_loss_curve_")

    @pytest.mark.parametrize("reduction", ["mean", "sum"])
    @each_estimator
    def test_weights(self, estimator, reduction, rng):
        X, y, X_val, y_val = split(estimator)
        weight = rng.integers(0, 3, size=50)
        model = small(estimator, loss_reduction=reduction, max_iter=5)
        weighted = clone(model).fit(X, y, X_val=X_val, y_val=y_val, sample_weight_val=weight)
        rows = np.repeat(np.arange(50), weight)
        copied = model.fit(X, y, X_val=X_val[rows], y_val=y_val[rows])
        assert_allclose(weighted.validation_loss_curve_, copied.validation_loss_curve_, rtol=1e-10)
        assert weighted.best_iter_ == copied.best_iter_

    @each_estimator
    def test_score_is_weighted(self, estimator, rng):
        X, y, X_val, y_val = split(estimator)
        weight = rng.integers(0, 3, size=50)
        rows = np.repeat(np.arange(50), weight)
        scoring = "accuracy" if estimator is CLASSIFIER else "neg_mean_absolute_error"
        model = small(estimator, max_iter=5, scoring=scoring)
        weighted = clone(model).fit(X, y, X_val=X_val, y_val=y_val, sample_weight_val=weight)
        copied = model.fit(X, y, X_val=X_val[rows], y_val=y_val[rows])
        assert_allclose(weighted.validation_scores_, copied.validation_scores_, rtol=1e-10)

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    @pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array, sparse.csc_matrix, list])
    @each_estimator
    def test_kinds_of_inputs(self, estimator, kind, dtype):
        X, y, X_val, y_val = split(estimator)
        X, X_val = X.astype(dtype), X_val.astype(dtype)
        model = small(estimator, max_iter=5)
        expected = clone(model).fit(X, y, X_val=X_val, y_val=y_val)
        model.fit(X, y, X_val=kind(X_val), y_val=list(y_val))
        assert model.coefs_[0].dtype == dtype
        rtol = 1e-10 if dtype is np.float64 else 1e-5
        assert_allclose(model.validation_loss_curve_, expected.validation_loss_curve_, rtol=rtol)

    @each_estimator
    def test_all_sparse(self, estimator):
        X, y, X_val, y_val = split(estimator)
        model = small(estimator, max_iter=5, scoring="r2" if estimator is REGRESSOR else "accuracy")
        expected = clone(model).fit(X, y, X_val=X_val, y_val=y_val)
        model.fit(sparse.csr_array(X), y, X_val=sparse.csr_array(X_val), y_val=y_val)
        assert_allclose(model.validation_scores_, expected.validation_scores_, rtol=1e-8)

    @each_estimator
    def test_frames_with_names(self, estimator):
        X, y, X_val, y_val = split(estimator)
        names = list("abcde")
        frame, frame_val = pd.DataFrame(X, columns=names), pd.DataFrame(X_val, columns=names)
        model = small(estimator, max_iter=5, scoring="r2" if estimator is REGRESSOR else "accuracy")
        expected = clone(model).fit(X, y, X_val=X_val, y_val=y_val)
        model.fit(frame, y, X_val=frame_val, y_val=pd.Series(y_val))
        assert_allclose(model.validation_scores_, expected.validation_scores_, rtol=1e-10)
        assert_array_equal(model.feature_names_in_, names)
        with pytest.raises(ValueError, match=r"X_val and y_val .*feature names should match"):
            model.fit(frame, y, X_val=frame_val[names[::-1]], y_val=y_val)

    def test_several_outputs(self, rng):
        X = rng.normal(size=(60, 3))
        Y = np.column_stack([X[:, 0], 100 * X[:, 1]])
        model = small(REGRESSOR, max_iter=5).fit(X[:40], Y[:40], X_val=X[40:], y_val=Y[40:])
        error = (model.predict(X[40:]) - Y[40:]) ** 2
        # Several targets have weights of their own, by their deviations.
        deviation = np.abs(model.target_scale_)
        unit = model.loss_ / (
            ((model.predict(X[:40]) - Y[:40]) / deviation) ** 2
        ).sum(axis=1).mean()  # fmt: skip
        expected = unit * (error / deviation**2).sum(axis=1).mean()
        assert min(model.validation_loss_curve_) == pytest.approx(expected, rel=1e-9)

    def test_multilabel(self, rng):
        X = rng.normal(size=(60, 3))
        Y = (X > 0).astype(int)
        model = small(CLASSIFIER, scoring="f1_samples", max_iter=10)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(X[:40], Y[:40], X_val=X[40:], y_val=sparse.csr_array(Y[40:]))
        proba = model.predict_proba(X[40:])
        losses = -np.where(Y[40:] == 1, np.log(proba), np.log1p(-proba)).sum(axis=1)
        best = model.validation_loss_curve_[model.best_iter_ - 1]
        assert best == pytest.approx(losses.mean(), rel=1e-9)

    @pytest.mark.parametrize(
        ("params", "loss"),
        [
            ({"loss": "absolute_error"}, mean_absolute_error),
            ({"loss": "squared_error"}, mean_squared_error),
            (
                {"loss": "quantile", "quantile": 0.8},
                lambda y, y_pred: mean_pinball_loss(y, y_pred, alpha=0.8),
            ),
            ({"loss": "poisson"}, lambda y, y_pred: mean_poisson_deviance(y, y_pred) / 2),
        ],
    )
    def test_losses_of_the_regressor(self, params, loss):
        X, y, X_val, y_val = split(REGRESSOR)
        model = small(REGRESSOR, **params)
        y, y_val = np.exp(y), np.exp(y_val)
        model.fit(X, y, X_val=X_val, y_val=y_val)
        expected = loss(y_val, model.predict(X_val))
        assert min(model.validation_loss_curve_) == pytest.approx(expected, rel=1e-9)

    def test_several_quantiles(self):
        X, y, X_val, y_val = split(REGRESSOR)

        def score(model, X, y):
            return model.score(X, y)

        quantiles = (0.1, 0.5, 0.9)
        model = small(REGRESSOR, loss="quantile", quantile=quantiles, scoring=score)
        model.fit(X, y, X_val=X_val, y_val=y_val)
        assert max(model.validation_scores_) == pytest.approx(model.score(X_val, y_val))
        model.set_params(scoring="loss").fit(X, y, X_val=X_val, y_val=y_val)
        sorted_loss = sum(
            mean_pinball_loss(y_val, y_pred, alpha=q)
            for q, y_pred in zip(quantiles, model.predict(X_val).T, strict=True)
        )
        assert sorted_loss <= min(model.validation_loss_curve_) * (1 + 1e-12)
        assert sorted_loss == pytest.approx(min(model.validation_loss_curve_), rel=0.01)

    def test_class_missing_in_the_set(self):
        X, y = load_iris(return_X_y=True)
        model = small(CLASSIFIER, scoring="accuracy").fit(X, y, X_val=X[:9], y_val=y[:9])
        assert max(model.validation_scores_) == 1.0
        assert_array_equal(model.classes_, [0, 1, 2])
        one = small(CLASSIFIER).fit(X, y, X_val=X[:1], y_val=y[:1])
        expected = -np.log(one.predict_proba(X[:1])[0, 0])
        assert min(one.validation_loss_curve_) == pytest.approx(expected, rel=1e-9)

    def test_names_of_classes_are_those_of_fit(self):
        X, y = task(CLASSIFIER)
        model = small(CLASSIFIER, scoring=make_scorer(accuracy_score), max_iter=3)
        model.fit(X, y, X_val=X, y_val=y)
        assert max(model.validation_scores_) == model.score(X, y)

    @each_estimator
    def test_a_later_fit_without_leaves_nothing_of_it(self, estimator):
        X, y, X_val, y_val = split(estimator)
        model = small(estimator, max_iter=3).fit(X, y, X_val=X_val, y_val=y_val)
        model.fit(X, y)
        assert not {"validation_loss_curve_", "validation_scores_", "best_iter_"} & set(vars(model))
        model.fit(X, y, X_val=X_val, y_val=y_val).partial_fit(X, y)
        assert not hasattr(model, "best_iter_")

    @each_estimator
    def test_warm_start_validates_anew(self, estimator):
        X, y, X_val, y_val = split(estimator)
        model = small(estimator, max_iter=4, warm_start=True)
        model.fit(X, y, X_val=X_val, y_val=y_val)
        first = model.validation_loss_curve_
        model.fit(X, y, X_val=X_val, y_val=y_val)
        assert len(model.validation_loss_curve_) == 4
        assert model.validation_loss_curve_[0] < first[0]
        assert loss_of(model, X_val, y_val) == pytest.approx(min(model.validation_loss_curve_))

    @pytest.mark.parametrize("batch_size", [16, "full"])
    def test_undone_epochs_have_no_score(self, batch_size, monkeypatch):
        # A curvature that is far too small makes a step that is far too long.
        monkeypatch.setattr(plan, "largest_curvature", lambda *_: 1e-4)
        X, y, X_val, y_val = split(REGRESSOR)
        model = small(REGRESSOR, batch_size=batch_size).fit(X, y, X_val=X_val, y_val=y_val)
        n_undone = model.n_iter_ - len(model.loss_curve_)
        assert n_undone > 3
        assert len(model.loss_curve_) == len(model.validation_scores_)
        assert model.validation_scores_[model.best_iter_ - 1] == max(model.validation_scores_)
        assert loss_of(model, X_val, y_val) == pytest.approx(min(model.validation_loss_curve_))

    def test_chosen_weights_are_kept_even_where_the_loss_was_lower_before_the_first_step(self):
        X, y, X_val, y_val = split(REGRESSOR)
        start = small(REGRESSOR, tol=None, max_iter=1000).fit(X, y)
        model = small(REGRESSOR, tol=None, batch_size=7, scoring=lambda m, X, y: -m.n_iter_)
        model.set_params(max_iter=100).fit(
            X, y, X_val=X_val, y_val=y_val, coefs_init=start.coefs_,
            intercepts_init=start.intercepts_,
        )  # fmt: skip
        assert model.best_iter_ == 1
        assert model.loss_ > 1.02 * start.loss_
        chosen = loss_of(model, X_val, y_val)
        assert chosen == pytest.approx(model.validation_loss_curve_[0], rel=1e-10)


class TestHeldOut:
    @each_estimator
    @pytest.mark.given_numbers
    def test_is_as_a_given_set(self, estimator):
        X, y = task(estimator)
        seen = []

        def score(model, X_val, y_val):
            seen.append((X_val, y_val))
            return 0.0

        held = small(estimator, early_stopping=True, scoring=score, max_iter=3).fit(X, y)
        X_val, y_val = seen[0]
        assert len(X_val) == 12
        at = [np.flatnonzero((row == X).all(axis=1))[0] for row in X_val]
        assert_array_equal(y[at], y_val)
        rest = np.setdiff1d(np.arange(120), at)
        held.set_params(scoring="loss").fit(X, y)
        given = small(estimator, max_iter=3)
        given.fit(X[rest], y[rest], X_val=X[at], y_val=y[at])
        assert_allclose(held.validation_loss_curve_, given.validation_loss_curve_, rtol=1e-9)
        assert_allclose(held.coefs_[0], given.coefs_[0], rtol=1e-9)

    def test_seed_draws_the_rows(self):
        X, y = task(REGRESSOR)
        curves = [
            small(REGRESSOR, early_stopping=True, max_iter=2, random_state=seed)
            .fit(X, y)
            .validation_loss_curve_
            for seed in (0, 0, 1)
        ]
        assert curves[0] == curves[1] != curves[2]

    def test_going_on_does_not_fit_the_rows_that_were_held_out(self):
        X, y = task(REGRESSOR)
        sets = []

        def score(model, X_val, y_val):
            sets.append(X_val)
            return 0.0

        model = small(REGRESSOR, early_stopping=True, scoring=score, warm_start=True, max_iter=2)
        model = pickle.loads(pickle.dumps(model.set_params(scoring="loss").fit(X, y)))
        model.set_params(scoring=score).fit(X, y)
        model.set_params(warm_start=False).fit(X, y)
        assert_array_equal(sets[0], sets[-1])

    @pytest.mark.parametrize("fraction", [0.1, 0.25])
    def test_is_stratified(self, fraction):
        X = np.arange(200.0).reshape(200, 1)
        strata = np.repeat([0, 1, 2], [140, 40, 20])
        rows = Data(X, strata, strata, None)
        for seed in range(5):
            fitted, held_out = hold_out(rows, fraction, strata=strata, seed=seed)
            assert_array_equal(np.bincount(held_out.y), fraction * np.array([140, 40, 20]))
            assert_array_equal(np.sort(np.append(fitted.X, held_out.X)), X[:, 0])

    def test_the_only_row_of_a_class_is_fitted(self):
        strata = np.append(np.repeat([0, 1], [80, 20]), [2, 3])
        rows = Data(np.zeros((102, 1)), strata, strata, None)
        for seed in range(20):
            fitted, held_out = hold_out(rows, 0.1, strata=strata, seed=seed)
            assert_array_equal(np.bincount(held_out.y), [9, 2])
            assert set(fitted.y) == {0, 1, 2, 3}

    def test_too_few_rows_held_out_for_the_classes(self):
        strata = np.repeat(np.arange(10), 4)
        rows = Data(np.zeros((40, 1)), strata, strata, None)
        fitted, held_out = hold_out(rows, 0.05, strata=strata, seed=0)
        assert len(held_out.y) == 2
        assert set(fitted.y) == set(range(10))

    def test_every_class_has_one_row(self):
        X, y = np.eye(4), np.arange(4)
        model = small(CLASSIFIER, early_stopping=True, max_iter=2).fit(X, y)
        assert_array_equal(model.classes_, y)

    @each_estimator
    def test_groups_stay_together(self, estimator, rng):
        X, y = task(estimator)
        groups = rng.integers(20, size=120).astype(str)
        X[:, 4] = groups.astype(float)
        seen = []

        def score(model, X_val, y_val):
            seen.append(set(np.rint(X_val[:, 4]).astype(int).astype(str)))
            return 0.0

        model = small(estimator, early_stopping=True, scoring=score, validation_fraction=0.2)
        model.set_params(max_iter=1).fit(X, y, groups=groups)
        assert len(seen[0]) == 4  # of 20 groups
        n_fitted = 120 - np.isin(groups, list(seen[0])).sum()
        assert 0 < n_fitted < 120
        assert_allclose(
            model.input_shift_[4], X[~np.isin(groups, list(seen[0])), 4].mean(), rtol=1e-12
        )

    def test_rows_of_weight_zero_are_neither_fitted_nor_held_out(self):
        X, y = task(REGRESSOR)
        weight = np.ones(120)
        weight[:40] = 0.0
        groups = np.arange(120) % 7
        for more in ({}, {"groups": groups}):
            model = small(REGRESSOR, early_stopping=True, max_iter=3)
            model.fit(X, y, weight, **more)
            curve = model.validation_loss_curve_
            less = {name: value[40:] for name, value in more.items()}
            model.fit(X[40:], y[40:], **less)
            assert_allclose(model.validation_loss_curve_, curve, rtol=1e-10)

    @pytest.mark.given_numbers
    def test_weights_go_with_their_rows(self, rng):
        X, y = task(REGRESSOR)
        weight = rng.uniform(0.5, 3.0, size=120)
        X[:, 4] = weight
        seen = []

        def score(model, X_val, y_val, sample_weight):
            assert_array_equal(X_val[:, 4], sample_weight)
            seen.append(len(X_val))
            return 0.0

        small(REGRESSOR, early_stopping=True, scoring=score, max_iter=1).fit(X, y, weight)
        assert seen == [12]

    def test_alpha_and_batches_follow_the_rows_that_are_fitted(self):
        X, y = task(REGRESSOR, 2300)
        model = small(REGRESSOR, early_stopping=True, max_iter="auto", tol=None)
        model.set_params(n_iter_no_change=10**6, batch_size=500).fit(X, y)
        assert model.n_iter_ == 59  # 2,070 rows, not 2,300


class TestEnd:
    @pytest.mark.parametrize("schedule", ["linear", "constant", "invscaling", "adaptive"])
    @each_estimator
    def test_early_end(self, estimator, schedule):
        X, y = task(estimator)
        model = small(
            estimator,
            early_stopping=True,
            learning_rate_schedule=schedule,
            max_iter=400,
            n_iter_no_change=5,
            validation_fraction=0.3,
            # A rise by less than tol would be the best and yet part of a plateau.
            tol=0.0 if schedule == "adaptive" else 1e-4,
        ).fit(X, y)
        assert model.status_ == "early_stopped"
        assert model.n_iter_ < 400
        late = model.n_iter_ - model.best_iter_
        assert late >= (100 if schedule == "linear" else 5)
        if schedule == "adaptive":
            # A shorter step may find the best score.
            assert model.step_sizes_[0] / model.step_sizes_[-1] == pytest.approx(5**5)
        if schedule in ("constant", "invscaling"):
            rise = np.maximum.accumulate(model.validation_scores_)
            assert rise[-1] - rise[-6] <= 1e-4 * abs(rise[-6])

    def test_adaptive_divides_the_step_where_the_score_stops_rising(self, capsys):
        X, y = task(REGRESSOR)
        model = small(
            REGRESSOR, early_stopping=True, learning_rate=1.0, learning_rate_schedule="adaptive",
            max_iter=400, n_iter_no_change=5, verbose=2,
        )  # fmt: skip
        model.fit(X, y)
        lines = capsys.readouterr().out.splitlines()[1:-1]
        steps = [float(line.split()[3]) for line in lines]
        fractions = sorted({round(steps[0] / step) for step in steps})
        assert fractions == pytest.approx([1, 5, 25, 125, 625, 3125], rel=0.01)

    def test_no_end_without_early_stopping(self):
        X, y, X_val, y_val = split(REGRESSOR)
        model = small(REGRESSOR, max_iter=300, tol=None, n_iter_no_change=1)
        model.fit(X, y, X_val=X_val, y_val=y_val)
        assert model.n_iter_ == 300
        assert model.status_ == "max_iter"

    def test_given_set_with_early_stopping_holds_nothing_out(self):
        X, y, X_val, y_val = split(REGRESSOR)
        model = small(REGRESSOR, early_stopping=True, max_iter=400, n_iter_no_change=5)
        model.set_params(learning_rate_schedule="constant")
        model.fit(X, y, X_val=X_val, y_val=y_val)
        assert model.status_ == "early_stopped"
        assert_allclose(model.input_shift_, X.mean(axis=0), rtol=1e-12)
        assert loss_of(model, X_val, y_val) == pytest.approx(min(model.validation_loss_curve_))

    def test_tol_none_takes_any_rise_for_progress(self):
        X, y, X_val, y_val = split(REGRESSOR)
        model = small(
            REGRESSOR, early_stopping=True, tol=None, learning_rate_schedule="constant",
            n_iter_no_change=3, max_iter=400,
        ).fit(X, y, X_val=X_val, y_val=y_val)  # fmt: skip
        assert model.status_ == "early_stopped"
        assert model.n_iter_ == model.best_iter_ + 3

    def test_tol_is_what_counts_as_a_rise(self):
        X, y, X_val, y_val = split(REGRESSOR)
        lengths = [
            small(REGRESSOR, early_stopping=True, tol=tol, learning_rate_schedule="constant")
            .set_params(n_iter_no_change=3, learning_rate=0.01, max_iter=400)
            .fit(X, y, X_val=X_val, y_val=y_val)
            .n_iter_
            for tol in (1e-6, 1e-3, 0.5)
        ]
        assert lengths[0] > lengths[1] > lengths[2] == 4

    def test_generalises_where_the_plain_fit_learns_noise(self):
        X, y = load_diabetes(return_X_y=True)
        X, y, X_test, y_test = X[:250], y[:250], X[250:], y[250:]
        plain, stopped = (
            BackpropRegressor(100, alpha=0, max_iter=1000, random_state=0, early_stopping=stop).fit(
                X, y
            )
            for stop in (False, True)
        )
        assert stopped.score(X_test, y_test) > plain.score(X_test, y_test)

    def test_a_diverging_fit_keeps_its_best_weights(self):
        X, y, X_val, y_val = split(REGRESSOR)
        model = small(REGRESSOR, learning_rate=1e6, learning_rate_schedule="constant", max_iter=100)
        with pytest.warns(UserWarning, match="diverged"):
            model.fit(X, y, X_val=X_val, y_val=y_val)
        assert model.status_ == "diverged"
        assert all(np.isfinite(coef).all() for coef in model.coefs_)

    def test_interrupted_before_the_first_epoch_is_done(self, monkeypatch):
        from skbackprop._core.objective import Objective

        def interrupt(*args, **kwargs):
            raise KeyboardInterrupt

        X, y, X_val, y_val = split(REGRESSOR)
        model = small(REGRESSOR, learning_rate=0.1)
        monkeypatch.setattr(Objective, "value_and_gradient", interrupt)
        with pytest.warns(UserWarning, match="was interrupted after 0 epochs"):
            model.fit(X, y, X_val=X_val, y_val=y_val)
        assert (model.best_iter_, model.validation_scores_) == (0, [])


class TestScoring:
    def test_of_equal_scores_the_lower_loss_is_the_best(self):
        rng = np.random.default_rng(0)
        y = np.repeat([0, 1], 40)
        X = rng.normal(size=(80, 2)) + 6.0 * y[:, np.newaxis]
        model = small(CLASSIFIER, scoring="accuracy", max_iter=30).fit(X, y, X_val=X, y_val=y)
        assert model.validation_scores_[-1] == max(model.validation_scores_) == 1.0
        losses = np.array(model.validation_loss_curve_)
        best = np.flatnonzero(np.equal(model.validation_scores_, 1.0))
        assert model.best_iter_ == best[losses[best].argmin()] + 1

    @pytest.mark.parametrize(
        ("scoring", "measure"),
        [
            ("neg_median_absolute_error", lambda y, p: -median_absolute_error(y, p)),
            (make_scorer(mean_absolute_error, greater_is_better=False),
             lambda y, p: -mean_absolute_error(y, p)),
            (lambda m, X, y: -mean_absolute_error(y, m.predict(X)),
             lambda y, p: -mean_absolute_error(y, p)),
        ],
        ids=["name", "scorer", "callable"],
    )  # fmt: skip
    def test_best_of_any_score(self, scoring, measure):
        X, y, X_val, y_val = split(REGRESSOR)
        model = small(REGRESSOR, scoring=scoring).fit(X, y, X_val=X_val, y_val=y_val)
        best = max(model.validation_scores_)
        assert best == pytest.approx(measure(y_val, model.predict(X_val)), rel=1e-10)
        assert model.validation_scores_[model.best_iter_ - 1] == best
        assert len(model.validation_loss_curve_) == len(model.validation_scores_)

    def test_probabilities(self):
        X, y, X_val, y_val = split(CLASSIFIER)
        model = small(CLASSIFIER, scoring="neg_log_loss").fit(X, y, X_val=X_val, y_val=y_val)
        assert_allclose(model.validation_scores_, np.negative(model.validation_loss_curve_))

    def test_another_score_picks_another_epoch(self):
        X, y, X_val, y_val = split(CLASSIFIER)
        by_loss, by_accuracy = (
            small(CLASSIFIER, scoring=s).fit(X, y, X_val=X_val, y_val=y_val)
            for s in ("loss", "accuracy")
        )
        assert by_loss.best_iter_ != by_accuracy.best_iter_
        assert by_accuracy.score(X_val, y_val) > by_loss.score(X_val, y_val)

    def test_model_that_is_scored_is_whole(self):
        X, y, X_val, y_val = split(REGRESSOR)
        models = []

        def score(model, X, y):
            models.append(model)
            return -model.n_iter_

        model = small(REGRESSOR, max_iter=3, scoring=score)
        model.fit(X, y, X_val=X_val, y_val=y_val)
        assert [m.n_iter_ for m in models] == [1, 2, 3]
        assert [m.status_ for m in models] == ["running"] * 3
        assert [len(m.loss_curve_) for m in models] == [1, 2, 3]
        assert_array_equal(models[0].predict(X), model.predict(X))
        assert not np.array_equal(models[1].predict(X), model.predict(X))
        of_the_validation = {"validation_loss_curve_", "validation_scores_", "best_iter_"}
        assert set(vars(model)) - set(vars(models[0])) == of_the_validation

    @pytest.mark.parametrize(
        ("estimator", "scoring", "kind", "message"),
        [
            (CLASSIFIER, "roc_auc_ovr", ValueError, "='roc_auc_ovr' failed on the 5 rows"),
            (REGRESSOR, "roc_auc", ValueError, "='roc_auc' failed on .*decision_function"),
            (REGRESSOR, "accuracy", ValueError, "='accuracy' failed on .*continuous"),
            (REGRESSOR, lambda m, X: 0.0, TypeError, "failed on .* 2 positional arguments but 3"),
            (REGRESSOR, lambda m, X, y: np.nan, ValueError, "must give a number .* gave nan"),
            (REGRESSOR, lambda m, X, y: None, TypeError, "must give one number .* gave None"),
            (REGRESSOR, lambda m, X, y: {"a": 1.0}, TypeError, "must give one number .*'a': 1.0"),
            (REGRESSOR, lambda m, X, y: np.ones(2), TypeError, "must give one number .*array"),
        ],
        ids=["class", "no method", "other task", "signature", "NaN", "None", "dict", "array"],
    )
    def test_what_is_no_number(self, estimator, scoring, kind, message):
        X, y = load_iris(return_X_y=True)
        model = small(estimator, scoring=scoring)
        with pytest.raises(kind, match=f"scoring.*{message}"):
            model.fit(X, y, X_val=X[:5], y_val=y[:5])
        assert not hasattr(model, "coefs_")

    @pytest.mark.parametrize("number", [np.float32(0.5), np.array(0.5), 1, np.inf])
    def test_what_is_a_number(self, number):
        X, y, X_val, y_val = split(REGRESSOR)
        model = small(REGRESSOR, max_iter=2, scoring=lambda m, X, y: number)
        assert model.fit(X, y, X_val=X_val, y_val=y_val).validation_scores_ == [number, number]

    def test_a_name_that_is_not_known(self):
        model = small(CLASSIFIER, scoring="balanced_acuracy")
        message = (
            r"scoring must be 'loss', a name out of sklearn.metrics.get_scorer_names\(\), or a "
            r"callable; got 'balanced_acuracy'\. Names like it: 'balanced_accuracy'"
        )
        with pytest.raises(ValueError, match=message):
            model.fit(*task(CLASSIFIER))

    @pytest.mark.parametrize("scoring", [["r2"], {"a": "r2"}, ("r2", "max_error")])
    def test_several_scores_are_refused(self, scoring):
        with pytest.raises(
            TypeError, match=r"scoring must be .* one alone, as it picks the weights"
        ):
            small(REGRESSOR, scoring=scoring).fit(*task(REGRESSOR))

    @each_estimator
    @pytest.mark.given_numbers
    def test_what_a_callable_is_given(self, estimator):
        """Arrays, whatever frames the data came in, and the weights of the classes."""
        X, y, X_val, y_val = split(estimator)
        given = []

        def score(model, X, y, **weights):
            given.append((X, y, weights, hasattr(model, "feature_names_in_")))
            return 0.0

        model = small(estimator, max_iter=1, scoring=score)
        if estimator is CLASSIFIER:
            model.set_params(class_weight={"yes": 3.0})
        frame = pd.DataFrame(X, columns=list("abcde"), dtype=np.float32)
        frame_val = pd.DataFrame(X_val, columns=list("abcde"), dtype=np.float32)
        model.fit(frame, pd.Series(y), X_val=frame_val, y_val=pd.Series(y_val))
        [(X_given, y_given, weights, names)] = given
        assert type(X_given) is type(y_given) is np.ndarray
        assert not names
        assert_array_equal(X_given, X_val.astype(np.float32))
        assert_array_equal(y_given, y_val.astype(y_given.dtype))
        if estimator is CLASSIFIER:
            assert_array_equal(weights["sample_weight"], np.where(y_val == "yes", 3.0, 1.0))
        else:
            assert weights == {}
        model.fit(sparse.csc_array(X), y, X_val=sparse.csc_array(X_val), y_val=y_val)
        assert (given[1][0].format, given[1][0].dtype) == ("csr", np.float64)

    @pytest.mark.filterwarnings("ignore:R.2 score is not well-defined")
    def test_too_few_rows_for_the_score(self):
        X, y, X_val, y_val = split(REGRESSOR)
        with pytest.raises(ValueError, match=r"number on the 1 rows .*'r2' gave nan"):
            small(REGRESSOR, scoring="r2").fit(X, y, X_val=X_val[:1], y_val=y_val[:1])

    def test_callable_without_weights(self):
        X, y, X_val, y_val = split(REGRESSOR)
        model = small(REGRESSOR, scoring=lambda m, X, y: m.score(X, y))
        given = {"X_val": X_val, "y_val": y_val}
        model.fit(X, y, sample_weight=np.ones(70), **given)
        with pytest.raises(TypeError, match="scoring must accept sample_weight where rows have"):
            model.fit(X, y, sample_weight_val=np.ones(50), **given)

    @pytest.mark.parametrize("method", ["fit", "partial_fit"])
    def test_scoring_is_checked_before_the_data(self, method):
        model = small(REGRESSOR, scoring=mean_absolute_error)
        with pytest.raises(ValueError, match="scoring must be 'loss' or a scorer; got <function"):
            getattr(model, method)("no data", None)


WRAPS = {
    "alone": lambda network: network,
    "pipeline": lambda network: make_pipeline(StandardScaler(), network),
    "hidden activations": lambda network: make_pipeline(
        HiddenActivations(network), LogisticRegression() if is_classifier(network) else Ridge()
    ),
}


def searched(model, X, y, cv, params):
    """The scores of a search."""
    search = GridSearchCV(model, {}, cv=cv, error_score="raise").fit(X, y, **(params or {}))
    return search.cv_results_["mean_test_score"]


ONE_SIZE = {"train_sizes": [1.0], "error_score": "raise"}
TOOLS = {
    "cross_val_score": lambda model, X, y, cv, params: cross_val_score(
        model, X, y, cv=cv, params=params, error_score="raise"
    ),
    "cross_validate": lambda model, X, y, cv, params: cross_validate(
        model, X, y, cv=cv, params=params, error_score="raise"
    )["test_score"],
    "cross_val_predict": lambda model, X, y, cv, params: cross_val_predict(
        model, X, y, cv=cv, params=params
    ),
    "learning_curve": lambda model, X, y, cv, params: learning_curve(
        model, X, y, cv=cv, params=params, **ONE_SIZE
    )[2],
    "validation_curve": lambda model, X, y, cv, params: validation_curve(
        model, X, y, cv=cv, params=params, param_range=[1, 2], error_score="raise",
        param_name=next(name for name in model.get_params() if "n_iter_no" in name),
    )[1],
    "permutation_test_score": lambda model, X, y, cv, params: permutation_test_score(
        model, X, y, cv=cv, params=params, n_permutations=2
    )[1],
    "GridSearchCV": searched,
    "nested": lambda model, X, y, cv, params: cross_val_score(
        GridSearchCV(model, {}, cv=cv, error_score="raise"), X, y, cv=cv, params=params,
        error_score="raise",
    ),
}  # fmt: skip


class TestTools:
    @pytest.fixture
    def _routing(self):
        with sklearn.config_context(enable_metadata_routing=True):
            yield

    @pytest.mark.usefixtures("_routing")
    @each_estimator
    def test_pipeline_transforms_the_set(self, estimator):
        X, y, X_val, y_val = split(estimator)
        X, X_val = 1000 * X + 5, 1000 * X_val + 5
        model = small(estimator, conditioning=None, learning_rate=0.01, max_iter=5)
        scaler = StandardScaler().fit(X)
        expected = clone(model).fit(
            scaler.transform(X), y, X_val=scaler.transform(X_val), y_val=y_val
        )
        model.set_fit_request(X_val=True, y_val=True, sample_weight_val=True)
        pipeline = make_pipeline(StandardScaler(), model, transform_input=["X_val"])
        pipeline.fit(X, y, X_val=X_val, y_val=y_val, sample_weight_val=np.ones(50))
        assert_allclose(
            pipeline[-1].validation_loss_curve_, expected.validation_loss_curve_, rtol=1e-12
        )

    @staticmethod
    def numbers_of_rows_validated_on(X, y, X_val, y_val, *, cv):
        n_rows = []

        def score(model, X, y):
            n_rows.append(len(X))
            return 0.0

        search = GridSearchCV(small(REGRESSOR, scoring=score, max_iter=1), {"alpha": [0]}, cv=cv)
        search.fit(X, y, X_val=X_val, y_val=y_val)
        return n_rows

    def test_search_over_folds_leaves_a_set_of_another_length_alone(self):
        X, y, X_val, y_val = split(REGRESSOR)
        assert self.numbers_of_rows_validated_on(X, y, X_val, y_val, cv=2) == [50, 50, 50]

    def test_search_over_folds_cuts_a_set_as_long_as_the_data(self):
        X, y = task(REGRESSOR)
        X_val, y_val = X[::-1] + 1, y[::-1]
        n_rows = self.numbers_of_rows_validated_on(X, y, X_val, y_val, cv=3)
        assert n_rows == [80, 80, 80, 120]  # the last is the refit, which is not cut

    def test_cut_frames_are_refused(self):
        X, y = task(REGRESSOR)
        X = pd.DataFrame(X)
        search = GridSearchCV(
            small(REGRESSOR, max_iter=1), {"alpha": [0]}, cv=KFold(3), error_score="raise"
        )
        with pytest.raises(
            ValueError, match=r"X_val has the labels of the rows of X.*GridSearchCV"
        ):
            search.fit(X, y, X_val=X + 1, y_val=y)
        small(REGRESSOR, max_iter=1).fit(X, y, X_val=X + 1, y_val=y)
        gaps, other = X[::2], X[1::2]
        small(REGRESSOR, max_iter=1).fit(gaps, y[::2], X_val=other, y_val=y[1::2])
        small(REGRESSOR, max_iter=1).fit(
            gaps, y[::2], X_val=gaps.reset_index(drop=True), y_val=y[::2]
        )
        small(REGRESSOR, max_iter=1).fit(gaps, y[::2], X_val=gaps, y_val=y[::2])

    @pytest.mark.usefixtures("_routing")
    def test_groups_of_a_search_reach_the_fit_by_routing(self):
        X, y = task(REGRESSOR)
        X[:, 4] = groups = np.arange(120) // 6
        seen = []

        def score(model, X, y):
            seen.append(np.unique(X[:, 4], return_counts=True)[1])
            return 0.0

        model = small(REGRESSOR, early_stopping=True, scoring=score, max_iter=1)
        model.set_fit_request(groups=True)
        search = GridSearchCV(model, {"alpha": [0, 1]}, cv=GroupKFold(4), error_score="raise")
        search.fit(X, y, groups=groups)
        assert len(seen) == 2 * 4 + 1
        assert all((counts == 6).all() for counts in seen)

    @pytest.mark.usefixtures("_routing")
    @each_estimator
    def test_search_over_a_pipeline_with_a_set_and_weights(self, estimator):
        """What each fold's network is given, it is given by hand in turn."""
        X, y, X_val, y_val = split(estimator)
        weight, weight_val = np.linspace(0.5, 2, 70), np.linspace(2, 0.5, 50)
        network = small(estimator, max_iter=4).set_fit_request(
            sample_weight=True, X_val=True, y_val=True, sample_weight_val=True
        )
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        pipeline = Pipeline([("scale", scaler), ("net", network)], transform_input=["X_val"])
        scorer = get_scorer("accuracy" if estimator is CLASSIFIER else "r2")
        scorer.set_score_request(sample_weight=True)
        search = GridSearchCV(
            pipeline, {"net__alpha": [0.0]}, cv=KFold(2), scoring=scorer, error_score="raise"
        )
        search.fit(
            X, y, sample_weight=weight, X_val=X_val, y_val=y_val, sample_weight_val=weight_val
        )
        scores = []
        for train, test in KFold(2).split(X):
            scaler = StandardScaler().fit(X[train])
            model = small(estimator, max_iter=4).fit(
                scaler.transform(X[train]), y[train], weight[train],
                X_val=scaler.transform(X_val), y_val=y_val, sample_weight_val=weight_val,
            )  # fmt: skip
            scores.append(model.score(scaler.transform(X[test]), y[test], weight[test]))
        assert search.best_score_ == pytest.approx(np.mean(scores), rel=1e-12)

    @pytest.mark.usefixtures("_routing")
    @each_estimator
    def test_groups_go_to_the_splitter_and_to_the_fit(self, estimator):
        X, y = task(estimator)
        groups, weight = np.arange(120) // 6, np.linspace(0.5, 2, 120)
        network = small(estimator, early_stopping=True, max_iter=4)
        network.set_fit_request(groups=True, sample_weight=True)
        network.set_score_request(sample_weight=True)
        given = {"groups": groups, "sample_weight": weight}
        scores = cross_validate(network, X, y, params=given, cv=GroupKFold(3), error_score="raise")
        for k, (train, test) in enumerate(GroupKFold(3).split(X, groups=groups)):
            model = small(estimator, early_stopping=True, max_iter=4)
            model.fit(X[train], y[train], weight[train], groups=groups[train])
            score = model.score(X[test], y[test], weight[test])
            assert scores["test_score"][k] == pytest.approx(score, rel=1e-12)

    @pytest.mark.usefixtures("_routing")
    @each_estimator
    @pytest.mark.parametrize("wrap", WRAPS)
    @pytest.mark.parametrize("tool", TOOLS)
    def test_groups_of_a_splitter_need_no_request(self, tool, wrap, estimator):
        X, y = task(estimator)
        model = WRAPS[wrap](small(estimator, early_stopping=True, max_iter=2))
        groups, cv = np.arange(120) // 6, GroupKFold(3)
        result = TOOLS[tool](model, X, y, cv, {"groups": groups})
        with sklearn.config_context(enable_metadata_routing=False):
            if tool in ("permutation_test_score", "nested"):
                assert np.isfinite(result).all()
            else:
                folds = list(cv.split(X, groups=groups))
                assert_array_equal(result, TOOLS[tool](model, X, y, folds, None))

    @pytest.mark.usefixtures("_routing")
    @each_estimator
    def test_groups_do_not_matter_where_nothing_is_held_out(self, estimator):
        X, y = task(estimator)
        network, groups = small(estimator, max_iter=2), np.arange(120) // 6
        model = clone(network).fit(X, y, groups=groups)
        assert_array_equal(model.coefs_[0], clone(network).fit(X, y).coefs_[0])
        search = GridSearchCV(
            network.set_fit_request(groups=True), {"early_stopping": [True, False]},
            cv=GroupKFold(3), error_score="raise",
        )  # fmt: skip
        search.fit(X, y, groups=groups)
        assert np.isfinite(search.cv_results_["mean_test_score"]).all()

    @pytest.mark.usefixtures("_routing")
    @each_estimator
    def test_every_argument_can_be_requested(self, estimator):
        requests = estimator().get_metadata_routing()
        named = {"sample_weight", "coefs_init", "intercepts_init"}
        named |= {"X_val", "y_val", "sample_weight_val", "groups"}
        # What nothing else takes must be requested or refused; groups are the splitter's.
        assert requests.fit.requests == dict.fromkeys(named) | {"groups": False}
        assert set(requests.score.requests) == {"sample_weight"}
        classes = {"classes"} if estimator is CLASSIFIER else set()
        assert set(requests.partial_fit.requests) == {"sample_weight"} | classes
        request = estimator().set_partial_fit_request(sample_weight="w").get_metadata_routing()
        assert request.partial_fit.requests["sample_weight"] == "w"

    @each_estimator
    def test_search_with_early_stopping(self, estimator):
        X, y = task(estimator)
        model = small(estimator, early_stopping=True, max_iter=5)
        search = GridSearchCV(model, {"n_iter_no_change": [1, 2]}, cv=3, error_score="raise")
        assert search.fit(X, y).best_estimator_.best_iter_ >= 1


FAULTS = {
    "X_val alone": (lambda X, y: {"X_val": X}, ["must be passed together; y_val is None"]),
    "y_val alone": (lambda X, y: {"y_val": y}, ["must be passed together; X_val is None"]),
    "weights alone": (
        lambda X, y: {"sample_weight_val": np.ones(len(X))},
        ["sample_weight_val must come with X_val and y_val, which are None"],
    ),
    "width": (
        lambda X, y: {"X_val": X[:, :2], "y_val": y},
        ["X_val and y_val", "X has 2 features"],
    ),
    "NaN": (lambda X, y: {"X_val": X * np.nan, "y_val": y}, ["X_val and y_val", "contains NaN"]),
    "length": (
        lambda X, y: {"X_val": X, "y_val": y[:3]},
        ["X_val and y_val must have the same number of rows; got 120 and 3."],
    ),
    "no rows": (lambda X, y: {"X_val": X[:0], "y_val": y[:0]}, ["X_val and y_val", "0 sample(s)"]),
    "1-d": (lambda X, y: {"X_val": X[:, 0], "y_val": y}, ["X_val and y_val", "Expected 2D array"]),
    "outputs": (lambda X, y: {"X_val": X, "y_val": X}, ["X_val and y_val must be as X and y are"]),
    "negative weights": (
        lambda X, y: {"X_val": X, "y_val": y, "sample_weight_val": -np.ones(len(X))},
        ["sample_weight_val must not be negative"],
    ),
    "number of weights": (
        lambda X, y: {"X_val": X, "y_val": y, "sample_weight_val": np.ones(3)},
        ["sample_weight_val must have shape (120,)"],
    ),
    "weights of zero": (
        lambda X, y: {"X_val": X, "y_val": y, "sample_weight_val": np.zeros(len(X))},
        ["sample_weight_val must have at least one weight that is not zero"],
    ),
    "groups beside a set": (
        lambda X, y: {"groups": y, "X_val": X, "y_val": y},
        ["groups are for the rows that early_stopping=True holds out", "got both"],
    ),
    "number of groups, unused": (
        lambda X, y: {"groups": y[:7]},
        ["groups must have shape (120,), one a row; got shape (7,)"],
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
@each_estimator
def test_faults(estimator, fault):
    X, y = task(estimator)
    given, parts = FAULTS[fault]
    model = small(estimator)
    with pytest.raises(ValueError, match=r"val|groups") as raised:
        model.fit(X, y, **given(X, y))
    for part in parts:
        assert part in str(raised.value)
    assert not hasattr(model, "coefs_")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"groups": np.zeros(120)}, "groups must be enough to hold out some.* got 1 different"),
        ({"groups": np.zeros(7)}, r"groups must have shape \(120,\), one a row; got shape \(7,\)"),
        ({"groups": 3}, r"groups must have shape \(120,\), one a row; got shape \(\)"),
        (
            {"groups": np.zeros(120), "X_val": np.zeros((2, 5)), "y_val": np.zeros(2)},
            "groups are for the rows .* got both groups and X_val",
        ),
    ],
)
def test_faults_of_the_split(given, message):
    with pytest.raises(ValueError, match=message):
        small(REGRESSOR, early_stopping=True).fit(*task(REGRESSOR), **given)


def test_groups_that_do_not_sort():
    model = small(REGRESSOR, early_stopping=True)
    with pytest.raises(
        TypeError, match=r"groups must be labels that can be sorted; got \[None 'a' None\]"
    ):
        model.fit(*task(REGRESSOR), groups=[None, "a"] * 60)


def test_fraction_that_leaves_no_group_to_fit():
    model = small(REGRESSOR, early_stopping=True, validation_fraction=0.9)
    with pytest.raises(ValueError, match=r"groups must be enough .*3 different .*fraction=0\.9"):
        model.fit(*task(REGRESSOR), groups=np.arange(120) % 3)


@each_estimator
def test_too_few_rows_to_hold_some_out(estimator):
    X, y = task(estimator)
    with pytest.raises(
        ValueError, match=r"early_stopping=True needs rows .* got 3 rows and .*0\.9"
    ):
        small(estimator, early_stopping=True, validation_fraction=0.9).fit(X[:3], y[:3])
    small(estimator, early_stopping=True).fit(X[:3], y[:3])


@each_estimator
def test_type_of_the_target(estimator):
    X, y = task(estimator)
    dates = pd.Series(pd.date_range("2020-01-01", periods=120))
    with pytest.raises((TypeError, ValueError), match="X_val and y_val must be as X and y are: "):
        small(estimator).fit(X, y, X_val=X, y_val=dates)


@each_estimator
def test_names_of_columns_that_one_set_lacks(estimator):
    X, y, X_val, y_val = split(estimator)
    names = list("abcde")
    model = small(estimator, max_iter=3)
    expected = clone(model).fit(X, y, X_val=X_val, y_val=y_val).validation_loss_curve_
    frame, frame_val = pd.DataFrame(X, columns=names), pd.DataFrame(X_val, columns=names)
    with pytest.warns(UserWarning, match=r"^X has feature names, but X_val has none") as caught:
        model.fit(frame, y, X_val=X_val, y_val=y_val)
    assert [warning.filename for warning in caught] == [__file__]
    assert_allclose(model.validation_loss_curve_, expected, rtol=1e-10)
    assert_array_equal(model.feature_names_in_, names)
    with pytest.warns(UserWarning, match=r"^X_val has feature names, but X has none") as caught:
        model.fit(X, y, X_val=frame_val, y_val=y_val)
    assert len(caught) == 1
    assert_allclose(model.validation_loss_curve_, expected, rtol=1e-10)
    assert not hasattr(model, "feature_names_in_")


@each_estimator
def test_names_that_are_no_strings_are_none(estimator):
    X, y, X_val, y_val = split(estimator)
    model = small(estimator, max_iter=3)
    model.fit(pd.DataFrame(X), y, X_val=X_val, y_val=y_val)
    model.fit(X, y, X_val=pd.DataFrame(X_val), y_val=y_val)


class TestScaleOfTheTarget:
    def test_transformed_without_the_rows_to_validate_on(self):
        X, y, X_val, y_val = split(REGRESSOR)
        model = TransformedTargetRegressor(
            small(REGRESSOR, max_iter=3), func=np.log, inverse_func=np.exp
        )
        with pytest.warns(UserWarning, match=r"^y_val, from .* another scale than that of y"):
            model.fit(X, 1000 + y, X_val=X_val, y_val=1000 + y_val)

    def test_the_warning_points_to_the_call(self):
        X, y, X_val, y_val = split(REGRESSOR)
        with pytest.warns(UserWarning, match="another scale") as caught:
            small(REGRESSOR, max_iter=3).fit(X, y, X_val=X_val, y_val=100 + y_val)
        assert caught[0].filename == __file__

    def test_column(self):
        X, y, X_val, y_val = split(REGRESSOR)
        targets, targets_val = np.column_stack([y, y]), np.column_stack([y_val, 100 + y_val])
        with pytest.warns(UserWarning, match=r"^column 1 of y_val, from 9\d\.\d+ to 10\d\.\d+, "):
            small(REGRESSOR, max_iter=3).fit(X, targets, X_val=X_val, y_val=targets_val)

    def test_the_end_of_a_trend_is_no_other_scale(self):
        time = np.arange(100.0)
        X = time.reshape(-1, 1)
        model = small(REGRESSOR, max_iter=3)
        model.fit(X[:80], time[:80], X_val=X[80:], y_val=time[80:])
        model.fit(X[:80], 0.0 * time[:80], X_val=X[80:], y_val=1e-3 + 0.0 * time[80:])

    @pytest.mark.parametrize("n_rows", [(70, 9), (9, 50)])
    def test_few_rows_may_be_extreme(self, n_rows):
        X, y, X_val, y_val = split(REGRESSOR)
        fitted, held_out = map(slice, n_rows)
        small(REGRESSOR, max_iter=3).fit(
            X[fitted], y[fitted], X_val=X_val[held_out], y_val=100 + y_val[held_out]
        )

    def test_one_row_within_is_enough(self):
        X, y, X_val, y_val = split(REGRESSOR)
        y_val = np.append(100 + y_val[1:], y.max())
        small(REGRESSOR, max_iter=3).fit(X, y, X_val=X_val, y_val=y_val)

    def test_labels_have_no_scale(self):
        X, y, X_val, y_val = split(REGRESSOR)
        labels = np.column_stack([y > 0, y > np.inf]).astype(int)
        labels_val = np.column_stack([y_val > 0, y_val < np.inf]).astype(int)
        small(CLASSIFIER, max_iter=3).fit(X, labels, X_val=X_val, y_val=labels_val)


def test_class_that_is_not_in_the_data():
    X, y = task(CLASSIFIER)
    with pytest.raises(ValueError, match=r"X_val and y_val .*y must have labels among .*'maybe'"):
        small(CLASSIFIER).fit(X, y, X_val=X[:2], y_val=["yes", "maybe"])


@each_estimator
def test_partial_fit_holds_out_no_rows(estimator):
    X, y = task(estimator)
    with pytest.raises(ValueError, match="partial_fit holds out no rows; got early_stopping=True"):
        small(estimator, early_stopping=True).partial_fit(X, y)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@each_estimator
def test_rows_beyond_the_range_of_floats_are_refused(estimator, dtype):
    X, y = task(estimator)
    X = (X - 2.0).astype(dtype)
    X_val = np.full((1, 5), np.finfo(dtype).max)
    model = small(estimator, max_iter=3, warm_start=True).fit(X, y)
    fitted = dict(vars(model))
    for again in (model, small(estimator, max_iter=3)):
        before = dict(vars(again))
        with pytest.raises(
            ValueError, match=r"X_val and y_val .* a finite loss .* the last loss is"
        ):
            again.fit(X, y, X_val=X_val, y_val=y[:1])
        assert vars(again).keys() == before.keys()
    assert all(vars(model)[name] is value for name, value in fitted.items())


def test_rows_without_a_finite_loss_at_the_start_are_taken():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 1))
    y = rng.poisson(np.exp(0.01 * X[:, 0]))
    model = BackpropRegressor((), loss="poisson", max_iter=20, alpha=0, random_state=1)
    model.fit(X, y, X_val=[[5000.0]], y_val=[1.0], coefs_init=[[[1.0]]])
    assert np.isinf(model.validation_loss_curve_[0])
    assert np.isfinite(model.validation_loss_curve_[-1])


def test_a_score_that_tells_nothing_is_refused():
    X, y = task(REGRESSOR)
    model = small(REGRESSOR, early_stopping=True, scoring=lambda *_: -np.inf)
    with pytest.raises(
        ValueError, match=r"the last score -inf.* or scoring does not suit these rows"
    ):
        model.fit(X, y)


@pytest.mark.parametrize("warm_start", [False, True])
def test_a_fit_that_diverges_at_once_has_no_best_score(warm_start):
    X, y = task(REGRESSOR)
    model = small(REGRESSOR, learning_rate=1e200, max_iter=2, warm_start=warm_start)
    given = {"X_val": X, "y_val": y}
    with pytest.warns(DivergenceWarning, match="The weights are the best it met"):
        model.fit(X, y, **given)
    assert model.best_iter_ == 0
    with pytest.warns(
        DivergenceWarning,
        match=f"weights are {'those of the best validation' if warm_start else 'the best it met'}",
    ):
        model.fit(X, y, **given)


def test_groups_that_hold_out_a_whole_class_are_refused():
    X, y = np.arange(60.0).reshape(-1, 1), np.repeat([0, 1, 2], 20)
    model = BackpropClassifier(3, early_stopping=True, max_iter=2, random_state=0)
    with pytest.raises(ValueError, match="groups must leave rows of each class to fit"):
        model.fit(X, y, groups=y)


def test_going_on_keeps_the_fitted_weights_where_they_were_better():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(80, 3)), rng.normal(size=80)
    model = BackpropRegressor(5, early_stopping=True, random_state=0, warm_start=True).fit(X, y)
    coef, best = model.coefs_[0].copy(), max(model.validation_scores_)
    model.set_params(learning_rate=2.0, learning_rate_schedule="constant", max_iter=2, tol=None)
    model.fit(X, y)
    assert max(model.validation_scores_) < best
    assert model.best_iter_ == 0
    np.testing.assert_allclose(model.coefs_[0], coef, rtol=1e-12)
