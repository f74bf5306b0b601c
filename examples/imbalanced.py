"""
A rare class: class weights
===========================

About one row in twenty is of class 1, in an arc at the edge of class 0. A network that counts every
row once reaches a high accuracy although it misses most rows of class 1.

With ``class_weight="balanced"`` the rows of class 1 have the same total weight as those of class 0.
With a dict you choose the weights, for example by the costs of the two kinds of mistakes.

Weights change the probabilities, too. The probabilities of the balanced network are those of data
in which both classes are equally frequent. If you need the probabilities of your data, leave the
weights out and move the threshold instead.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import balanced_accuracy_score, precision_score, recall_score
from sklearn.model_selection import train_test_split

from skbackprop import BackpropClassifier

BLUE, ORANGE = "#0072B2", "#D55E00"

# %%
# The data
# --------

rng = np.random.default_rng(0)
n_rows = 4000
y = (rng.random(n_rows) < 0.05).astype(int)
angle = rng.uniform(0.0, np.pi, n_rows)
arc = np.column_stack([2.6 * np.cos(angle), 2.6 * np.sin(angle) - 0.5])
arc += 0.3 * rng.normal(size=arc.shape)
X = np.where(y[:, np.newaxis] == 1, arc, rng.normal(size=arc.shape))
X, X_test, y, y_test = train_test_split(X, y, stratify=y, random_state=0)

# %%
# Three networks
# --------------
# Each picture shows held-out rows, and shades the region in which the network predicts class 1.
# Triangles are rows of class 1.

first, second = np.meshgrid(np.linspace(-4.5, 4.5, 150), np.linspace(-4.5, 4.5, 150))
grid = np.column_stack([first.ravel(), second.ravel()])
figure, axes = plt.subplots(1, 3, figsize=(10, 3.6), sharey=True, layout="constrained")
weights = {"none": None, "1 to 5": {0: 1.0, 1: 5.0}, "balanced": "balanced"}
print("class_weight  recall  precision  balanced accuracy")
for axis, (name, class_weight) in zip(axes, weights.items(), strict=True):
    model = BackpropClassifier(20, class_weight=class_weight, random_state=0).fit(X, y)
    y_pred = model.predict(X_test)
    recall, precision = recall_score(y_test, y_pred), precision_score(y_test, y_pred)
    balanced = balanced_accuracy_score(y_test, y_pred)
    print(f"{name:12}  {recall:6.2f}  {precision:9.2f}  {balanced:17.2f}")
    for label, colour, marker, size in ((0, BLUE, "o", 3), (1, ORANGE, "^", 16)):
        axis.scatter(*X_test[y_test == label].T, s=size, color=colour, marker=marker)
    proba = model.predict_proba(grid)[:, 1].reshape(first.shape)
    axis.contour(first, second, proba, levels=[0.5], colors="black")
    axis.contourf(first, second, proba, levels=[0.5, 1.0], colors=[ORANGE], alpha=0.15)
    axis.set(title=f"class_weight {name}: finds {recall:.0%}", xticks=[], yticks=[])
plt.show()
