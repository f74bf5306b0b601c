"""Where a warning points: the line outside of the package that called it."""

import sys

# Modules that call in turn: scikit-learn wraps a method that has callbacks, numpy (before 2 by
# contextlib) a function with an errstate.
_INSIDE = ("skbackprop.", "sklearn.callback.", "numpy.", "contextlib")


def level_of_caller() -> int:
    """How far up the stack, for the function that asks, is the line that called `fit`."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back and frame.f_globals.get("__name__", "").startswith(_INSIDE):
        level, frame = level + 1, frame.f_back
    return level
