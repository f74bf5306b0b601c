"""Feed-forward neural networks for scikit-learn, fitted by plain gradient descent."""

from skbackprop._estimators.classifier import BackpropClassifier
from skbackprop._estimators.hidden_activations import HiddenActivations
from skbackprop._estimators.persistence import VersionWarning
from skbackprop._estimators.regressor import BackpropRegressor
from skbackprop._estimators.reports import DivergenceWarning
from skbackprop._version import __version__ as __version__

__all__ = [
    "BackpropClassifier",
    "BackpropRegressor",
    "DivergenceWarning",
    "HiddenActivations",
    "VersionWarning",
]

# The name that files of models and pickles carry, wherever the module of a class stands.
for _public in (
    BackpropClassifier,
    BackpropRegressor,
    DivergenceWarning,
    HiddenActivations,
    VersionWarning,
):
    _public.__module__ = __name__
