"""What every example does with its pictures: show them, or save them."""

import argparse
from pathlib import Path

import matplotlib.pyplot as plt

# The colours of the examples are for white paper.
plt.style.use("default")
BLUE, ORANGE, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"


def parser_of(description):
    """Return the parser of an example, with the argument that all of them have."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--save", metavar="FOLDER", type=Path, help="save the pictures in FOLDER")
    return parser


def show(figures, folder):
    """Show figures, given by name, or save them in a folder."""
    if folder is None:
        plt.show()
        return
    folder.mkdir(parents=True, exist_ok=True)
    for name, figure in figures.items():
        figure.savefig(folder / f"{name}.png", dpi=120)


def run(description, *parts):
    """Call the parts of an example in turn, and show the figures they return."""
    args = parser_of(description).parse_args()
    figures = {part.__name__: part() for part in parts}
    show({name: figure for name, figure in figures.items() if figure is not None}, args.save)
