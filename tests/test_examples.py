"""The examples: each runs as it is, draws its pictures, and prints what can be known by hand."""

import ast
import math
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from test_architecture import CORE, SOURCES, code_lines

import skbackprop

EXAMPLES = Path(__file__).parents[1] / "examples"
SCRIPTS = sorted(path.stem for path in EXAMPLES.glob("[!_]*.py"))
# The number of figures of each.
PICTURES = {
    "conditioning": 2,
    "decision_boundaries": 3,
    "imbalanced": 1,
    "importances": 1,
    "intervals": 1,
    "matrices": 2,
    "mixed_types": 1,
    "one_one_one": 2,
    "out_of_core": 1,
    "quickstart": 0,
    "saving": 1,
    "six_cases": 2,
    "softplus_curve": 2,
    "three_two_one": 1,
    "two_weights": 2,
    "watch_a_fit": 1,
    "watch_gradients": 5,
}
ARGUMENTS = {"three_two_one": ["--draws", "5", "--iterations", "1000"]}
# Runs a script as python does, but saves its figures where it would show them.
RUN = """
import runpy, sys
import matplotlib.pyplot as plt

def save():
    for number in plt.get_fignums():
        plt.figure(number).savefig(f"{len(saved)}.png")
        saved.append(number)
    plt.close("all")

saved, plt.show = [], save
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")
assert not plt.get_fignums(), "a figure is not shown"
"""


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def number_after(words, printed):
    """The first number that follows the words."""
    return float(re.search(re.escape(words) + r"\s*([-+.\de]+\d)", printed).group(1))


def check_one_one_one(printed):
    x, y = np.array([-1.0, 0.0, 0.5, 2.0]), np.array([0.1, 0.2, 0.6, 0.9])
    a1 = sigmoid(0.8 * x + 0.1)
    a2 = sigmoid(1.2 * a1 - 0.3)
    gradient = np.sum(2 / 4 * (a2 - y) * a2 * (1 - a2) * 1.2 * a1 * (1 - a1) * x)
    assert number_after("∂J/∂w[1]₁₁ =", printed) == pytest.approx(gradient, rel=1e-5)
    first, last = re.search(r"from ([\d.]+) to ([\d.]+)", printed).groups()
    assert float(first) == pytest.approx(np.mean((a2 - y) ** 2), abs=1e-4)
    assert float(last) < 1e-4


def check_matrices(printed):
    assert printed.count("formula and trace agree to 1e-15: True") == 2
    # One of three, blindly.
    assert number_after("is found in", printed) > 95


def check_softplus_curve(printed):
    x, observed = np.array([0.0, 0.5, 1.0]), np.array([0.0, 1.0, 0.0])
    predicted = 0.36 * np.log1p(np.exp(2.74 * x)) + 0.63 * np.log1p(np.exp(-1.13 * x))
    gradient = np.sum(-2 * (observed - predicted) * 0.36 * sigmoid(2.74 * x) * x)
    assert number_after("∂J/∂w[1]₁₁ =", printed) == pytest.approx(gradient, rel=1e-5)
    ssr = {int(k): float(v) for k, v in re.findall(r"^ +(\d+)  ([\d.]+)$", printed, re.M)}
    assert ssr[0] == pytest.approx(np.sum((observed - predicted) ** 2), abs=1e-4)
    assert ssr[2] > 7
    assert ssr[412] < 0.01


def check_six_cases(printed):
    assert re.findall(r"paths to J: (\d)", printed) == ["1", "1", "1", "2", "2", "4"]
    # Case 6: the factors of each path stand in its row, which goes on below, then their product.
    # Last comes the row of the sum.
    *rows, _ = re.findall(r"^    0  (.*)$", printed, re.M)
    assert len(rows) == 8
    paths = [[float(number) for number in "".join(rows[k : k + 2]).split()] for k in (0, 2, 4, 6)]
    for *factors, product in paths:
        assert len(factors) == 7
        assert product == pytest.approx(math.prod(factors), rel=1e-3)
    total = sum(path[-1] for path in paths)
    # Half a unit of the last digit of the largest path, twice.
    assert number_after("∂J/∂w[1]₁₁ =", printed) == pytest.approx(total, abs=1e-6)


def check_three_two_one(printed):
    assert printed.count("0 of 5 draws predict 0.2 to three digits after 1000 steps") == 2
    # Of second order in the rate; a descent that is not the textbook's is off by 1e-4 or more.
    assert 1e-12 < number_after("hidden weights off by", printed) < 1e-6


def check_two_weights(printed):
    x, h = np.linspace(-2.0, 2.0, 5), 1e-4

    def loss(w1, w2):
        return np.mean((w2 * sigmoid(w1 * x) - 2.0 * sigmoid(1.5 * x)) ** 2) / 2

    # Second differences at the minimum, where the loss itself is 0.
    aa = (loss(1.5 + h, 2.0) + loss(1.5 - h, 2.0)) / h**2
    bb = (loss(1.5, 2.0 + h) + loss(1.5, 2.0 - h)) / h**2
    ab = (loss(1.5 + h, 2.0 + h) - loss(1.5 + h, 2.0 - h)) / (2 * h**2)
    largest = np.linalg.eigvalsh([[aa, ab], [ab, bb]])[-1]
    assert number_after("λ at the minimum:", printed) == pytest.approx(largest, abs=2e-4)
    assert number_after("η must be below", printed) == pytest.approx(2 / largest, abs=1e-2)
    ends = [number_after(f"η = {f} / λ: J after 100 steps is", printed) for f in (0.3, 1.9, 2.1)]
    assert ends[1] < 1e-9 < ends[0] < 1e-4 < 0.01 < ends[2]


def check_decision_boundaries(printed):
    # Without a hidden layer and with layers of identities, it is a straight line.
    straight = number_after("no hidden layer", printed)
    assert number_after("identity", printed) == pytest.approx(straight, abs=0.01)
    for bent in ("one", "two", "four", "sigmoid", "softplus", "relu", "alpha=0.0001"):
        assert number_after(f"  {bent} ", printed) > straight + 0.05
    assert number_after("alpha=0.01 ", printed) < straight + 0.02


def check_mixed_types(printed):
    network, ridge = (
        number_after(f"root mean squared error, {name}:", printed) for name in ("network", "ridge")
    )
    # The noise has a standard deviation of 40.
    assert 35 < network < 60 < 100 < ridge


def check_saving(printed):
    assert "predicts the same to the last bit: True" in printed
    assert "6 passes later it still does: True" in printed


def check_quickstart(printed):
    network, baseline = re.findall(r" (0\.\d{3})$", printed, re.M)
    assert float(network) > float(baseline) > 0.9
    assert "loaded back" in printed


def check_imbalanced(printed):
    rows = re.findall(r"^(none|1 to 5|balanced) +([\d.]+) +([\d.]+) +([\d.]+)$", printed, re.M)
    recalls, _, balanced = np.array([row[1:] for row in rows], dtype=float).T
    assert recalls[0] < 0.5 < 0.75 < recalls[1] <= recalls[2]
    assert balanced[0] + 0.15 < balanced[1] <= balanced[2] + 0.02


def check_importances(printed):
    assert number_after("R² on held-out rows:", printed) > 0.9
    rows = re.findall(r"^(\S+): first are (.*); noise up to ([\d.]+)$", printed, re.M)
    assert [name for name, *_ in rows][:2] == ["feature_importances_", "permutation"]
    assert {columns for _, columns, _ in rows} == {"x1, x2, x3, x4, x5"}
    assert max(float(share) for _, _, share in rows) < 0.8
    assert number_after("permutation: first are x1, x2, x3, x4, x5; noise up to", printed) < 0.1


def check_intervals(printed):
    assert 0.75 <= number_after("all:", printed) <= 0.85
    assert "crossings: 0\n" in printed
    assert all(70 <= float(share) <= 90 for share in re.findall(r"(\d+)% within", printed))
    quiet, noisy = map(float, re.findall(r"interval ([\d.]+) wide", printed))
    assert quiet < 0.6 * noisy


def check_watch_a_fit(printed):
    best, n_epochs = map(int, re.search(r"best after (\d+) of (\d+)", printed).groups())
    assert 1 < best < n_epochs == 200
    assert re.search(r"^ +200 ", printed, re.M)
    if "Callbacks come with" not in printed:
        scores = [float(score) for score in re.findall(r"accuracy ([\d.]+)", printed)]
        assert all(score < 0.9 for score in scores[:-1])
        assert scores[-1] >= 0.9
        assert f"status: stopped after {len(scores)} epochs" in printed


def check_out_of_core(printed):
    sizes = re.findall(r"block: (\d+) kB", printed)
    assert len(sizes) == 4
    assert len(set(sizes)) == 1
    files, peaks = zip(*re.findall(r"file of (\d+) MiB: ([\d.]+) MiB", printed), strict=True)
    assert files == ("16", "64")
    # Of a file four times as large no block more is held, which has 1 MiB.
    assert float(peaks[1]) < float(peaks[0]) + 1.0 < 16.0
    assert number_after("R²:", printed) > 0.8


CHECKS = {name.removeprefix("check_"): f for name, f in globals().items() if "check_" in name}


@pytest.mark.parametrize("script", SCRIPTS)
def test_example(script, tmp_path):
    command = [sys.executable, "-W", "error", "-c", RUN, str(EXAMPLES / f"{script}.py")]
    done = subprocess.run(
        [*command, *ARGUMENTS.get(script, [])],
        env=os.environ | {"MPLBACKEND": "Agg"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    pictures = [path.stat().st_size for path in tmp_path.iterdir() if path.suffix == ".png"]
    assert len(pictures) == len(list(tmp_path.iterdir())) == PICTURES[script]
    assert all(size > 10_000 for size in pictures)
    if script in CHECKS:
        CHECKS[script](done.stdout)
    else:
        assert done.stdout == ""


@pytest.mark.parametrize("script", SCRIPTS)
def test_example_is_in_the_gallery_and_stands_alone(script):
    gallery = EXAMPLES.parent / "docs" / "gallery.rst"
    assert f"   ../examples/{script}.py\n" in gallery.read_text(encoding="utf-8")
    tree = ast.parse((EXAMPLES / f"{script}.py").read_text(encoding="utf-8"))
    title, line = ast.get_docstring(tree).splitlines()[:2]
    assert line == "=" * len(title)
    froms = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not {name for name in froms if (EXAMPLES / f"{name}.py").exists()}


def code_of_front_pages():
    """The code of the README and of each tab of the landing page, from imports to a saved file."""
    root = EXAMPLES.parent
    readme = re.findall(
        r"```python\n(import .*?)```", (root / "README.md").read_text("utf-8"), re.S
    )
    landing = (root / "docs" / "index.rst").read_text("utf-8")
    tabs = re.findall(r"code-block:: python\n\n((?: {15}.*\n|\n)+)", landing)
    return [*readme, *map(textwrap.dedent, tabs)]


@pytest.mark.parametrize("code", code_of_front_pages(), ids=["readme", "numbers", "frame"])
def test_the_code_of_the_front_pages_runs(code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if "skrub" in code:
        pytest.importorskip("skrub")
        rng = np.random.default_rng(0)
        rows = [
            f"{plan},{age if rng.random() > 0.1 else ''},2024-0{month}-11,{plan == 'a' or age > 50}"
            for plan, age, month in zip(
                *(rng.choice(["a", "b"], 200), rng.integers(18, 80, 200), rng.integers(1, 9, 200)),
                strict=True,
            )
        ]
        Path("customers.csv").write_text("\n".join(["plan,age,joined,leaves", *rows]))
    exec(code, {})
    assert Path("model.joblib").stat().st_size > 10_000


@pytest.mark.parametrize("code", code_of_front_pages()[:2], ids=["readme", "numbers"])
def test_the_first_lines_need_no_extra(code, tmp_path):
    """They run after ``pip install .``, which does not install pandas."""
    without = """
import sys
class Without:
    def find_spec(self, name, path=None, target=None):
        if name == "pandas":
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Without())
"""
    run = [sys.executable, "-c", without + code]
    subprocess.run(run, cwd=tmp_path, check=True, stdout=subprocess.DEVNULL)


def code_of_watching():
    """The code of the page on watching a fit, each block with its own imports."""
    page = (EXAMPLES.parent / "docs" / "howto" / "watching.rst").read_text("utf-8")
    blocks = re.findall(r"code-block:: python\n\n((?: {4}.*\n|\n)+)", page)
    return list(map(textwrap.dedent, blocks))


@pytest.mark.parametrize("code", code_of_watching(), ids=["monitor", "good enough"])
def test_the_code_for_watching_runs(code, capsys):
    pytest.importorskip("sklearn.callback")
    pytest.importorskip("rich")
    names = {}
    exec(code, names)
    if "model" in names:
        assert names["model"].status_ == "stopped"
    else:
        assert len(names["monitor"].get_logs().data) > 100


def test_the_search_by_optuna_runs():
    optuna = pytest.importorskip("optuna")
    pytest.importorskip("sklearn.callback")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    page = (EXAMPLES.parent / "docs" / "howto" / "searching.rst").read_text("utf-8")
    (block,) = re.findall(r"code-block:: python\n\n((?: {4}.*\n|\n)+)", page)
    names = {}
    exec(textwrap.dedent(block), names)
    assert len(names["study"].trials) == 6
    assert names["study"].best_value > 0.8


def test_what_the_readme_links_to_is_there():
    root = EXAMPLES.parent
    links = re.findall(r"\]\(([^):]+)\)", (root / "README.md").read_text(encoding="utf-8"))
    assert [link for link in links if link.endswith(".png")]
    assert all((root / link).is_file() for link in links)


def test_the_version_and_its_date_are_the_same_everywhere():
    root = EXAMPLES.parent
    changes = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    citation = (root / "CITATION.cff").read_text(encoding="utf-8")
    unreleased, *released = re.findall(r"^## (.*)$", changes, re.M)
    assert unreleased == "[Unreleased]"
    date = re.search(r'^date-released: "(\d{4}-\d\d-\d\d)"$', citation, re.M).group(1)
    assert released[0] == f"[{skbackprop.__version__}] - {date}"
    assert f"\nversion: {skbackprop.__version__}\n" in citation


def test_the_readme_tells_the_size_of_the_core():
    readme = (EXAMPLES.parent / "README.md").read_text(encoding="utf-8")
    told = re.search(r"some\s+([\d,]+) lines of numpy", readme).group(1).replace(",", "")
    assert abs(int(told) - sum(code_lines(SOURCES[module]) for module in CORE)) <= 100
