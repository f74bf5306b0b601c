"""The view of a fit that is running."""

import re
import sys
from html import unescape

import numpy as np
import pytest
from sklearn.base import clone

from skbackprop import BackpropRegressor
from skbackprop.inspection import LiveView, _live, record_fit

pytest.importorskip("sklearn.callback", reason="scikit-learn below 1.9")

X = np.random.default_rng(0).normal(size=(8, 2))
Y = X[:, 0] * X[:, 1]
MODEL = BackpropRegressor(2, max_iter=30, random_state=0)


def last_step(view):
    return int(re.findall(r'"steps":\[[\d,]*?(\d+)\]', unescape(view))[0])


def test_a_fit_that_is_watched_is_an_ordinary_one():
    views = []
    live = LiveView(seconds=1e-9, max_frames=8, show=views.append)
    watched = clone(MODEL).set_callbacks(live).fit(X, Y)
    for one, other in zip(watched.coefs_, clone(MODEL).fit(X, Y).coefs_, strict=True):
        np.testing.assert_array_equal(one, other)
    assert "_recorders" not in vars(watched)
    steps = [last_step(view) for view in views]
    assert len(steps) > 1
    assert steps == sorted(steps)
    assert steps[-1] == live.recording_.steps[-1] == 30
    assert len(live.recording_) <= 9
    np.testing.assert_array_equal(live.recording_.coefs[0][-1], watched.coefs_[0])
    recorded = record_fit(clone(MODEL), X, Y, max_frames=8)
    np.testing.assert_array_equal(live.recording_.coefs[0], recorded.coefs[0])
    # The next fit is drawn, too.
    watched.fit(X, -Y)
    assert last_step(views[-1]) == 30


def test_the_weights_of_a_view_are_those_of_its_step(monkeypatch):
    drawn, recording_of = [], _live.recording_of

    def kept(*args, **kwargs):
        drawn.append(recording_of(*args, **kwargs))
        return drawn[-1]

    monkeypatch.setattr(_live, "recording_of", kept)
    live = LiveView(seconds=1e-9, show=lambda view: None)
    clone(MODEL).set_callbacks(live).fit(X, Y)
    whole = record_fit(clone(MODEL), X, Y)
    assert len(drawn) > 1
    for recording in drawn:
        np.testing.assert_array_equal(recording.coefs[0], whole.coefs[0][recording.steps])
        np.testing.assert_allclose(recording.losses, whole.losses[recording.steps], rtol=1e-12)


def test_a_view_that_cannot_be_drawn_leaves_the_fit():
    def no_screen(view):
        raise RuntimeError("no screen")

    model = clone(MODEL).set_callbacks(LiveView(show=no_screen))
    with pytest.warns(UserWarning, match="LiveView cannot draw the fit: no screen"):
        model.fit(X, Y)
    np.testing.assert_array_equal(model.coefs_[0], clone(MODEL).fit(X, Y).coefs_[0])
    wide = BackpropRegressor(25, max_iter=3, random_state=0)
    with pytest.warns(UserWarning, match="at most 24 inputs or units a layer") as caught:
        wide.set_callbacks(LiveView(show=print, seconds=1e-9)).fit(X, Y)
    assert {warning.filename for warning in caught} == {__file__}


def test_one_view_of_two_fits_at_a_time():
    live = LiveView(show=lambda view: None)
    models = [clone(MODEL).set_callbacks(live) for _ in range(2)]
    for model in models:
        live.setup(model, None)
    for model in models:
        live.teardown(model, None)
        assert "_recorders" not in vars(model)
    assert not hasattr(live, "_running")


def test_drawings_are_apart():
    views = []
    clone(MODEL).set_callbacks(LiveView(seconds=1000.0, show=views.append)).fit(X, Y)
    assert len(views) == 1


def test_a_recorded_fit_may_be_watched():
    views = []
    model = clone(MODEL).set_callbacks(LiveView(show=views.append))
    assert len(record_fit(model, X, Y)) == 31
    assert len(views) == 1


def test_a_fit_that_fails_leaves_nothing():
    model = clone(MODEL).set_callbacks(LiveView(show=print))
    with pytest.raises(ValueError, match="NaN"):
        model.fit(X * np.nan, Y)
    assert "_recorders" not in vars(model)


def test_rows_that_are_held_out_are_refused():
    model = clone(MODEL).set_params(early_stopping=True).set_callbacks(LiveView(show=print))
    with pytest.raises(ValueError, match="early_stopping=False"):
        model.fit(X, Y)


def test_without_ipython_there_is_a_message(monkeypatch):
    monkeypatch.setitem(sys.modules, "IPython.display", None)
    with pytest.raises(ImportError, match="LiveView needs IPython, unless show is given"):
        clone(MODEL).set_callbacks(LiveView()).fit(X, Y)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"seconds": 0}, ValueError, "seconds must be a positive finite number; got 0"),
        ({"max_frames": 1}, ValueError, "max_frames must be an integer of at least 2; got 1"),
        ({"show": "it"}, TypeError, "show must be callable or None; got 'it'"),
    ],
)
def test_what_is_not_accepted(arguments, error, message):
    with pytest.raises(error, match=message):
        LiveView(**arguments)
