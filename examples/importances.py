"""
Which columns matter: three measures
====================================

In Friedman's first data set five of ten columns matter, and the other five are noise. Three
measures are compared:

- ``feature_importances_``: norms of the weights of the first layer. They cost nothing.
- Permutation importance: how much R² falls on held-out rows when a column is shuffled.
- SHAP: how far a column moves the predictions of single rows on average. It needs the package shap,
  and is left out if shap is not installed.

The norms of weights are never zero, also not for noise: they show what the network uses, and not
whether it helps. Permutation importance on held-out rows shows this.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_friedman1
from sklearn.inspection import permutation_importance
from sklearn.model_selection import train_test_split

from skbackprop import BackpropRegressor
from skbackprop.inspection import FeatureImportancesDisplay

# shap calls functions of matplotlib that are about to be deprecated.
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    try:
        import shap
    except ImportError:
        shap = None

X, y = make_friedman1(800, n_features=10, noise=1.0, random_state=0)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
model = BackpropRegressor(random_state=0).fit(X_train, y_train)
print(f"R² on held-out rows: {model.score(X_test, y_test):.2f}")

# %%
# The three measures
# ------------------

shuffled = permutation_importance(model, X_test, y_test, n_repeats=10, random_state=0)
measures = {
    "feature_importances_": model.feature_importances_,
    "permutation": shuffled.importances_mean,
}
if shap is not None:
    explainer = shap.PermutationExplainer(model.predict, X_train[:50], seed=0)
    measures["SHAP"] = np.abs(explainer(X_test[:50], max_evals=50, silent=True).values).mean(axis=0)
for name, importances in measures.items():
    first = sorted(np.argsort(importances)[-5:] + 1)
    share = importances[5:].max() / importances[:5].min()
    print(f"{name}: first are {', '.join(f'x{i}' for i in first)}; noise up to {share:.2f}")

# %%
# As pictures
# -----------
# The last number printed for each measure is the largest importance of a noise column, relative to
# the smallest of a column that matters.

figure, axes = plt.subplots(1, len(measures), figsize=(3.2 * len(measures), 4))
figure.set_layout_engine("constrained")
for axis, (name, importances) in zip(axes, measures.items(), strict=True):
    FeatureImportancesDisplay(importances=importances).plot(axis)
    axis.set_title(name)
plt.show()
