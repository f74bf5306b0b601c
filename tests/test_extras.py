"""Extras: what `import skbackprop` leaves alone, and what is said where one is missing."""

import subprocess
import sys

import pytest

OPTIONAL = ("dask", "matplotlib", "onnx", "onnxruntime", "skl2onnx", "skops")


def python(source):
    return subprocess.run([sys.executable, "-c", source], capture_output=True, text=True)


def test_the_package_imports_no_extra():
    source = f"import sys, skbackprop; print([m for m in {OPTIONAL} if m in sys.modules])"
    result = python(source)
    assert result.stdout.strip() == "[]", result.stderr


@pytest.mark.parametrize(("module", "missing", "extra"), [("onnx", "skl2onnx", "onnx")])
def test_a_missing_extra_is_named(module, missing, extra):
    source = f"import sys; sys.modules[{missing!r}] = None; import skbackprop.{module}"
    last = python(source).stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError: ")
    assert f"pip install 'skbackprop[{extra}]'" in last
