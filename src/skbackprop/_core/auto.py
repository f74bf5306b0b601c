"""What "auto" means: each rule a function of plain numbers, its constants and reasons beside it."""

import math

import numpy as np

# A batch: a step on fewer rows costs nearly as much, and more rows take fewer steps an epoch. With
# more columns than have scales of their own, and with few entries a column, larger batches share
# the cost of the coefficients among more rows and predict as well.
BATCH_SIZE, BATCH_SIZE_OF_MANY_FEATURES = 32, 128
ENTRIES_A_COLUMN, MOST_OF_SPARSE_ROWS = 2, 256

# Epochs: so many at so many rows, fewer for more rows, and never beyond these bounds. More rows
# make more steps an epoch, and there are enough steps. With few rows more epochs make predictions
# of labels surer, not better.
EPOCHS, REFERENCE_ROWS = 60, 2000
EXPONENT, EXPONENT_OF_FEW_LABELS = 1 / 3, 1 / 6
FEWEST_EPOCHS, MOST_EPOCHS, FEWEST_STEPS = 20, 200, 200

# alpha: so much a feature and at most so much, over the weight of the data, but no less than a
# hundred rows; and at least so much a feature. Divided by four rows it would shrink a fit of the
# exclusive or to a constant. A weight decays by alpha whatever the slope of the loss.
# With few features that slope is small where the function bends (two half moons); with many, short
# weights are right (Neal, 1996).
ALPHA_A_FEATURE, MOST_ALPHA, LEAST_ALPHA_A_FEATURE = 0.03, 0.3, 2.5e-7
LEAST_WEIGHT = 100
LEAST_SHARE_SCALED = 0.1

# The penalty of the scales of the inputs: so much times the root of the number of features. The
# more features there are, the more of them have no say.
FEATURE_PENALTY_A_ROOT = 2.5

# Features that are few enough for each to count: with more, as of words in texts, single ones are
# rarely worth a penalty each or a sparse start.
MOST_SINGLE_FEATURES = 1000

# Rows from which on descent is in float32, and what it must hold, with room for products.
LEAST_ROWS_IN_FLOAT32, RANGE_IN_FLOAT32, LONGEST_IN_FLOAT32 = 300, (1e-15, 1e15), 100.0

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

# Columns that a unit starts with; the share of their bound that its coefficients are drawn with,
# as what is learnt from short ones is smoother; and that of its other coefficients.
FEWEST_COLUMNS_A_UNIT, SHARE_OF_BOUND, SHARE_OF_OTHERS = 4, 0.7, 0.2
# Coefficients of fewer columns than these are longer: units would else bend so gently that descent
# takes a wave in a column for a straight line.
COLUMNS_OF_LENGTH_ONE = 11

# Shares of the first loss by which a loss on batches may end above it, near a minimum.
MARGIN_IN_STREAM, MARGIN_GOING_ON = 1.0, 0.05


def batch_size(
    given: int | str, n_rows: int, n_features: int, columns_an_entry: float | None = None
) -> int:
    """Rows a batch: 32, or 128 of 2,000 rows or more with more than 1,000 columns.

    For sparse rows it is the power of two, from 32 to 256, at which a column has about two entries.
    `columns_an_entry` is the number of columns over the mean number of entries of a sparse row.
    """
    if given == "full":
        return n_rows
    if given != "auto":
        return min(int(given), n_rows)
    if columns_an_entry is None:
        many = n_features > MOST_SINGLE_FEATURES and n_rows >= REFERENCE_ROWS
        return min(BATCH_SIZE_OF_MANY_FEATURES if many else BATCH_SIZE, n_rows)
    rows = min(max(ENTRIES_A_COLUMN * columns_an_entry, BATCH_SIZE), MOST_OF_SPARSE_ROWS)
    return min(2 ** round(math.log2(rows)), n_rows)


def max_iter(given: int | str, n_rows: int, n_batches: int, *, of_labels: bool) -> int:
    """Epochs: 60 · (2,000 / rows)^⅓, but with ⅙ of fewer labels; or those of 200 steps.

    At least 20 and at most 200.
    """
    if given != "auto":
        return int(given)
    few_labels = of_labels and n_rows < REFERENCE_ROWS
    exponent = EXPONENT_OF_FEW_LABELS if few_labels else EXPONENT
    epochs = EPOCHS * (REFERENCE_ROWS / n_rows) ** exponent
    return round(min(MOST_EPOCHS, max(FEWEST_EPOCHS, epochs, FEWEST_STEPS / n_batches)))


def alpha(
    given: float | str, n_features: int, weight: float, reduction: str, *, scaled: bool
) -> float:
    """Penalty: 0.03 a feature, at most 0.3, over the weight or 100; at least 2.5e-7 a feature.

    The least is a tenth of that where inputs are `scaled`: the penalty of the scales adds to it.
    Under the reduction "sum" it is that times the weight, as the losses are.
    """
    if given != "auto":
        return float(given)
    strength = min(MOST_ALPHA, ALPHA_A_FEATURE * n_features) / max(weight, LEAST_WEIGHT)
    least = LEAST_ALPHA_A_FEATURE * n_features
    strength = max(strength, LEAST_SHARE_SCALED * least if scaled else least)
    return strength if reduction == "mean" else strength * weight


def feature_penalty(given: float | str, n_features: int, *, suits: bool) -> float:
    """Penalty of the scales of the inputs, in units of alpha: 2.5 √features; 0 for no scales.

    "auto" has none where they do not suit, and none for more than 1,000 features.
    """
    if given != "auto":
        return float(given)
    if not suits or n_features > MOST_SINGLE_FEATURES:
        return 0.0
    return FEATURE_PENALTY_A_ROOT * float(np.sqrt(n_features))


def columns_a_unit(n_features: int) -> int:
    """Columns that a unit of the first layer is connected to at the start: √features, at least 4.

    A unit so sees a bend of single columns, and of pairs, that a sum of many would hide.
    """
    return min(n_features, max(FEWEST_COLUMNS_A_UNIT, round(float(np.sqrt(n_features)))))


def length_of_few_columns(n_features: int) -> float:
    """Factor of the initial coefficients of the first layer: 12 / (features + 1), at least 1."""
    return max(1.0, (COLUMNS_OF_LENGTH_ONE + 1) / (n_features + 1))


def descends_in_float32(
    n_rows: int, batch_size: int, sizes: np.ndarray, longest_shift: float
) -> bool:
    """Whether a descent is in float32, which takes half to two thirds of the time of float64.

    In batches, and with 300 rows or more, their noise is larger than rounding. float32 must hold
    `sizes`, of what is shifted and scaled; and it loses the digits that a value and its shift have
    in common, so that no shift may be too long, in units of the scale of its column.
    """
    low, high = RANGE_IN_FLOAT32
    holds = bool(((low < sizes) & (sizes < high)).all()) and longest_shift <= LONGEST_IN_FLOAT32
    return holds and batch_size < n_rows >= LEAST_ROWS_IN_FLOAT32


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
