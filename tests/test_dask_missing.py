"""Without dask, `import skbackprop` is as it was, and `import skbackprop.dask` says what to do."""

import subprocess
import sys

import pytest


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_import_skbackprop_leaves_dask_alone():
    code = "import sys, skbackprop; assert not {'dask', 'distributed'} & set(sys.modules)"
    done = run(code)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("missing", ["dask", "distributed"])
def test_a_missing_extra_is_named(missing):
    done = run(f"import sys; sys.modules[{missing!r}] = None; import skbackprop.dask")
    assert done.returncode == 1
    message = done.stderr.strip().splitlines()[-1]
    assert message.startswith("ImportError: skbackprop.dask needs dask and distributed")
    assert "skbackprop[dask]" in message
