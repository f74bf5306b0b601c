"""Hidden activations as features, for pipelines."""

from typing import Any, Self

import numpy as np
from sklearn import get_config
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    MetaEstimatorMixin,
    TransformerMixin,
    clone,
)
from sklearn.frozen import FrozenEstimator
from sklearn.utils import Tags
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
from sklearn.utils.validation import check_is_fitted

from skbackprop._estimators.callbacks import CallbackSupportMixin, handing_down, with_callbacks
from skbackprop._estimators.check_parameters import check_hidden_layer_sizes, check_layer
from skbackprop._estimators.reports import DescribedHtmlMixin


class HiddenActivations(
    ClassNamePrefixFeaturesOutMixin,
    CallbackSupportMixin,
    TransformerMixin,
    MetaEstimatorMixin,
    DescribedHtmlMixin,
    BaseEstimator,
):
    """Transformer that returns the activations of a hidden layer of a network.

    Parameters
    ----------
    estimator : BackpropClassifier, BackpropRegressor or FrozenEstimator
        The network. `fit` fits a clone of it. A `sklearn.frozen.FrozenEstimator` of a fitted
        network is used as it is. See :ref:`hidden_features`.
    layer : int, default=-1
        Number of the hidden layer from 0, or from the last if negative. You can change it after
        `fit`.

    Attributes
    ----------
    estimator_ : estimator
        The fitted network.
    n_features_in_ : int
        Number of features seen during fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features. Exists if all column names of `X` are strings.

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

    @property
    def n_features_in_(self) -> int:
        """Number of features seen during fit."""
        return int(self.estimator_.n_features_in_)

    @property
    def feature_names_in_(self) -> np.ndarray:
        """Names of the features; only where `X` had names that are all strings."""
        names: np.ndarray = self.estimator_.feature_names_in_
        return names

    @property
    def _n_features_out(self) -> int:
        coefs = self.estimator_.coefs_
        return int(coefs[check_layer(self.layer, len(coefs) - 1)].shape[1])

    @with_callbacks
    def fit(self, X: Any, y: Any = None, **fit_params: Any) -> Self:
        """Fit a clone of the network.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Inputs.
        y : array-like, default=None
            Targets, as the network takes them. A frozen network needs none.
        **fit_params : dict
            Passed on to `fit` of the network. With metadata routing, only what it requests.

        Returns
        -------
        self : HiddenActivations
            The fitted transformer.

        Raises
        ------
        TypeError, ValueError
            If `estimator` or `layer` is not accepted, or the network refuses the data.
        """
        if isinstance(self.estimator, type) or not hasattr(self.estimator, "hidden_activations"):
            raise TypeError(
                "estimator must be a BackpropClassifier, a BackpropRegressor or a FrozenEstimator "
                f"of one; got {self.estimator!r}."
            )
        if get_config()["enable_metadata_routing"]:
            fit_params = process_routing(self, "fit", **fit_params).estimator.fit
        check_layer(self.layer, _n_hidden_layers(self.estimator))
        estimator = clone(self.estimator)
        with handing_down(self, estimator, X, y):
            estimator.fit(X, y, **fit_params)
            self.estimator_ = estimator
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

        Raises
        ------
        ValueError
            If `X` is not numeric, has other columns than in `fit`, or a result overflows.
        """
        check_is_fitted(self)
        activations: np.ndarray = self.estimator_.hidden_activations(X, self.layer)
        return activations

    def get_metadata_routing(self) -> MetadataRouter:
        """Return the routing of metadata to the network.

        Returns
        -------
        routing : MetadataRouter
            From ``fit`` and ``fit_transform`` to the network's ``fit``.
        """
        mapping = MethodMapping().add(caller="fit", callee="fit")
        mapping.add(caller="fit_transform", callee="fit")
        return MetadataRouter(owner=self).add(estimator=self.estimator, method_mapping=mapping)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = not isinstance(self.estimator, FrozenEstimator)
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _n_hidden_layers(network: Any) -> int:
    """How many it has or, unless it is frozen, how many a fit will give it."""
    if isinstance(network, FrozenEstimator):
        check_is_fitted(network)
        return len(network.coefs_) - 1
    return len(check_hidden_layer_sizes(network.hidden_layer_sizes, network.n_hidden_layers))
