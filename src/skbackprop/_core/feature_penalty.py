"""One scale a column in front of the first layer, by whose penalty columns without a say fade.

The first layer computes z = (x̃ ∘ s) V + b of conditioned inputs x̃: its coefficients are the product
W = s ∘ V, row by row, and descent moves both factors. Once fitted, W is all that is kept.

With the penalty ½ α (Σ V² + q Σ s²) the product of least penalty has ‖V_j‖ = √q s_j, at which the
penalty is α √q Σ_j ‖W_j‖, a group lasso of the columns (Yuan and Lin, 2006; Hoff, 2017). A column
of little use fades out as a whole, where the L2 penalty would only shorten its coefficients.

The penalty of the scales grows in with the part of the first loss that is explained. What has no
slope at the start, such as x² around its mean, would otherwise fade before it is learnt.
"""

import math
from typing import NamedTuple

import numpy as np

from skbackprop._core.descent import Differentiable
from skbackprop._core.network import Network
from skbackprop._core.objective import ObjectiveOfRows, half_square
from skbackprop._core.rows import Rows


class Parts(NamedTuple):
    """Views of the parameters, or of their gradient."""

    flat: np.ndarray
    of_network: np.ndarray
    coefs: np.ndarray
    """V and the coefficients of the other layers."""
    others: np.ndarray
    """What the network has besides V."""
    V: np.ndarray  # (n_features, fan_out)
    s: np.ndarray  # (n_features, 1)


class FeatureScales:
    """The parameters of a network and, after them, the scales of its inputs.

    Parameters
    ----------
    network : Network
        The network.
    penalty : float
        q, the penalty of the squares of the scales in units of alpha.
    """

    def __init__(self, network: Network, penalty: float) -> None:
        self.network = network
        self.penalty = penalty
        self.n_features, self.fan_out = network.shapes[0]

    def parts(self, params: np.ndarray) -> Parts:
        """Views of the parameters; those of the network alone have no scales."""
        size, n_params = self.n_features * self.fan_out, self.network.n_params
        return Parts(
            params,
            params[:n_params],
            params[: self.network.n_coefs],
            params[size:n_params],
            params[:size].reshape(self.n_features, self.fan_out),
            params[n_params:, np.newaxis],
        )

    def append_ones(self, params: np.ndarray) -> np.ndarray:
        """The parameters of the network, and scales of 1."""
        return np.append(params, np.ones(self.n_features, dtype=params.dtype))

    def split(self, params: np.ndarray) -> np.ndarray:
        """The parameters of the network, their first coefficients split in balance.

        The scale of a column without coefficients is 1, so that it can have some again.
        """
        split = self.append_ones(params)
        *_, V, s = self.parts(split)
        norms = np.linalg.norm(V.astype(np.float64), axis=1, keepdims=True)
        balanced = np.sqrt(norms / math.sqrt(self.penalty))
        s[...] = np.where(norms > 0.0, balanced, 1.0)
        V /= s
        return split

    def fold(self, params: np.ndarray) -> np.ndarray:
        """The parameters of the network, with the coefficients W = s ∘ V."""
        folded = np.empty(self.network.n_params, dtype=params.dtype)
        _fold(self.parts(params), self.parts(folded))
        return folded


def _fold(params: Parts, out: Parts) -> None:
    """Fill `out` with W = s ∘ V and the other parameters of the network."""
    np.multiply(params.V, params.s, out=out.V)
    np.copyto(out.others, params.others)


class ScaledObjective(Differentiable):
    """An objective as a function of V and s instead of W.

    Its values have the penalty of V, as those of the objective have that of W. The penalty of s is
    a further one.

    Parameters
    ----------
    objective : ObjectiveOfRows
        The loss of the network, without a penalty.
    scales : FeatureScales
        The scales of its inputs.
    alpha : float
        Strength of the L2 penalty of coefficients.
    """

    def __init__(self, objective: ObjectiveOfRows, scales: FeatureScales, alpha: float) -> None:
        self._objective = objective
        self._scales = scales
        self.inputs, self.batch_size = objective.inputs, objective.batch_size
        self.sample_weight = objective.sample_weight
        self._alpha, self._largest, self._strength = alpha, alpha * scales.penalty, 0.0
        n_params, dtype = scales.network.n_params, objective.dtype
        self._folded = scales.parts(np.empty(n_params, dtype=dtype))
        # Those of the intercepts, which have no penalty, stay 0.
        self._terms = scales.parts(np.zeros(n_params + scales.n_features, dtype=dtype))
        self._ones = np.ones((scales.fan_out, 1), dtype=dtype)
        self._at = self._gradient = self._terms

    def value(self, params: np.ndarray) -> float:
        """The loss on all rows and the penalty of V and of the other coefficients."""
        at = self._scales.parts(params)
        _fold(at, self._folded)
        return self._objective.value(self._folded.flat) + half_square(at.coefs, self._alpha)

    def value_and_gradient(
        self, params: np.ndarray, rows: Rows, out: np.ndarray, scale: float = 1.0
    ) -> float:
        """As the objective; with G = ∂/∂W it is ∂/∂V = s ∘ G and ∂/∂s_j = Σ_k G_jk V_jk."""
        if params is not self._at.flat:
            self._at = self._scales.parts(params)
        if out is not self._gradient.flat:
            self._gradient = self._scales.parts(out)
        at, gradient, terms = self._at, self._gradient, self._terms
        _fold(at, self._folded)
        G = gradient.V
        value = self._objective.value_and_gradient(
            self._folded.flat, rows, gradient.of_network, scale
        )
        np.multiply(G, at.V, out=terms.V)
        terms.V.dot(self._ones, out=gradient.s)
        G *= at.s
        share, factor = self._objective.share_and_factor(rows, scale)
        np.multiply(at.coefs, factor * self._alpha, out=terms.coefs)
        np.multiply(at.s, factor * self._strength, out=terms.s)
        out += terms.flat
        return value + share * half_square(at.coefs, self._alpha)

    def set_explained(self, share: float) -> None:
        """Set the penalty of s by the share of the first loss that descent has explained."""
        self._strength = self._largest * share

    def further_penalty(self, params: np.ndarray) -> float:
        """The penalty of s."""
        return half_square(self._scales.parts(params).s[:, 0], self._strength)
