r"""Symbols of units and weights, in the notation of textbooks.

Layers, units, inputs and outputs count from 1. Layer 1 is the first after the input.

- ``x_i`` is input i, ``y_k`` is target k and ``\hat y_k`` is prediction k.
- ``z^{[l]}_j`` is the weighted sum of unit j of layer l, ``a^{[l]}_j`` is its activation f(z), and
  ``\delta^{[l]}_j`` is the derivative of J by the weighted sum.
- ``w^{[l]}_{ij}`` leads from unit i of layer l − 1 to unit j of layer l. It is
  ``coefs[l - 1][i - 1, j - 1]``, and ``b^{[l]}_j`` is ``intercepts[l - 1][j - 1]``.

The functions return LaTeX. `math_as_text` and `math_as_html` translate it.
"""

import html
import re

from skbackprop._core.activations import ACTIVATIONS
from skbackprop._core.losses import LOSSES


def _of_unit(letter: str, layer: int, *units: int) -> str:
    separator = "," if max(units) > 9 else ""
    return rf"{letter}^{{[{layer}]}}_{{{separator.join(map(str, units))}}}"


def weighted_sum(layer: int, unit: int) -> str:
    return _of_unit("z", layer, unit)


def activation(layer: int, unit: int, n_layers: int) -> str:
    """The activation of a unit: of layer 0 an input, of the last layer a prediction."""
    if layer == 0:
        return rf"x_{{{unit}}}"
    if layer == n_layers:
        return rf"\hat y_{{{unit}}}"
    return _of_unit("a", layer, unit)


def target(unit: int) -> str:
    return rf"y_{{{unit}}}"


def coef(layer: int, before: int, unit: int) -> str:
    return _of_unit("w", layer, before, unit)


def intercept(layer: int, unit: int) -> str:
    return _of_unit("b", layer, unit)


def derivative(of: str, by: str) -> str:
    return rf"\frac{{\partial {of}}}{{\partial {by}}}"


def activation_derivative(name: str, z: str, a: str) -> str:
    """f'(z), written with a = f(z) as the core computes it."""
    return ACTIVATIONS[name].derivative_formula.replace("{a}", a).replace("{z}", z)


def bend(loss: str, unit: int | None) -> str:
    """The number at which the loss of an output bends: a threshold of "huber", a quantile."""
    letter = LOSSES[loss].bend
    return letter if unit is None else rf"{letter}_{{{unit}}}"


def loss_derivative(
    name: str,
    unit: int,
    *,
    y_pred: str,
    n_rows: int,
    mean: bool,
    weighted: bool,
    scaled: bool,
    several_of_one: bool,
) -> str:
    """The derivative of J by a prediction, or by its weighted sum where the loss has only that.

    ω is the weight of the row and τ the weight of the target. All outputs may share one target.
    """
    formula = LOSSES[name].derivative
    formula = formula.replace("{y_pred}", y_pred).replace("{bend}", bend(name, unit))
    formula = formula.replace("{y}", target(1 if several_of_one else unit))
    if weighted:
        formula = rf"\omega \cdot {formula}"
    if scaled:
        formula = rf"\tau_{{{unit}}} \cdot {formula}"
    return f"{formula}/{n_rows}" if mean and n_rows > 1 else formula


_TEXT = {
    r"\hat y": "ŷ",
    r"\delta": "δ",
    r"\Delta ": "Δ",
    r"\partial ": "∂",
    r"\eta": "η",
    r"\alpha": "α",
    r"\tau": "τ",
    r"\omega": "ω",
    r"\sum": "Σ",
    r"\leftarrow": "←",
    r"\to": "→",
    r"\cdot": "·",
    r"\dots": "…",
    "-": "−",
}
_SUBSCRIPTS = str.maketrans("0123456789ijkl", "₀₁₂₃₄₅₆₇₈₉ᵢⱼₖₗ")


def _without_commands(math: str) -> str:
    for command, character in _TEXT.items():
        math = math.replace(command, character)
    # Functions such as \max and \mathrm{sign} are their own names.
    return re.sub(r"\\(?:mathrm\{(\w+)\}|(\w+))", lambda match: match[1] or match[2], math)


def _flat_fractions(math: str) -> str:
    return re.sub(r"\\frac\{([^{}]*)\}\{([^{}]*)\}", r"\1/\2", math)


def math_as_text(math: str) -> str:
    """Translate LaTeX to Unicode: w^{[1]}_{21} becomes w[1]₂₁."""
    math = re.sub(r"_\{([^{}]*)\}", lambda match: match[1].translate(_SUBSCRIPTS), math)
    math = re.sub(r"\^\{([^{}]*)\}", r"\1", math).replace("^2", "²")
    return _without_commands(_flat_fractions(math))


def math_as_html(math: str) -> str:
    """Translate LaTeX to HTML: w^{[1]}_{21} becomes w<sup>[1]</sup><sub>21</sub>."""
    math = html.escape(math, quote=False)
    math = re.sub(r"_\{([^{}]*)\}", r"<sub>\1</sub>", math)
    math = re.sub(r"\^\{([^{}]*)\}", r"<sup>\1</sup>", math).replace("^2", "<sup>2</sup>")
    return _without_commands(_flat_fractions(math))
