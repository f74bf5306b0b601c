"""One in twenty: weights for a rare class.

Of 4,000 rows about one in twenty is of class 1, in an arc at the edge of class 0. The
network that counts every row once is right in most cases by missing most of them. With
class_weight="balanced" all rows of class 1 weigh as much as all of class 0; with a dict the weight
is yours, for instance the ratio of what the two mistakes cost.

Weights move the probabilities, too: those of the balanced network are as if both classes were
equally frequent. To have probabilities as they are in the data, leave the weights out, and move the
threshold instead.
"""

import matplotlib.pyplot as plt
import numpy as np
from _pictures import BLUE, ORANGE, run
from sklearn.metrics import balanced_accuracy_score, precision_score, recall_score
from sklearn.model_selection import train_test_split

from skbackprop import BackpropClassifier

WEIGHTS = {"none": None, "1 to 5": {0: 1.0, 1: 5.0}, "balanced": "balanced"}


def rare_class(n_rows=4000):
    """Return rows of which class 1 is one in twenty, in an arc."""
    rng = np.random.default_rng(0)
    y = (rng.random(n_rows) < 0.05).astype(int)
    angle = rng.uniform(0.0, np.pi, n_rows)
    arc = np.column_stack([2.6 * np.cos(angle), 2.6 * np.sin(angle) - 0.5])
    arc += 0.3 * rng.normal(size=arc.shape)
    cloud = rng.normal(size=arc.shape)
    return np.where(y[:, np.newaxis] == 1, arc, cloud), y


def boundaries():
    """Where each network predicts class 1, shaded, and rows held out: triangles are of class 1."""
    X, X_test, y, y_test = train_test_split(*rare_class(), stratify=rare_class()[1], random_state=0)
    first, second = np.meshgrid(np.linspace(-4.5, 4.5, 150), np.linspace(-4.5, 4.5, 150))
    grid = np.column_stack([first.ravel(), second.ravel()])
    figure, axes = plt.subplots(1, 3, figsize=(10, 3.6), sharey=True, layout="constrained")
    print("class_weight  recall  precision  balanced accuracy")
    for axis, (name, class_weight) in zip(axes, WEIGHTS.items(), strict=True):
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
        title = f"class_weight {name}: finds {recall:.0%}"
        axis.set(title=title, xticks=[], yticks=[])
    return figure


if __name__ == "__main__":
    run(__doc__, boundaries)
