"""Hidden activations as features, for pipelines."""

from typing import Any, Self

import numpy as np
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    MetaEstimatorMixin,
    TransformerMixin,
    clone,
)
from sklearn.utils import Tags, get_tags
from sklearn.utils.validation import check_is_fitted

from skbackprop._parameters import check_layer


class HiddenActivations(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, MetaEstimatorMixin, BaseEstimator
):
    """A transformer whose features are the activations of a network's hidden layer.

    Parameters
    ----------
    estimator : BackpropClassifier, BackpropRegressor or FrozenEstimator
        The network; a clone of it is fitted. To use one that is fitted already, wrap it in
        `sklearn.frozen.FrozenEstimator`.
    layer : int, default=-1
        Number of the hidden layer from 0; negative ones count from the last.

    Attributes
    ----------
    estimator_ : estimator
        The fitted network.
    n_features_in_ : int
        Number of features seen during fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where `X` has names that are all strings.

    See Also
    --------
    BackpropClassifier.hidden_activations : The same from the network itself.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from sklearn.pipeline import make_pipeline
    >>> from skbackprop import BackpropClassifier, HiddenActivations
    >>> X, y = load_iris(return_X_y=True)
    >>> network = BackpropClassifier(8, random_state=0)
    >>> model = make_pipeline(HiddenActivations(network), KNeighborsClassifier()).fit(X, y)
    >>> model[:-1].transform(X).shape
    (150, 8)
    """

    def __init__(self, estimator: Any, *, layer: int = -1) -> None:
        self.estimator = estimator
        self.layer = layer

    def fit(self, X: Any, y: Any, **fit_params: Any) -> Self:
        """Fit a clone of the network.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Inputs.
        y : array-like
            Targets, as the network takes them.
        **fit_params : dict
            Handed on to the network's `fit`.

        Returns
        -------
        self : HiddenActivations
            The fitted transformer.
        """
        self.estimator_ = clone(self.estimator).fit(X, y, **fit_params)
        self.n_features_in_ = self.estimator_.n_features_in_
        if hasattr(self.estimator_, "feature_names_in_"):
            self.feature_names_in_ = self.estimator_.feature_names_in_
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_
        coefs = self.estimator_.coefs_
        self._n_features_out = coefs[check_layer(self.layer, len(coefs) - 1)].shape[1]
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Return the activations of the hidden layer.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Inputs.

        Returns
        -------
        activations : ndarray of shape (n_samples, n_units)
            Activations of the units of the layer.
        """
        check_is_fitted(self)
        activations: np.ndarray = self.estimator_.hidden_activations(X, self.layer)
        return activations

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.input_tags = get_tags(self.estimator).input_tags
        return tags
