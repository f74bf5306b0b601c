"""Feed-forward neural networks for scikit-learn, fitted by plain gradient descent."""

from skbackprop._classifier import BackpropClassifier
from skbackprop._hidden import HiddenActivations
from skbackprop._persistence import VersionWarning
from skbackprop._regressor import BackpropRegressor
from skbackprop._reports import DivergenceWarning
from skbackprop._version import __version__ as __version__

__all__ = [
    "BackpropClassifier",
    "BackpropRegressor",
    "DivergenceWarning",
    "HiddenActivations",
    "VersionWarning",
]
