"""Feed-forward neural networks for scikit-learn, fitted by plain gradient descent."""

from skbackprop._classifier import BackpropClassifier
from skbackprop._regressor import BackpropRegressor
from skbackprop._reports import DivergenceWarning

__all__ = ["BackpropClassifier", "BackpropRegressor", "DivergenceWarning"]
__version__ = "0.1.0"
