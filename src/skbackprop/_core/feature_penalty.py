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

import numpy as np

from skbackprop._core.descent import Differentiable
from skbackprop._core.network import Network
from skbackprop._core.objective import ObjectiveOfRows, Penalty
from skbackprop._core.rows import Rows


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
        self.n_features, self._fan_out = network.shapes[0]
        self._size = self.n_features * self._fan_out

    def factors(self, params: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Views of V, (n_features, fan_out), and of s, (n_features, 1), or of their gradients."""
        V = params[: self._size].reshape(self.n_features, self._fan_out)
        return V, params[self.network.n_params :, np.newaxis]

    def append_ones(self, params: np.ndarray) -> np.ndarray:
        """The parameters of the network, and scales of 1."""
        return np.append(params, np.ones(self.n_features, dtype=params.dtype))

    def split(self, params: np.ndarray) -> np.ndarray:
        """The parameters of the network, their first coefficients split in balance.

        The scale of a column without coefficients is 1, so that it can have some again.
        """
        split = self.append_ones(params)
        V, s = self.factors(split)
        norms = np.linalg.norm(V.astype(np.float64), axis=1, keepdims=True)
        balanced = np.sqrt(norms / math.sqrt(self.penalty))
        s[...] = np.where(norms > 0.0, balanced, 1.0)
        V /= s
        return split

    def fold(self, params: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        """The parameters of the network, with the coefficients W = s ∘ V."""
        n_params = self.network.n_params
        if out is None:
            out = np.empty(n_params, dtype=params.dtype)
        V, s = self.factors(params)
        np.multiply(V, s, out=out[: self._size].reshape(V.shape))
        out[self._size :] = params[self._size : n_params]
        return out


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
        network, dtype = scales.network, objective.dtype
        n_params, n_features = network.n_params, scales.n_features
        self._largest = alpha * scales.penalty
        self._of_coefs = Penalty(slice(0, network.n_coefs), alpha, dtype)
        self._of_scales = Penalty(slice(n_params, n_params + n_features), 0.0, dtype)
        self._folded = np.empty(n_params, dtype=dtype)
        self._gradient = np.empty(0)

    def value(self, params: np.ndarray) -> float:
        """The loss on all rows and the penalty of V and of the other coefficients."""
        loss = self._objective.value(self._scales.fold(params, self._folded))
        return loss + self._of_coefs.value(params)

    def value_and_gradient(
        self, params: np.ndarray, rows: Rows, out: np.ndarray, scale: float = 1.0
    ) -> float:
        """As the objective; with G = ∂/∂W it is ∂/∂V = s ∘ G and ∂/∂s_j = Σ_k G_jk V_jk."""
        if out is not self._gradient:
            self._gradient, self._gradient_of_folded = out, out[: len(self._folded)]
        folded = self._scales.fold(params, self._folded)
        value = self._objective.value_and_gradient(folded, rows, self._gradient_of_folded, scale)
        V, s = self._scales.factors(params)
        G, gradient_of_s = self._scales.factors(out)
        np.einsum("jk,jk->j", G, V, out=gradient_of_s[:, 0])
        G *= s
        self._objective.add_penalty(self._of_scales, params, rows, out, scale)
        share = self._objective.add_penalty(self._of_coefs, params, rows, out, scale)
        return value + share * self._of_coefs.value(params)

    def set_explained(self, share: float) -> None:
        """Set the penalty of s by the share of the first loss that descent has explained."""
        self._of_scales.strength = self._largest * share

    def further_penalty(self, params: np.ndarray) -> float:
        """The penalty of s."""
        return self._of_scales.value(params)
