"""scikit-learn's callbacks, from 1.9 on: progress, scores by epoch, callbacks that end a fit."""

import pickle
import subprocess
import sys
import textwrap
import warnings

import numpy as np
import pytest
from joblib import parallel_config
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from skbackprop import BackpropClassifier, BackpropRegressor, DivergenceWarning, HiddenActivations
from skbackprop._estimators import base, callbacks, plan

callback = pytest.importorskip("sklearn.callback", reason="scikit-learn below 1.9")

ESTIMATORS = [BackpropClassifier, BackpropRegressor]
CLASSIFIER, REGRESSOR = ESTIMATORS
each_estimator = pytest.mark.parametrize("estimator", ESTIMATORS)
X, CLASSES = load_iris(return_X_y=True)
TARGETS = {CLASSIFIER: CLASSES, REGRESSOR: X @ [1.0, -1.0, 0.5, 2.0]}
SCORING = {CLASSIFIER: "accuracy", REGRESSOR: "r2"}


def small(estimator, **params):
    return estimator(5, max_iter=6, random_state=0).set_params(**params)


class Recorder:
    """Notes every call; ends the fit after an epoch, if asked."""

    def __init__(self, last_epoch=None):
        self.last_epoch = last_epoch
        self.calls = []
        self.models = []

    def setup(self, estimator, context):
        self.calls.append("setup")

    def teardown(self, estimator, context):
        self.calls.append("teardown")

    def on_fit_task_begin(self, estimator, context):
        self.calls.append(f"begin {context.task_name}")

    def on_fit_task_end(self, estimator, context, *, X=None, y=None, fitted_estimator=None):
        self.calls.append(f"end {context.task_name}")
        self.X, self.y = X, y
        self.models.append(fitted_estimator)
        return context.task_name == "epoch" and len(self.models) == self.last_epoch


def recorded(estimator, last_epoch=None, **params):
    recorder = Recorder(last_epoch)
    model = small(estimator, **params).set_callbacks(recorder)
    return model.fit(X, TARGETS[estimator]), recorder


class TestLifeCycle:
    @each_estimator
    def test_calls(self, estimator):
        _, recorder = recorded(estimator, max_iter=2)
        assert recorder.calls == [
            "setup",
            *["begin fit", "begin epoch", "end epoch", "begin epoch", "end epoch", "end fit"],
            "teardown",
        ]
        assert recorder.X is X
        assert recorder.y is TARGETS[estimator]

    @each_estimator
    def test_does_not_touch_the_descent(self, estimator):
        model, _ = recorded(estimator)
        plain = small(estimator).fit(X, TARGETS[estimator])
        assert model.loss_curve_ == plain.loss_curve_
        assert_array_equal(model.coefs_[0], plain.coefs_[0])
        assert set(vars(model)) - set(vars(plain)) == {"_skl_callbacks"}

    @each_estimator
    def test_a_callback_ends_the_fit(self, estimator, capsys):
        model, recorder = recorded(estimator, last_epoch=3, verbose=1)
        assert (model.n_iter_, model.status_) == (3, "stopped")
        assert recorder.calls.count("begin epoch") == recorder.calls.count("end epoch") == 3
        assert recorder.calls[-2:] == ["end fit", "teardown"]
        assert capsys.readouterr().out.endswith("A callback asked for an end.\n")

    def test_the_last_of_several_callbacks_ends_the_fit(self):
        first, last = Recorder(), Recorder(last_epoch=2)
        model = small(CLASSIFIER).set_callbacks(first, last).fit(X, CLASSES)
        assert model.n_iter_ == 2
        assert first.calls == last.calls

    @pytest.mark.parametrize(
        ("params", "status"),
        [
            ({"early_stopping": True, "learning_rate_schedule": "constant"}, "early_stopped"),
            ({"tol": 0.5}, "converged"),
            ({"tol": 0.5, "learning_rate_schedule": "constant"}, "converged"),
        ],
    )
    def test_early_end(self, params, status):
        params = {"max_iter": 300, "n_iter_no_change": 2} | params
        model, recorder = recorded(CLASSIFIER, **params)
        assert model.status_ == status
        assert model.n_iter_ < 300
        assert len([m for m in recorder.models if m is not None]) == model.n_iter_ + 1
        assert recorder.calls.count("begin epoch") == recorder.calls.count("end epoch")
        assert recorder.calls[-2:] == ["end fit", "teardown"]

    def test_undone_epochs_are_no_epochs(self, monkeypatch):
        monkeypatch.setattr(plan, "largest_curvature", lambda *_: 1e-4)
        model, recorder = recorded(REGRESSOR, max_iter=30)
        assert model.n_iter_ > len(model.loss_curve_)
        assert len([m for m in recorder.models if m is not None]) == len(model.loss_curve_) + 1
        assert recorder.models[-2].n_iter_ == model.n_iter_

    @pytest.mark.filterwarnings("ignore::skbackprop.DivergenceWarning")
    @pytest.mark.parametrize("batch_size", [32, "full"])
    @pytest.mark.parametrize("learning_rate", [1e9, 1e308])
    @each_estimator
    def test_divergence(self, estimator, learning_rate, batch_size):
        """In full batch the loss is finite before the step after which the weights are not."""
        params = {"learning_rate": learning_rate, "activation": "softplus"}
        params["batch_size"] = batch_size
        model, recorder = recorded(estimator, max_iter=20, **params)
        plain = small(estimator, max_iter=20, **params).fit(X, TARGETS[estimator])
        assert model.status_ == plain.status_
        assert_array_equal(model.coefs_[0], plain.coefs_[0])
        assert recorder.calls[-2:] == ["end fit", "teardown"]

    @pytest.mark.filterwarnings("ignore::skbackprop.DivergenceWarning")
    def test_weights_that_leave_the_range_of_floats_for_an_epoch(self):
        """The loss of a full batch is that before the step: finite, as the next ones are not."""
        recorder = Recorder()
        params = {"learning_rate": 1e308, "batch_size": "full"}
        small_X, y = 1e-3 * X, TARGETS[REGRESSOR]
        model = small(REGRESSOR, **params).set_callbacks(recorder).fit(small_X, y)
        plain = small(REGRESSOR, **params).fit(small_X, y)
        assert model.status_ == plain.status_ == "diverged"
        assert_array_equal(model.coefs_[0], plain.coefs_[0])
        assert recorder.models[0] is None
        assert recorder.calls[-2:] == ["end fit", "teardown"]

    @each_estimator
    def test_interrupt(self, estimator):
        class Interrupt(Recorder):
            def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
                super().on_fit_task_end(estimator, context, fitted_estimator=fitted_estimator)
                if len(self.models) == 2:
                    raise KeyboardInterrupt

        recorder = Interrupt()
        model = small(estimator).set_callbacks(recorder)
        with pytest.warns(ConvergenceWarning, match="was interrupted after 2 epochs"):
            model.fit(X, TARGETS[estimator])
        assert model.status_ == "interrupted"
        assert recorder.calls[-1] == "teardown"
        assert "end fit" in recorder.calls

    def test_data_that_are_refused_reach_no_callback(self):
        recorder = Recorder()
        model = small(CLASSIFIER).set_callbacks(recorder)
        with pytest.raises(ValueError, match="NaN"):
            model.fit(X * np.nan, CLASSES)
        assert recorder.calls == []
        assert set(vars(model)) == {*model.get_params(), "_skl_callbacks"}

    def test_teardown_where_fit_fails(self):
        def fails(model, X, y):
            raise RuntimeError("score")

        recorder = Recorder()
        model = small(CLASSIFIER, scoring=fails).set_callbacks(recorder)
        before = set(vars(model))
        with pytest.raises(RuntimeError, match="score"):
            model.fit(X, CLASSES, X_val=X, y_val=CLASSES)
        assert recorder.calls[0] == "setup"
        assert recorder.calls[-1] == "teardown"
        assert set(vars(model)) == before
        assert model.set_params(scoring="loss").fit(X, CLASSES).n_iter_ == 6

    def test_teardown_where_a_callback_fails(self):
        class Fails(Recorder):
            def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
                raise RuntimeError("callback")

        recorder = Fails()
        model = small(CLASSIFIER).fit(X, CLASSES)
        coef = model.coefs_[0]
        with pytest.raises(RuntimeError, match="callback"):
            model.set_callbacks(recorder).fit(X, CLASSES)
        assert recorder.calls[-1] == "teardown"
        assert model.coefs_[0] is coef

    def test_partial_fit_calls_none(self):
        recorder = Recorder()
        small(CLASSIFIER).set_callbacks(recorder).partial_fit(X, CLASSES, classes=[0, 1, 2])
        assert recorder.calls == []

    def test_costs_nothing_where_none_is_set(self, monkeypatch):
        def made(*args, **kwargs):
            raise AssertionError("a context was made")

        monkeypatch.setattr(callbacks, "EpochCallbacks", made)
        monkeypatch.setattr(base, "EpochCallbacks", made)
        monkeypatch.setattr(callback.CallbackContext, "_from_estimator", made)
        small(CLASSIFIER).fit(X, CLASSES)
        with pytest.raises(AssertionError, match="a context was made"):
            small(CLASSIFIER).set_callbacks(Recorder()).fit(X, CLASSES)


class TestModelOfAnEpoch:
    @each_estimator
    def test_is_that_of_a_fit_of_so_many_epochs(self, estimator):
        params = {"learning_rate": 0.1, "learning_rate_schedule": "constant", "tol": None}
        model, recorder = recorded(estimator, max_iter=4, **params)
        y = TARGETS[estimator]
        for k, of_epoch in enumerate(recorder.models[:4], 1):
            fitted = small(estimator, max_iter=k, **params).fit(X, y)
            assert_array_equal(of_epoch.predict(X), fitted.predict(X))
            assert of_epoch.score(X, y) == fitted.score(X, y)
            assert of_epoch.loss_curve_ == fitted.loss_curve_
            assert of_epoch.n_iter_ == k
            assert of_epoch.learning_rate_ == 0.1
            assert of_epoch.status_ == "running"
        assert recorder.models[4].status_ == "max_iter"
        assert_array_equal(recorder.models[4].predict(X), model.predict(X))

    @each_estimator
    def test_has_all_attributes(self, estimator):
        model, recorder = recorded(estimator)
        for of_epoch in recorder.models:
            assert set(vars(model)) <= set(vars(of_epoch))

    @each_estimator
    def test_is_a_checkpoint(self, estimator):
        """What is saved after an epoch can be loaded and go on."""
        checkpoint = Checkpoint()
        y = TARGETS[estimator]
        small(estimator, warm_start=True).set_callbacks(checkpoint).fit(X, y)
        for name in ("fit", "partial_fit"):
            loaded = pickle.loads(checkpoint.models[2])
            assert loaded.n_iter_ == 3
            getattr(loaded, name)(X, y)
            assert loaded.score(X, y) > 0.5

    @each_estimator
    def test_what_is_done_with_it_does_not_touch_the_fit(self, estimator):
        class Meddler(Recorder):
            def on_fit_task_end(self, estimator, context, *, X=None, y=None, fitted_estimator=None):
                if context.task_name == "epoch":
                    fitted_estimator.partial_fit(X, y)
                    fitted_estimator.coefs_[0][:] = np.nan
                    fitted_estimator.loss_curve_.clear()

        y = TARGETS[estimator]
        meddled = small(estimator).set_callbacks(Meddler())
        meddled.fit(X, y)
        plain = small(estimator).fit(X, y)
        assert_array_equal(meddled.coefs_[0], plain.coefs_[0])
        assert meddled.loss_curve_ == plain.loss_curve_


class Checkpoint(Recorder):
    """Saves the model of each epoch."""

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        if context.task_name == "epoch":
            self.models.append(pickle.dumps(fitted_estimator))


class TestHiddenActivations:
    @each_estimator
    def test_calls(self, estimator):
        recorder = Recorder()
        model = HiddenActivations(small(estimator, max_iter=2)).set_callbacks(recorder)
        model.fit(X, TARGETS[estimator])
        assert recorder.calls == [
            "setup", "begin fit", "begin fit-estimator", "end fit-estimator", "end fit", "teardown",
        ]  # fmt: skip
        assert_array_equal(recorder.models[-1].transform(X), model.transform(X))

    def test_progress_of_its_network_in_a_pipeline(self, capsys, monkeypatch):
        pytest.importorskip("rich")
        monkeypatch.setenv("COLUMNS", "200")
        hidden = HiddenActivations(small(CLASSIFIER))
        pipeline = Pipeline([("hidden", hidden), ("net", small(REGRESSOR))])
        pipeline.set_callbacks(callback.ProgressBar(max_propagation_depth=2)).fit(X, CLASSES)
        out = capsys.readouterr().out
        assert "HiddenActivations - fit" in out
        assert "BackpropClassifier - fit" in out

    def test_progress_where_the_network_is_frozen(self):
        pytest.importorskip("rich")
        network = small(CLASSIFIER).fit(X, CLASSES)
        before = set(vars(network))
        hidden = HiddenActivations(FrozenEstimator(network))
        hidden.set_callbacks(callback.ProgressBar(max_propagation_depth=None)).fit(X)
        assert_array_equal(hidden.transform(X), network.hidden_activations(X))
        assert set(vars(network)) == before

    def test_scores_of_its_network_in_a_search(self):
        """Two candidates, two folds and a refit, each of six epochs and the fit, told apart."""
        monitor = callback.ScoringMonitor(scoring="accuracy")
        hidden = HiddenActivations(small(CLASSIFIER, tol=None).set_callbacks(monitor))
        pipeline = Pipeline([("hidden", hidden), ("net", small(REGRESSOR))])
        GridSearchCV(pipeline, {"hidden__layer": [0, -1]}, cv=2).fit(X, CLASSES)
        rows = monitor.get_logs().data
        assert len(rows) == len({row["task_id_path"] for row in rows}) == (2 * 2 + 1) * 7

    def test_teardown_where_fit_fails(self):
        recorder = Recorder()
        with pytest.raises(ValueError, match="alpha must be"):
            HiddenActivations(small(CLASSIFIER, alpha=-1)).set_callbacks(recorder).fit(X, CLASSES)
        assert recorder.calls[-1] == "teardown"


@pytest.mark.parametrize("kind", ["alone", "Pipeline", "GridSearchCV"])
@each_estimator
class TestProgressBar:
    def test_shows_every_epoch(self, estimator, kind, capsys, monkeypatch):
        pytest.importorskip("rich")
        monkeypatch.setenv("COLUMNS", "200")
        model = small(estimator)
        if kind == "Pipeline":
            model = Pipeline([("scale", StandardScaler()), ("net", model)])
        elif kind == "GridSearchCV":
            model = GridSearchCV(model, {"alpha": [0, 1]}, cv=2)
        model.set_callbacks(callback.ProgressBar()).fit(X, TARGETS[estimator])
        out = capsys.readouterr().out
        assert estimator.__name__ in out
        assert "100%" in out


def monitored(network, y, wrap=lambda model: model, **metadata):
    """The rows of a ScoringMonitor, which is for the estimator that it is set on."""
    monitor = callback.ScoringMonitor(scoring="accuracy" if y is CLASSES else "r2")
    model = wrap(network.set_callbacks(monitor)).fit(X, y, **metadata)
    return monitor.get_logs().data, model


class TestScoringMonitor:
    @each_estimator
    def test_alone(self, estimator):
        y = TARGETS[estimator]
        params = {"learning_rate": 0.1, "learning_rate_schedule": "constant", "tol": None}
        rows, _ = monitored(small(estimator, **params), y)
        name = SCORING[estimator]
        assert [row["task_name"] for row in rows] == ["fit", *["epoch"] * 6]
        expected = [
            small(estimator, max_iter=k, **params).fit(X, y).score(X, y) for k in range(1, 7)
        ]
        assert_allclose([row[name] for row in rows[1:]], expected, rtol=1e-12)
        assert rows[0][name] == rows[-1][name]

    def test_sample_weight(self):
        weight = (CLASSES == 0) + 0.1
        rows, model = monitored(small(CLASSIFIER), CLASSES, sample_weight=weight)
        assert rows[-1]["accuracy"] == model.score(X, CLASSES, weight)

    @each_estimator
    def test_pipeline(self, estimator):
        rows, _ = monitored(
            small(estimator),
            TARGETS[estimator],
            lambda network: Pipeline([("scale", StandardScaler()), ("net", network)]),
        )
        epochs = [row[SCORING[estimator]] for row in rows if row["task_name"] == "epoch"]
        assert len(epochs) == 6
        assert epochs[-1] > epochs[0]

    @pytest.mark.parametrize("backend", ["threading", "loky"])
    @each_estimator
    def test_search_has_as_many_rows_as_with_an_estimator_of_scikit_learn(self, estimator, backend):
        """Two candidates, two folds and a refit, each of six epochs."""
        peer = LogisticRegression(max_iter=6, tol=0.0)
        counts = []
        with parallel_config(backend=backend, n_jobs=2), warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            # Of loky, on what else the machine is doing.
            warnings.filterwarnings("ignore", message="A worker stopped")
            for model, grid, y in [
                (small(estimator, tol=None), {"alpha": [0, 1]}, TARGETS[estimator]),
                (peer, {"C": [1, 2]}, CLASSES),
            ]:
                rows, _ = monitored(model, y, lambda m, grid=grid: GridSearchCV(m, grid, cv=2))
                at_depth = [len(row["task_id_path"]) for row in rows]
                counts.append(np.bincount(at_depth).tolist())
        ours, theirs = counts
        assert ours == theirs
        assert max(ours) == 2 * 2 * 6

    @each_estimator
    def test_search_finds_what_it_finds_without(self, estimator):
        y = TARGETS[estimator]
        grid = {"alpha": [0, 1]}
        plain = GridSearchCV(small(estimator), grid, cv=2).fit(X, y)
        _, search = monitored(small(estimator), y, lambda model: GridSearchCV(model, grid, cv=2))
        assert_array_equal(
            search.cv_results_["mean_test_score"], plain.cv_results_["mean_test_score"]
        )
        assert_array_equal(search.best_estimator_.predict(X), plain.best_estimator_.predict(X))

    def test_a_pickle_of_the_model_keeps_its_callbacks(self):
        monitor = callback.ScoringMonitor(scoring="accuracy")
        model = small(CLASSIFIER).set_callbacks(monitor).fit(X, CLASSES)
        loaded = pickle.loads(pickle.dumps(model))
        assert len(loaded._skl_callbacks) == 1
        assert_array_equal(loaded.predict(X), model.predict(X))
        loaded = pickle.loads(pickle.dumps(model.set_callbacks()))
        assert not hasattr(loaded, "_skl_callbacks")


@each_estimator
def test_warnings_point_to_the_line_that_called_fit(estimator):
    model = small(estimator, learning_rate_schedule="constant")
    for given in ([], [Recorder()]):
        with pytest.warns(ConvergenceWarning, match="ran all max_iter") as caught:
            model.set_callbacks(*given).fit(X, TARGETS[estimator])
        assert caught[0].filename == __file__
    model.set_params(learning_rate=1e300)
    with pytest.warns(DivergenceWarning) as caught:
        model.partial_fit(X, TARGETS[estimator])
    assert caught[0].filename == __file__


def test_a_caller_without_a_name_is_warned():
    script = "model.fit(X, y)"
    model = small(REGRESSOR, learning_rate_schedule="constant")
    with pytest.warns(ConvergenceWarning, match="ran all max_iter"):
        exec(script, {"model": model, "X": X, "y": TARGETS[REGRESSOR]})


def test_estimators_do_without():
    """As below scikit-learn 1.9, which has no callbacks."""
    script = """
        import sys
        import sklearn.metrics, sklearn.model_selection
        sys.modules["sklearn.callback"] = None
        from skbackprop import BackpropRegressor
        model = BackpropRegressor(3, max_iter=2, early_stopping=True, verbose=1)
        model.fit([[0.0], [1.0], [2.0], [3.0]], [0.0, 1.0, 2.0, 3.0])
        assert not hasattr(model, "set_callbacks")
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=True, capture_output=True)
