"""The docstrings of the two estimators: short, complete, and equal in what they share."""

import inspect
import re

import pytest

from skbackprop import BackpropClassifier, BackpropRegressor

ESTIMATORS = [BackpropClassifier, BackpropRegressor]
# Names that both have, but that mean something else in each.
DIFFERENT = {"loss"}


def described(Estimator, section):
    """The type and the lines of description of each name in a section of a class docstring."""
    text = inspect.getdoc(Estimator).partition(f"\n{section}\n{'-' * len(section)}\n")[2]
    text = re.split(r"\n\n\S", text)[0]
    entries = re.findall(r"^(\w+) : (.+)\n((?:(?: .*)?(?:\n|\Z))+)", text, flags=re.MULTILINE)
    return {name: (kind, lines.splitlines()) for name, kind, lines in entries}


@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_every_parameter_is_described_in_the_order_of_the_signature(Estimator):
    names = list(inspect.signature(Estimator).parameters)
    assert list(described(Estimator, "Parameters")) == names


@pytest.mark.parametrize("Estimator", ESTIMATORS)
@pytest.mark.parametrize(("section", "limit"), [("Parameters", 4), ("Attributes", 2)])
def test_descriptions_are_short(Estimator, section, limit):
    lengths = {name: len(lines) for name, (_, lines) in described(Estimator, section).items()}
    assert len(lengths) > 20
    assert {name: length for name, length in lengths.items() if not 0 < length <= limit} == {}


@pytest.mark.parametrize("section", ["Parameters", "Attributes"])
def test_what_both_have_is_described_alike(section):
    of_classifier, of_regressor = (described(Estimator, section) for Estimator in ESTIMATORS)
    shared = (of_classifier.keys() & of_regressor.keys()) - DIFFERENT
    assert len(shared) > 15
    assert {n: of_classifier[n] for n in shared} == {n: of_regressor[n] for n in shared}
