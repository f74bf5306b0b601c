"""
Quickstart: read handwritten digits
===================================

Fit a network, compare it with a baseline, save it, load it and use it.

The data are scikit-learn's digits: 1,797 images of 8 × 8 pixels. A quarter of them is held out.
The baseline is logistic regression on scaled pixels. The network needs no scaler.
"""

import tempfile
from pathlib import Path

import joblib
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbackprop import BackpropClassifier

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.25, random_state=0)

# %%
# Fit
# ---
# ``verbose=1`` prints the loss of some epochs.

model = BackpropClassifier(random_state=0, verbose=1).fit(X_train, y_train)
baseline = make_pipeline(StandardScaler(), LogisticRegression()).fit(X_train, y_train)

# %%
# Compare
# -------

print(f"\nAccuracy on {len(y_test)} held-out images")
print(f"  network of 128 and 64 sigmoid units  {model.score(X_test, y_test):.3f}")
print(f"  logistic regression                  {baseline.score(X_test, y_test):.3f}")

# %%
# Save, load and predict
# ----------------------

with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "digits.joblib"
    joblib.dump(model, path, compress=True)
    loaded = joblib.load(path)
    print(f"\nSaved to {path.name} ({path.stat().st_size / 1024:.0f} kB) and loaded back")
print("  predicted", *loaded.predict(X_test[:10]))
print("  true     ", *y_test[:10])
