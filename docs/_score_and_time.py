"""Draws the mean score of fits of four lengths, and of peers, against their time over MLP's.

As a script it saves it: ``python docs/_score_and_time.py docs/_static/score_and_time.png``.
"""

import csv
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

NAMES = {"MLP": "MLP (Adam, ReLU)", "HistGB": "HistGradientBoosting"}
OURS = "skbackprop × "
# The plot directive runs this in its folder, and without a name.
TABLE = Path(globals().get("__file__", ".")).resolve()
TABLE = (TABLE.parent if TABLE.is_file() else TABLE) / "benchmarks" / "time_to_score.csv"


def means() -> dict[str, tuple[float, float]]:
    """Return for each model its time over MLP's, the geometric mean over sets, and its mean score.

    A score below 0, of an R², counts as 0, as in ``docs/benchmarks/time_to_score.md``.
    """
    found: dict[str, dict[str, list[tuple[float, float]]]] = {}
    with TABLE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            of_model = found.setdefault(row["model"], {})
            pair = float(row["seconds"]), max(float(row["score"]), 0.0)
            of_model.setdefault(row["set"], []).append(pair)
    arrays = {
        model: np.array([np.mean(splits, axis=0) for splits in sets.values()])
        for model, sets in found.items()
    }
    reference = arrays["MLP"][:, 0]
    return {
        model: (float(np.exp(np.log(seconds / reference).mean())), float(scores.mean()))
        for model, (seconds, scores) in ((model, array.T) for model, array in arrays.items())
    }


def draw() -> plt.Figure:
    """Draw a line through the lengths of skbackprop's fits, and a point for each peer."""
    figure, axis = plt.subplots(figsize=(5.6, 4.4), layout="constrained")
    points = means()
    ours = {model.removeprefix(OURS): points[model] for model in points if model.startswith(OURS)}
    axis.plot(*zip(*ours.values(), strict=True), "o-", color="#0072B2", markersize=8, zorder=2)
    for length, point in ours.items():
        axis.annotate(
            f"× {length}" if length != "1" else "skbackprop, defaults",
            point,
            xytext=(0, 9),
            textcoords="offset points",
            ha="center" if length != "1" else "right",
            color="#0072B2",
            fontweight="bold" if length == "1" else "normal",
        )
    for model, name in NAMES.items():
        axis.scatter(*points[model], s=45, color="0.35", zorder=2)
        axis.annotate(name, points[model], xytext=(0, -15), textcoords="offset points", ha="center")
    axis.set_xscale("log")
    axis.margins(x=0.25, y=0.15)
    ticks = [0.125, 0.25, 0.5, 1.0, 2.0]
    low, high = axis.get_xlim()
    axis.set_xticks(ticks, ["⅛", "¼", "½", "1", "2"])
    axis.minorticks_off()
    axis.set_xlim(low, high)
    axis.set(xlabel="time of a fit ÷ that of MLP, geometric mean", ylabel="mean accuracy or R²")
    axis.set_title("Score against fit time: top left is best")
    axis.grid(alpha=0.3)
    axis.spines[["top", "right"]].set_visible(False)
    return figure


if __name__ == "__main__" and len(sys.argv) > 1 and sys.argv[1].endswith(".png"):
    draw().savefig(sys.argv[1], dpi=120)
else:
    draw()
