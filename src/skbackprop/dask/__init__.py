"""One model on a cluster: the estimators on dask arrays and frames, whose rows stay on the workers.

The descent is that of one machine. Its objective is a sum over the rows, and so the sum of those of
the blocks, each of which a worker evaluates where the block is. What comes back is as large as the
weights. The sums are taken in the order of the blocks, whichever worker is done first; those that
are too much for the client by the workers, a few at a time, along a tree whose shape is that of the
blocks.
"""

try:
    import dask.array  # noqa: F401
    import distributed  # noqa: F401
except ImportError as error:
    raise ImportError(
        "skbackprop.dask needs dask and distributed, which the extra 'dask' installs: "
        "pip install 'skbackprop[dask]'."
    ) from error

from skbackprop.dask._estimators import DaskBackpropClassifier, DaskBackpropRegressor

__all__ = ["DaskBackpropClassifier", "DaskBackpropRegressor"]

# The name that pickles carry, wherever the module of a class stands.
for _public in (DaskBackpropClassifier, DaskBackpropRegressor):
    _public.__module__ = __name__
