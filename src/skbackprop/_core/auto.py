"""What "auto" means: each rule a function of plain numbers, its constants and reasons beside it."""

import numpy as np

# A batch: a step on fewer rows costs nearly as much, and more rows take fewer steps an epoch.
BATCH_SIZE = 32

# Epochs: so many up to so many rows, fewer for more rows, and never less than the minimum.
MOST_EPOCHS, ROWS_OF_MOST_EPOCHS, FEWEST_EPOCHS = 200, 2000, 20

# alpha: so much a feature and at most so much, over the weight of the data; and at least so much
# a feature. A weight decays by alpha whatever the slope of the loss. With few features that slope
# is small where the function bends (two half moons); with many, short weights are right (Neal,
# 1996).
ALPHA_A_FEATURE, MOST_ALPHA, LEAST_ALPHA_A_FEATURE = 0.03, 0.3, 2.5e-7

# The step size times the largest curvature. At 1 the steepest direction reaches its minimum in one
# step, at 2 it no longer converges.
STEP_TIMES_CURVATURE = 1.5
# A stream has no end towards which the step could decay: the mean of a linear decay.
SHARE_IN_STREAM = 0.5
# The step of a stream is looked for again when a scale has grown or shrunk by this factor.
RATIO_OF_SCALES = 2.0

# A network starts from a prediction this far inside the bounds of the output activation: a share
# of the deviation of y, or of the distance between the bounds if that is less.
SHARE_FROM_BOUNDS = 0.01

# Shares of the first loss by which a loss on batches may end above it, near a minimum.
MARGIN_IN_STREAM, MARGIN_GOING_ON = 1.0, 0.05


def batch_size(given: int | str, n_rows: int) -> int:
    """Rows a batch: 32, so that 32 rows or fewer are one full batch."""
    if given == "full":
        return n_rows
    return min(BATCH_SIZE if given == "auto" else int(given), n_rows)


def max_iter(given: int | str, n_rows: int) -> int:
    """Epochs: 200, for more than 2,000 rows 200 · (2,000 / rows)^⅔, and at least 20."""
    if given != "auto":
        return int(given)
    share = min(1.0, ROWS_OF_MOST_EPOCHS / n_rows) ** (2.0 / 3.0)
    return max(FEWEST_EPOCHS, round(MOST_EPOCHS * share))


def alpha(given: float | str, n_features: int, weight: float, reduction: str) -> float:
    """Penalty: 0.03 a feature, at most 0.3, over the weight; at least 2.5e-7 a feature.

    Under the reduction "sum" it is that times the weight, as the losses are.
    """
    if given != "auto":
        return float(given)
    strength = min(MOST_ALPHA, ALPHA_A_FEATURE * n_features) / weight
    strength = max(strength, LEAST_ALPHA_A_FEATURE * n_features)
    return strength if reduction == "mean" else strength * weight


def step_size(curvature: float, *, in_stream: bool) -> float:
    """Step: 1.5 over the largest curvature, in a stream half of it; 1 on a flat objective."""
    step = STEP_TIMES_CURVATURE / curvature if 0.0 < curvature < np.inf else 1.0
    return SHARE_IN_STREAM * step if in_stream else step


def scales_have_moved(scale: np.ndarray, before: np.ndarray | None) -> bool:
    """Whether the step of a stream is to be looked for again: a scale has doubled or halved."""
    if before is None:
        return True
    ratio = scale / before
    return not bool(((ratio < RATIO_OF_SCALES) & (ratio > 1.0 / RATIO_OF_SCALES)).all())


def distance_from_bounds(width: float, deviation: np.ndarray) -> np.ndarray:
    """How far inside its bounds an output starts."""
    distance: np.ndarray = SHARE_FROM_BOUNDS * np.minimum(width, deviation)
    return distance


def patience(n_iter_no_change: int, schedule: str, n_epochs: int) -> int:
    """Epochs without a better validation score: under "linear" at least a quarter of all.

    Steps that become shorter may improve a score that long ones cannot.
    """
    return max(n_iter_no_change, n_epochs // 4) if schedule == "linear" else n_iter_no_change


def margin(*, goes_on: bool, partial: bool) -> float:
    """Share of the first loss by which a fit may end above where it began.

    A fit that goes on begins near a minimum, where batches move the loss up and down.
    """
    if partial:
        return MARGIN_IN_STREAM
    return MARGIN_GOING_ON if goes_on else 0.0
