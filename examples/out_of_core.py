"""
More rows than memory: a file, block by block
=============================================

This script learns a file of 16 MiB and one of 64 MiB. ``numpy.load`` with ``mmap_mode="r"`` reads
only the parts of a file that are asked for, and ``partial_fit`` takes one block of rows after the
other. The model keeps its weights, and the mean and deviation of each column. So the script
allocates the same memory for both files, and the model does not grow from block to block.

The rows of a file are often sorted. Here they are not. If yours are, take small blocks in random
order, and go through the file more than once.
"""

import pickle
import tempfile
import tracemalloc
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from skbackprop import BackpropRegressor

N_COLUMNS, BLOCK = 16, 2**13

# %%
# Two files
# ---------


def target_of(X):
    """Return the target of some rows: a wave and a product."""
    return np.sin(2.0 * X[:, 0]) + X[:, 1] * X[:, 2]


def write(path, n_rows):
    """Write the rows, block by block."""
    rng = np.random.default_rng(0)
    X = np.lib.format.open_memmap(path, mode="w+", dtype=float, shape=(n_rows, N_COLUMNS))
    for start in range(0, n_rows, BLOCK):
        X[start : start + BLOCK] = rng.normal(size=(BLOCK, N_COLUMNS))
    X.flush()


# %%
# One model a file
# ----------------
# The last block is held out. The others are fitted one after the other, and each fit is followed by
# the R² on the last block.


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


with tempfile.TemporaryDirectory() as folder:
    for n_rows in (2**17, 2**19):
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

# %%
# R² by the number of rows
# ------------------------

figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
axis.plot(BLOCK * np.arange(1, len(scores) + 1), scores, color="#0072B2")
axis.set(title="R² on rows that were not fitted", xlabel="rows fitted so far", xscale="log")
axis.set(ylabel="R² on the last block")
plt.show()
