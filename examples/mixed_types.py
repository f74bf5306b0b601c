"""
Numbers, categories and gaps: a pipeline and a search
=====================================================

Flats to let: some columns are numbers of different size, some are words, and some entries are
missing. A ``ColumnTransformer`` fills the gaps and encodes the words as columns of 0 and 1. The
network comes after it. A scaler is not needed, because the network scales its inputs itself.

The grid search gets the whole pipeline. So nothing from a held-out fold leaks into the preparation
of the columns.

The data are made up. A good district raises the price of each square metre, and the rent falls
with the distance to the centre, steeply at first. A linear model on the same columns can represent
neither. The noise has a standard deviation of 40.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import RidgeCV
from sklearn.metrics import PredictionErrorDisplay, root_mean_squared_error
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from skbackprop import BackpropRegressor

BLUE = "#0072B2"

# %%
# The data
# --------

rng = np.random.default_rng(0)
n_rows = 600
X = pd.DataFrame(
    {
        "area": rng.uniform(20.0, 140.0, n_rows),
        "year": rng.integers(1900, 2025, n_rows).astype(float),
        "distance": rng.exponential(4.0, n_rows),
        "district": rng.choice(["north", "east", "south", "west"], n_rows),
        "heating": rng.choice(["gas", "district", "heat pump"], n_rows),
    }
)
per_square_metre = X["district"].map({"north": 8.0, "east": 9.0, "south": 14.0, "west": 11.0})
comfort = X["heating"].map({"gas": 0.0, "district": 30.0, "heat pump": 80.0})
centre = 500.0 * np.exp(-X["distance"] / 3.0)
rent = per_square_metre * X["area"] + comfort + centre + rng.normal(0.0, 40.0, n_rows)
X.loc[rng.random(n_rows) < 0.05, "year"] = np.nan
X_train, X_test, y_train, y_test = train_test_split(X, rent, random_state=0)

# %%
# The pipeline and the search
# ---------------------------

prepare = make_column_transformer(
    (SimpleImputer(strategy="median"), ["area", "year", "distance"]),
    (OneHotEncoder(handle_unknown="ignore"), ["district", "heating"]),
)
network = make_pipeline(prepare, BackpropRegressor(random_state=0))
grid = {
    "backpropregressor__hidden_layer_sizes": [5, 20],
    "backpropregressor__alpha": [1e-4, 1e-3, 1e-2],
}
search = GridSearchCV(network, grid, cv=3, n_jobs=2).fit(X_train, y_train)
ridge = make_pipeline(clone(prepare), RidgeCV(np.logspace(-3, 3, 7))).fit(X_train, y_train)
for name, value in search.best_params_.items():
    print(f"best {name.removeprefix('backpropregressor__')}: {value}")

# %%
# Predictions of the network and of ridge regression
# --------------------------------------------------

figure, axes = plt.subplots(1, 2, figsize=(9, 4.6), sharey=True, layout="constrained")
for axis, name, model in zip(axes, ("network", "ridge"), (search, ridge), strict=True):
    predicted = model.predict(X_test)
    error = root_mean_squared_error(y_test, predicted)
    print(f"root mean squared error, {name}: {error:.0f}")
    PredictionErrorDisplay(y_true=y_test, y_pred=predicted).plot(
        ax=axis, kind="actual_vs_predicted", scatter_kwargs={"color": BLUE, "s": 10}
    )
    ticks = range(500, 2500, 500)
    axis.set(title=f"{name}: typical error {error:.0f}", xticks=ticks, yticks=ticks)
    axis.set(xlabel="predicted rent", ylabel="rent")
    axis.label_outer()
plt.show()
