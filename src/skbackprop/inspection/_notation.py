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


def symbol(letter: str, layer: int, *units: int) -> str:
    """The symbol of a number of a unit, or of the weight between two units."""
    separator = "," if max(units) > 9 else ""
    return rf"{letter}^{{[{layer}]}}_{{{separator.join(map(str, units))}}}"


def activation(layer: int, unit: int, n_layers: int) -> str:
    """The activation of a unit: of layer 0 an input, of the last layer a prediction."""
    if layer == 0:
        return rf"x_{{{unit}}}"
    if layer == n_layers:
        return rf"\hat y_{{{unit}}}"
    return symbol("a", layer, unit)


def derivative(of: str, by: str) -> str:
    return rf"\frac{{\partial {of}}}{{\partial {by}}}"


def activation_derivative(name: str, z: str, a: str) -> str:
    """f'(z), written with a = f(z) as the core computes it."""
    return ACTIVATIONS[name].derivative_formula.replace("{a}", a).replace("{z}", z)


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


def _plain(math: str) -> str:
    """Write fractions with a slash, and commands as the characters that they stand for."""
    math = re.sub(r"\\frac\{([^{}]*)\}\{([^{}]*)\}", r"\1/\2", math)
    for command, character in _TEXT.items():
        math = math.replace(command, character)
    # Functions such as \max and \mathrm{sign} are their own names.
    return re.sub(r"\\(?:mathrm\{(\w+)\}|([A-Za-z]+))", lambda match: match[1] or match[2], math)


def math_as_text(math: str) -> str:
    """Translate LaTeX to Unicode: w^{[1]}_{21} becomes w[1]₂₁."""
    math = re.sub(r"_\{([^{}]*)\}", lambda match: match[1].translate(_SUBSCRIPTS), math)
    math = re.sub(r"\^\{([^{}]*)\}", r"\1", math).replace("^2", "²")
    return _plain(math)


def math_as_html(math: str) -> str:
    """Translate LaTeX to HTML: w^{[1]}_{21} becomes w<sup>[1]</sup><sub>21</sub>."""
    math = html.escape(math, quote=False)
    math = re.sub(r"_\{([^{}]*)\}", r"<sub>\1</sub>", math)
    math = re.sub(r"\^\{([^{}]*)\}", r"<sup>\1</sup>", math).replace("^2", "<sup>2</sup>")
    return _plain(math)
