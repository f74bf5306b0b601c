"""More rows than memory: a file, block by block.

The script learns a file of 16 MiB and one of 64 MiB. Through a memory map a file is read as it is
needed, and partial_fit takes one block of rows after the other. What it keeps of them are the
weights and the mean and deviation of each column. So the memory that the script allocates at most
is the same for both files, and the model has the same size after the first block as after the last.

The rows of a file are often sorted. Here they are not. If yours are, shuffle the order of the
blocks, take small ones, and go through the file more than once.
"""

import pickle
import tempfile
import tracemalloc
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from _pictures import BLUE, run

from skbackprop import BackpropRegressor

N_ROWS, N_COLUMNS, BLOCK = (2**17, 2**19), 16, 2**13


def target_of(X):
    """What is to be learnt: a wave and a product."""
    return np.sin(2.0 * X[:, 0]) + X[:, 1] * X[:, 2]


def write(path, n_rows):
    """Write the rows, block by block."""
    rng = np.random.default_rng(0)
    X = np.lib.format.open_memmap(path, mode="w+", dtype=float, shape=(n_rows, N_COLUMNS))
    for start in range(0, n_rows, BLOCK):
        X[start : start + BLOCK] = rng.normal(size=(BLOCK, N_COLUMNS))
    X.flush()


def fit(X):
    """Fit a network to the blocks; return it, and its R² on the last block after each."""
    model, scores = BackpropRegressor(30, batch_size=128, random_state=0), []
    X_test = X[-BLOCK:]
    y_test = target_of(X_test)
    for start in range(0, len(X) - BLOCK, BLOCK):
        rows = X[start : start + BLOCK]
        model.partial_fit(rows, target_of(rows))
        scores.append(model.score(X_test, y_test))
        if start == 0:
            print(f"model after the first block: {len(pickle.dumps(model)) / 1024:.0f} kB")
    print(f"model after the last block: {len(pickle.dumps(model)) / 1024:.0f} kB")
    return model, scores


def score_by_rows():
    """R² on rows that were not fitted, by the number of rows that were."""
    with tempfile.TemporaryDirectory() as folder:
        for n_rows in N_ROWS:
            path = Path(folder) / f"{n_rows}.npy"
            write(path, n_rows)
            # numpy reports the memory of its arrays to tracemalloc, which counts it exactly.
            tracemalloc.start()
            model, scores = fit(np.load(path, mmap_mode="r"))
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            print(
                f"file of {path.stat().st_size / 2**20:.0f} MiB: "
                f"{peak / 2**20:.1f} MiB allocated at most"
            )
    print(f"R²: {scores[-1]:.3f} after {model.n_iter_} blocks")

    figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
    axis.plot(BLOCK * np.arange(1, len(scores) + 1), scores, color=BLUE)
    axis.set(xlabel="rows", ylabel="R² on the last block", xscale="log")
    return figure


if __name__ == "__main__":
    run(__doc__, score_by_rows)
