"""Draws the mean score of each contender of the accuracy benchmark against its mean fit time.

As a script it saves it: ``python docs/_score_and_time.py docs/_static/score_and_time.png``.
"""

import csv
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

NAMES = {
    "softplus": "with softplus units",
    "unconditioned": "without conditioning",
    "MLP": "MLP (Adam, ReLU)",
    "MLP logistic": "MLP, logistic",
}
# The plot directive runs this in its folder, and without a name.
TABLE = Path(globals().get("__file__", ".")).resolve()
TABLE = (TABLE.parent if TABLE.is_file() else TABLE) / "benchmarks" / "accuracy.csv"


def means() -> dict[str, tuple[float, float]]:
    """Return seconds and score of each contender: means over sets of the means over splits.

    A score below 0, of an R², counts as 0, as in ``docs/benchmarks/accuracy.md``.
    """
    found: dict[str, dict[str, list[tuple[float, float]]]] = {}
    with TABLE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            of_model = found.setdefault(row["model"], {})
            pair = float(row["seconds"]), max(float(row["score"]), 0.0)
            of_model.setdefault(row["set"], []).append(pair)
    return {
        model: tuple(np.mean([np.mean(splits, axis=0) for splits in sets.values()], axis=0))
        for model, sets in found.items()
    }


def draw() -> plt.Figure:
    """Draw a point for each contender, skbackprop's own in another colour."""
    figure, axis = plt.subplots(figsize=(5.6, 4.4), layout="constrained")
    for model, (seconds, score) in means().items():
        ours = model == "skbackprop"
        color = "#0072B2" if ours else "0.35"
        axis.scatter(seconds, score, s=90 if ours else 45, color=color, zorder=2)
        axis.annotate(
            *(NAMES.get(model, model), (seconds, score)),
            xytext=(-7, 9) if ours else (8, 0),
            textcoords="offset points",
            va="baseline" if ours else "center",
            color=color,
            fontweight="bold" if ours else "normal",
        )
    axis.margins(x=0.15, y=0.12)
    axis.set_xlim(right=axis.get_xlim()[1] + 0.3 * np.ptp(axis.get_xlim()))
    axis.set(xlabel="mean time of a fit, seconds", ylabel="mean accuracy or R²")
    axis.set_title("Score against fit time: top left is best")
    axis.grid(alpha=0.3)
    axis.spines[["top", "right"]].set_visible(False)
    return figure


if __name__ == "__main__" and len(sys.argv) > 1 and sys.argv[1].endswith(".png"):
    draw().savefig(sys.argv[1], dpi=120)
else:
    draw()
