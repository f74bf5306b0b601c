"""The scripts in benchmarks/ run, on tiny sizes; and say what they should of given times."""

import doctest
import mmap
import os
import sys
import warnings
from functools import partial
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_iris
from threadpoolctl import threadpool_info

FOLDER = Path(__file__).parent.parent / "benchmarks"
if not FOLDER.exists():
    pytest.skip("benchmarks are not part of the sdist", allow_module_level=True)
sys.path.append(str(FOLDER))
accuracy, calibration, gaps, golden, memory = map(
    import_module, ("accuracy", "calibration", "gaps", "golden", "memory")
)
recording, speed, synthetic, time_to_score = map(
    import_module, ("recording", "speed", "synthetic", "time_to_score")
)
contenders, everyday, processes = map(import_module, ("_contenders", "_everyday", "_processes"))

# Two batches, the second of one row.
TINY = contenders.Configuration(9, 3, (4, 3), 8, n_classes=3)
FULL = TINY._replace(batch=9)
dtypes = pytest.mark.parametrize("dtype", ["float32", "float64"])
linux = pytest.mark.skipif(not memory.CLEAR.exists(), reason="needs Linux's /proc")


@dtypes
@pytest.mark.parametrize("configuration", [TINY, FULL], ids=str)
@pytest.mark.parametrize("name", contenders.CONTENDERS)
@pytest.mark.filterwarnings("ignore")
def test_contenders_run(name, configuration, dtype):
    for package in contenders.CONTENDERS[name].packages:
        pytest.importorskip(package)
    assert np.isfinite(contenders.microseconds(name, configuration, dtype, 1e-4))


@pytest.mark.parametrize("name", [contenders.OURS, contenders.UNCONDITIONED, contenders.SKLEARN])
@pytest.mark.filterwarnings("ignore")
def test_estimators_do_every_epoch_in_the_precision_asked_for(name):
    model = contenders.CONTENDERS[name].run(TINY, np.dtype(np.float32))(60)
    assert model.n_iter_ == 60
    assert model.coefs_[0].dtype == np.float32
    assert [coef.shape for coef in model.coefs_] == [(3, 4), (4, 3), (3, 3)]


def test_the_floor_is_the_products_of_a_step(monkeypatch):
    flops = []
    run = contenders.floor_run(TINY, np.dtype(np.float64))
    monkeypatch.setattr(
        contenders.np, "matmul", lambda a, b, out: flops.append((a.shape[0] * b.size, out.shape))
    )
    run(2)
    # Forward and by the coefficients in all three layers, by the inputs in two, for 8 rows and 1.
    forward = [(12, 4), (12, 3), (9, 3)]
    by_coefs = [(3, 4), (4, 3), (3, 3)]
    epoch = []
    for n in (8, 1):
        epoch += [(n * size, (n, width)) for size, width in forward]
        epoch += [(fan_in * n * fan_out, (fan_in, fan_out)) for fan_in, fan_out in by_coefs]
        epoch += [(n * 12, (n, 4)), (n * 9, (n, 3))]
    assert flops[: len(epoch)] == epoch
    assert len(flops) == 2 * len(epoch)


def test_a_step_is_timed_without_set_up():
    now = [0.0]

    def run(n_epochs):
        now[0] += 5.0 + 0.003 * n_epochs

    timer = contenders.StepTimer(run, n_batches=3, seconds=0.1, clock=lambda: now[0])
    assert timer() == pytest.approx(1000.0)


@pytest.mark.parametrize("name", everyday.ESTIMATORS)
@pytest.mark.parametrize(
    "make_timer", [*(task.make_timer for task in everyday.TASKS), everyday.one_fit]
)
@pytest.mark.filterwarnings("ignore")
def test_everyday_tasks_run(make_timer, name):
    # An epoch is a difference of two times, which of tiny data may be below 0.
    assert np.isfinite(everyday.seconds(make_timer, name, "float32", everyday.TINY))


def test_a_race_takes_turns():
    calls = iter(range(6))
    values = processes.race([partial(next, calls), partial(next, calls)], 3)
    np.testing.assert_array_equal(values, [[0, 1], [2, 3], [4, 5]])


def test_a_worker_is_a_process_with_its_threads():
    names = [*os.environ]
    with processes.Worker(n_threads=1) as worker:
        pools = worker(threadpool_info)
    assert {pool["num_threads"] for pool in pools} == {1}
    assert [*os.environ] == names


def test_ratios_are_medians_of_rounds_beside_their_bars():
    configuration = next(iter(speed.CONFIGURATIONS))
    times = {
        speed.OURS: np.array([1.0, 2.0, 4.0]),
        speed.SKLEARN: np.array([7.0, 14.0, 4.0]),
        speed.PYTORCH: np.array([8.0, 18.0, 4.0]),
        speed.PYTORCH_ALONE: np.array([3.0, 6.0, 12.0]),
        speed.FLOOR: np.array([0.5, 0.4, 0.8]),
    }
    (row,) = speed.ratios_table({configuration: times}, "float32", 1).splitlines()[2:]
    cells = [cell.strip() for cell in row.split("|")[2:-1]]
    assert cells == ["7.00 (≥ 6.5)", "3.00 (≥ 8) ✗", "", "5.00 (≤ 4.5) ✗", ""]
    (row,) = speed.ratios_table({configuration: times}, "float64", 1).splitlines()[2:]
    assert "≥" not in row
    (row,) = speed.ratios_table({configuration: times}, "float64", 2).splitlines()[2:]
    assert row.count("(≥ 1)") == 2


def test_times_are_drawn(tmp_path):
    pytest.importorskip("matplotlib")
    times = {name: np.array([1.0, 2.0]) for name in contenders.CONTENDERS}
    path = tmp_path / "speed.png"
    speed.draw({"one": {TINY: times}, "other": {TINY: times, FULL: times}}, path)
    assert path.stat().st_size > 1000


@linux
def test_the_peak_of_a_call_is_measured():
    touch(128)  # An earlier peak, which does not count.
    result, peak = memory.peak_beyond(partial(touch, 32))
    assert result == 32
    # The kernel counts the pages of a process to within some per core.
    assert 16 < peak / 2**20 < 64


def touch(mebibytes):
    """Hold so many MiB that are asked of the system, not of an allocator with memory to reuse."""
    with mmap.mmap(-1, mebibytes * 2**20) as pages:
        np.frombuffer(pages, np.uint8)[:] = 1
    return mebibytes


@linux
def test_memory_of_a_mapped_file():
    *_, row = memory.mapped_table(["float64"], 1000, 25).splitlines()
    size, dtype, file, peak = row.strip("| ").split(" | ")
    assert (size, dtype, file) == ("1,000 × 25", "float64", "0")
    assert float(peak) > -1.0


@linux
@dtypes
@pytest.mark.parametrize("name", memory.ESTIMATORS)
@pytest.mark.filterwarnings("ignore")
def test_memory_is_measured(name, dtype):
    for measure in memory.measurements(memory.TINY).values():
        assert measure(name, dtype, memory.TINY) > -1.0
    pickled, weights, _ = memory.pickle_size(name, dtype, memory.TINY)
    # Intercepts of ours are of float64.
    coefs = (20 * 100 + 100 * 10) * np.dtype(dtype).itemsize / 1e3
    assert coefs < weights < coefs + 0.9
    assert pickled > weights


@pytest.fixture
def iris():
    return import_module("_data").DataSet("iris", "classification", *load_iris(return_X_y=True))


def test_accuracy_compares_on_a_set(iris):
    results = np.array(accuracy.alone(accuracy.compare, iris, 0))
    assert results.shape == (len(accuracy.CONTENDERS), 2)
    assert (results[:, 0] > 0.8).all()
    scores, seconds = (part.reshape(1, 1, -1) for part in results.T)
    assert "| iris | 150 × 4 |" in accuracy.report([iris], scores, seconds, 1)


def test_the_calibration_error_is_that_of_guo():
    # Bins up to 14/15, 9/15 and 10/15: gaps of 0.9 − 0.5, 0.55 − 1 and 0.62 − 0.
    confidence = np.array([0.88, 0.92, 0.54, 0.56, 0.62])
    hit = np.array([True, False, True, True, False])
    error = calibration.calibration_error(confidence, hit)
    assert error == pytest.approx((2 * 0.4 + 2 * 0.45 + 0.62) / 5)


def test_the_error_of_chance_vanishes_with_many_rows():
    few, many = (
        calibration.error_of_chance(np.full(n, 0.7), np.random.default_rng(0)) for n in (20, 20000)
    )
    assert 0.05 < few < 0.15
    assert many < 0.01


@pytest.mark.filterwarnings("ignore")
def test_calibration_is_measured(iris):
    numbers = calibration.measures(calibration.contenders(0)[0], *iris.split(0))
    assert len(numbers) == len(calibration.MEASURES)
    error, _, _, loss, brier, accuracy = numbers
    assert 0.0 < error < 0.2
    assert 0.0 < loss < 0.5
    assert 0.0 < brier < 0.2
    assert accuracy > 0.85
    results = np.tile(numbers, (1, 1, len(calibration.CONTENDERS), 1))
    assert "| iris | 150 × 4 | 3 |" in calibration.report([iris], results)


@pytest.mark.parametrize(
    ("kind", "share"), [("none", 0.0), ("10% at random", 0.1), ("30% at random", 0.3)]
)
def test_gaps_at_random_are_the_same_share_of_all_cells(kind, share):
    made = gaps.GAPS[kind](np.zeros((5000, 4)), np.random.default_rng(0))
    assert made.shape == (5000, 4)
    np.testing.assert_allclose(made.mean(axis=0), share, atol=0.02)


def test_gaps_of_large_values_are_among_the_largest_three_tenths():
    X = np.random.default_rng(0).permuted(np.tile(np.arange(5000.0), (3, 1)), axis=1).T
    made = gaps.GAPS["large values"](X, np.random.default_rng(1))
    assert not made[X < 3499].any()
    np.testing.assert_allclose(made[X > 3500].mean(), 0.8, atol=0.02)


@pytest.mark.filterwarnings("ignore")
def test_gaps_are_compared_on_a_set(iris):
    """Each contender sees the gaps, of which only the trees take NaN."""
    scores = np.array([accuracy.alone(gaps.compare, iris, kind, 0) for kind in gaps.GAPS])
    assert scores.shape == (len(gaps.GAPS), len(gaps.CONTENDERS))
    assert (scores > 0.5).all()
    whole, *_, large = scores
    assert (whole > 0.8).all()
    # Without an indicator the large values are the mean.
    names = list(gaps.CONTENDERS)
    assert large[names.index("no indicator")] < large[names.index("skbackprop")]
    page = gaps.report([iris], scores.reshape(1, len(gaps.GAPS), 1, -1))
    assert page.count("| iris | ") == len(gaps.GAPS)


def test_what_gaps_cost_is_told_beside_the_trees():
    """Two sets and splits: the loss is of the means, the error that over the sets."""
    trees = gaps.TREES
    scores = np.full((2, len(gaps.GAPS), 2, len(gaps.CONTENDERS)), 0.9)
    scores[:, 1, :, trees] -= 0.1
    scores[0, 1, :, 0] -= 0.2
    scores[1, 1, :, 0] -= 0.4
    np.testing.assert_allclose(gaps.lost(scores)[:, 0, [0, trees]], [[0.2, 0.1], [0.4, 0.1]])
    row = gaps.summary(scores).splitlines()[2]
    assert row.startswith("| 10% at random | 0.3000 (+0.2000 ± 0.1000) | 0.0000 (-0.1000 ± 0.0000)")
    assert row.endswith("| 0.1000 |")
    assert "| 10% at random | 0.6000 | " in gaps.mean_scores(scores)


@pytest.fixture
def frames():
    pytest.importorskip("skrub")
    return import_module("frames")


@pytest.fixture
def customers():
    """Categories, a date, gaps, and the names of rows of a file of R."""
    pd = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    plan = rng.choice(["basic", "family"], 120)
    age = rng.uniform(18.0, 80.0, 120)
    leaves = np.where((plan == "basic") & (age < 50), "leaves", "stays")
    age[::9] = np.nan
    joined = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 700, 120), unit="D")
    return pd.DataFrame(
        {"rownames": range(120), "plan": plan, "age": age, "joined": joined, "leaves": leaves}
    )


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_frames_are_compared(frames, customers, task):
    X = customers.drop(columns=["rownames", "leaves"])
    y = customers["leaves"].to_numpy()
    if task == "regression":
        y = (y == "leaves") * 3.0 + np.arange(120) / 120
    frame = frames.Frame("customers", task, X, y)
    results = np.array(accuracy.alone(frames.compare, frame, 0))
    assert results.shape == (len(frames.CONTENDERS), 2)
    scores, n_warnings = results.T
    assert scores[0] > 0.5
    page = frames.report([frame], scores.reshape(1, 1, -1), n_warnings.astype(int))
    assert "| customers | 120 × 3 | " in page
    assert f"fit and score: {int(n_warnings[0])} of skbackprop, " in page


def test_a_frame_is_read_without_what_tells_the_target(frames, customers, monkeypatch):
    customers["since"] = customers["leaves"] == "leaves"
    customers.loc[0, "leaves"] = None
    customers.loc[1:9, "leaves"] = "rare"
    source = frames.Source("package/item", frames.CLASSES, "leaves", "since")
    monkeypatch.setitem(frames.SOURCES, "customers", source)
    monkeypatch.setattr(frames, "_read", lambda file: customers if "/" in file else None)
    frame = frames.load("customers", max_rows=2500)
    assert [*frame.X.columns] == ["plan", "age", "joined"]
    assert len(frame.X) == len(frame.y) == 110
    assert set(frame.y) == {"leaves", "stays"}
    assert len(frames.load("customers", max_rows=50).y) <= 50
    _, _, y_train, y_test = frame.split(0)
    assert len(y_test) == 28
    assert abs(np.mean(y_train == "leaves") - np.mean(y_test == "leaves")) < 0.02


def test_a_frame_is_read_without_rows_of_no_target(frames, customers, monkeypatch):
    monkeypatch.setitem(frames.SOURCES, "ages", frames.Source("a/b", frames.NUMBERS, "age"))
    monkeypatch.setattr(frames, "_read", lambda file: customers)
    frame = frames.load("ages", max_rows=2500)
    assert len(frame.y) == customers["age"].notna().sum() < 120
    assert np.isfinite(frame.y).all()


def test_frames_count_warnings_of_fit_and_score(frames, customers, monkeypatch):
    class Warner:
        def fit(self, X, y):
            warnings.warn("one", UserWarning, stacklevel=1)
            return self

        def score(self, X, y):
            warnings.warn("two", UserWarning, stacklevel=1)
            return -1.0

    monkeypatch.setattr(frames, "models", lambda task, seed: [Warner(), Warner()])
    frame = frames.Frame("customers", frames.NUMBERS, customers, np.arange(120.0))
    assert frames.compare(frame, 0) == [(0.0, 2), (0.0, 2)]


def test_frames_say_who_is_ahead(frames):
    scores = np.array([[[0.7, 0.7, 0.5, 0.8]], [[0.7, 0.7, 0.7, 0.8]]])
    rows = frames.summary(scores).splitlines()[2:]
    assert rows[2] == "| MLP | 0.6000 | +0.1000 ± 0.1000 |"
    assert rows[3] == "| HistGB | 0.8000 | -0.1000 ± 0.0000 |"


def test_the_space_of_the_searches_is_that_of_their_page():
    pytest.importorskip("optuna")
    pytest.importorskip("sklearn.callback")
    page = FOLDER.parent / "docs" / "howto" / "searching.rst"
    examples = doctest.DocTestParser().get_examples(page.read_text("utf-8"))
    (source,) = [example.source for example in examples if example.source.startswith("SPACE = ")]
    told = {}
    exec("from scipy.stats import loguniform\n" + source, told)
    measured = import_module("searches").SPACE
    assert list(told["SPACE"]) == list(measured)
    for name, values in measured.items():
        of_page = told["SPACE"][name]
        if isinstance(values, list):
            assert of_page == values, name
        else:
            assert (of_page.dist.name, of_page.args) == (values.dist.name, values.args), name


def test_searches_prune_and_fit_the_best(iris):
    pytest.importorskip("optuna")
    pytest.importorskip("sklearn.callback")
    searches = import_module("searches")
    network = accuracy.defaults("classification", 0, max_iter=12)
    search = searches.OptunaSearch(network)
    accuracy.alone(search.fit, iris.X, iris.y)
    assert search.score(iris.X, iris.y) > 0.9
    assert len(searches.searches("classification", 0)) == len(searches.SEARCHES)
    assert len(searches.averaged("regression", 0)) == len(searches.AVERAGED)


def test_the_time_to_a_score_is_that_of_the_shortest_fit_that_has_it():
    scores = np.array([[0.5, 0.799, 0.7, 0.9, 0.8, 0.0], [0.5, 0.6, 0.7, 0.7, 0.8, 0.9]])
    ratios = np.array([[0.2, 0.4, 0.8, 1.6, 1.0, 1.0]] * 2)
    times = time_to_score.time_to_score(scores, ratios)
    np.testing.assert_array_equal(times, [0.4, np.nan])
    assert "0.400 of the time" in time_to_score.summary(scores, ratios, times)
    assert "1 of 2 sets (50%)" in time_to_score.summary(scores, ratios, times)


def test_time_to_score_compares_on_a_set(iris):
    results = np.array(accuracy.alone(time_to_score.compare, iris, 0))
    assert results.shape == (len(time_to_score.MODELS), 2)


def test_accuracy_looks_for_faults(iris):
    fits = accuracy.alone(accuracy.fit_copies, iris, 0, 1)
    assert len(fits) == 4 * len(accuracy.ACTIVATIONS)
    assert not [fit for fit in fits if fit[-1]]


def test_accuracy_makes_images():
    X_train, X_test, y_train, y_test = accuracy.images(6, 2)
    assert (X_train.shape, X_test.shape) == ((6, 784), (2, 784))
    assert (y_train.shape, y_test.shape) == ((6,), (2,))
    assert X_train.dtype == np.float32


def test_synthetic_tasks_have_what_is_to_be_learnt():
    for name, (_, draw) in synthetic.TASKS.items():
        X, y, X_test, y_test = draw(0)
        assert len(X) == len(y) >= 1000, name
        assert len(X_test) == len(y_test) == synthetic.N_TEST, name
    ours, _, mlp, trees = synthetic.scores("friedman1, 10 columns", 1)[0]
    assert ours > 0.97
    assert min(mlp, trees) > 0.9


def test_golden_fits_are_many_and_tell_a_change():
    cases = dict(golden.cases())
    assert len(cases) >= 60
    case = cases["BackpropRegressor no hidden layer"]
    before = case()
    assert {"coefs_", "predict", "loss_curve_"} <= before.keys()
    assert case() == before
    X, y = golden.numbers()
    model = golden.BackpropRegressor(random_state=0, **golden.SETTINGS["no hidden layer"])
    changed = golden.results(model.fit(X, np.nextafter(y, np.inf)), X)
    assert changed.keys() == before.keys()
    assert changed["coefs_"] != before["coefs_"]


def test_the_cost_of_recording_is_a_ratio(monkeypatch, capsys):
    sizes = ["--runs", "1", "--steps", "20", "--epochs", "12"]
    monkeypatch.setattr(sys, "argv", ["recording.py", *sizes])
    recording.main()
    first, *others = capsys.readouterr().out.splitlines()
    assert first.startswith("record_fit, 20 steps: ")
    assert len(others) in (1, 4)
    monkeypatch.setattr(recording, "seconds", lambda run: float(run()))
    assert recording.ratio(lambda: 2.0, lambda: 6.0, 3) == (3.0, 2.0)
