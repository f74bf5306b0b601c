"""More rows than memory: a file, block by block.

The script writes a file of 64 MiB and then, on Linux, allows itself 16 MiB more than it has at
that point. All rows at once are refused. Through a memory map the file is read as it is needed, and
partial_fit takes one block of rows after the other: what it keeps of them are the weights and the
mean and deviation of each column. The size of the model is the same after the first block as after
the last.

Rows of a file are often sorted. Here they are not; if yours are, shuffle the order of the blocks,
take small ones, and go through the file more than once.
"""

import pickle
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from _pictures import BLUE, run

from skbackprop import BackpropRegressor

N_ROWS, N_COLUMNS, BLOCK = 2**19, 16, 2**13
ALLOWED = 16 * 2**20


def target_of(X):
    """What is to be learnt: a wave and a product."""
    return np.sin(2.0 * X[:, 0]) + X[:, 1] * X[:, 2]


def write(path):
    """Write the rows, block by block."""
    rng = np.random.default_rng(0)
    X = np.lib.format.open_memmap(path, mode="w+", dtype=float, shape=(N_ROWS, N_COLUMNS))
    for start in range(0, N_ROWS, BLOCK):
        X[start : start + BLOCK] = rng.normal(size=(BLOCK, N_COLUMNS))
    X.flush()


@contextmanager
def allowed_more(n_bytes):
    """Limit what the process may allocate to what it has and n_bytes more; only Linux can."""
    if not sys.platform.startswith("linux"):
        yield
        return
    import resource

    status = Path("/proc/self/status").read_text(encoding="utf-8")
    has = 1024 * int(status.split("VmData:")[1].split()[0])
    before = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (has + n_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)


def fit(X):
    """Fit a network to the blocks; return it, and its R² on the last block after each."""
    model, scores = BackpropRegressor(30, batch_size=128, random_state=0), []
    X_test = X[-BLOCK:]
    y_test = target_of(X_test)
    for start in range(0, N_ROWS - BLOCK, BLOCK):
        rows = X[start : start + BLOCK]
        model.partial_fit(rows, target_of(rows))
        scores.append(model.score(X_test, y_test))
        if start == 0:
            print(f"model after the first block: {len(pickle.dumps(model)) / 1024:.0f} kB")
    print(f"model after the last block: {len(pickle.dumps(model)) / 1024:.0f} kB")
    return model, scores


def score_by_rows():
    """R² on rows that were not fitted, by the number of rows that were."""
    # The first product and the first fit allocate what is needed once.
    BackpropRegressor(30, max_iter=1).fit(np.eye(50, N_COLUMNS), np.arange(50.0))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.npy"
        write(path)
        size = path.stat().st_size
        print(f"{size / ALLOWED:.1f} times the memory that is allowed")
        with allowed_more(ALLOWED):
            try:
                print(f"all at once: {np.load(path).nbytes / 1e6:.0f} MB read")
            except MemoryError:
                print("all at once: MemoryError")
            model, scores = fit(np.load(path, mmap_mode="r"))
    print(f"R²: {scores[-1]:.3f} after {model.n_iter_} blocks")

    figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
    axis.plot(BLOCK * np.arange(1, len(scores) + 1), scores, color=BLUE)
    axis.set(xlabel="rows", ylabel="R² on the last block", xscale="log")
    return figure


if __name__ == "__main__":
    run(__doc__, score_by_rows)
