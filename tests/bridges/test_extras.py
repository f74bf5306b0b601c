"""Extras are optional: the package imports none of them, and says which one is missing."""

import subprocess
import sys

import pytest

OPTIONAL = ("dask", "distributed", "matplotlib", "onnx", "onnxruntime", "ray", "skl2onnx", "skops")


def python(source):
    return subprocess.run([sys.executable, "-c", source], capture_output=True, text=True)


def test_the_package_imports_no_extra():
    source = f"import sys, skbackprop; print([m for m in {OPTIONAL} if m in sys.modules])"
    result = python(source)
    assert result.stdout.strip() == "[]", result.stderr


# That of the displays, which need matplotlib, is told when they draw: see test_displays.
@pytest.mark.parametrize(
    ("module", "missing"),
    [("onnx", "skl2onnx"), ("onnx", "onnx"), ("dask", "dask"), ("dask", "distributed")],
)
def test_a_missing_extra_is_named(module, missing):
    """The extra has the name of the module."""
    source = f"import sys; sys.modules[{missing!r}] = None; import skbackprop.{module}"
    last = python(source).stderr.strip().splitlines()[-1]
    assert last.startswith(f"ImportError: skbackprop.{module} needs ")
    assert f"pip install 'skbackprop[{module}]'" in last
