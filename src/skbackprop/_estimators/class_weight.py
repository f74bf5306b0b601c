"""Weights of rows by their class."""

import math
import numbers
from typing import Any

import numpy as np

from skbackprop._core.problem import Target
from skbackprop._estimators.check_data import check_total_weight

_ACCEPTED = "None, 'balanced', a dict of class: weight or, for multilabel, a list of one a label"


def class_tables(
    class_weight: Any,
    classes: np.ndarray,
    codes: np.ndarray,
    sample_weight: np.ndarray | None,
    *,
    multilabel: bool,
) -> list[np.ndarray]:
    """For each label, the weights of its classes, in float64.

    `codes`, of shape (n_rows, n_labels), are places in `classes`. Only multilabel targets have
    more than one column, and a `class_weight` that is a list has one dict for each.
    """
    if isinstance(class_weight, str) and class_weight == "balanced":
        return [_balanced(column, len(classes), sample_weight) for column in codes.T]
    if multilabel and isinstance(class_weight, list):
        if len(class_weight) != codes.shape[1]:
            raise ValueError(
                f"class_weight must have one dict a label, {codes.shape[1]} in all; "
                f"got {len(class_weight)}."
            )
        return [_table(weights, classes, strict=True) for weights in class_weight]
    if isinstance(class_weight, dict) and not multilabel:
        return [_table(class_weight, classes)]
    kind = ValueError if isinstance(class_weight, str) else TypeError
    raise kind(f"class_weight must be {_ACCEPTED}; got {class_weight!r}.")


def weights_of_rows(
    target: Target,
    sample_weight: np.ndarray | None,
    dtype: np.dtype,
    reduction: str,
    name: str = "sample_weight",
) -> np.ndarray | None:
    """The given weights of the rows, times those of their classes, with a sum that is felt."""
    if target.class_weights is not None:
        tables, columns = target.class_weights, codes_of(target).T
        weights: np.ndarray = np.prod(
            [table[column] for table, column in zip(tables, columns, strict=True)], axis=0
        )
        sample_weight = weights if sample_weight is None else weights * sample_weight
        if not sample_weight.any():
            raise ValueError(
                f"class_weight and {name} must leave a weight that is not zero; got weights by "
                f"class of {[table.tolist() for table in tables]}."
            )
    check_total_weight(sample_weight, dtype, reduction, name)
    return sample_weight


def codes_of(target: Target) -> np.ndarray:
    """The codes of the labels, shape (n_rows, n_labels)."""
    codes: np.ndarray = target.values.reshape(len(target.values), -1).astype(np.intp)
    return codes


def _balanced(codes: np.ndarray, n_classes: int, sample_weight: np.ndarray | None) -> np.ndarray:
    """W / (n_classes · W_c); what a class without rows has does not matter."""
    weights = np.bincount(codes, sample_weight, minlength=n_classes).astype(np.float64)
    present = weights > 0.0
    weights[~present] = 1.0
    balanced: np.ndarray = weights[present].sum() / (np.count_nonzero(present) * weights)
    return balanced


def _table(class_weight: Any, classes: np.ndarray, *, strict: bool = False) -> np.ndarray:
    """Weights by class code.

    A dict of weights may have more classes than there are, as some folds of the data lack one. If
    it also lacks one of those there are, or if it is to be `strict`, it is taken for a slip.
    """
    if not isinstance(class_weight, dict):
        raise TypeError(f"class_weight must be {_ACCEPTED}; got {class_weight!r} in the list.")
    table = np.ones(len(classes))
    code_of = {label: code for code, label in enumerate(classes.tolist())}
    strangers = [label for label in class_weight if label not in code_of]
    if strangers and (strict or len(class_weight) - len(strangers) < len(classes)):
        raise ValueError(
            f"class_weight must have classes out of {classes.tolist()}; got {strangers[0]!r}."
        )
    for label, weight in class_weight.items():
        if not isinstance(weight, numbers.Real) or isinstance(weight, bool):
            raise TypeError(f"class_weight must have numbers as weights; got {weight!r}.")
        if not math.isfinite(weight) or weight < 0.0:
            raise ValueError(
                "class_weight must have finite weights of at least 0; "
                f"got {weight!r} for class {label!r}."
            )
        if label in code_of:
            table[code_of[label]] = weight
    return table
