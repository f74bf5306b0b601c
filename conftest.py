"""Modules and pages whose examples need an extra are collected where it is installed."""

from importlib.util import find_spec

NEEDS = {
    "src/skbackprop/dask": "distributed",
    "src/skbackprop/onnx.py": "onnxruntime",
    "docs/howto/frames.rst": "skrub",
    "docs/howto/onnx.rst": "onnxruntime",
    "docs/howto/saving.rst": "skops",
}
collect_ignore = [path for path, package in NEEDS.items() if find_spec(package) is None]
