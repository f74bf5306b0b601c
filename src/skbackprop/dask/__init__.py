"""One model on a cluster: the estimators on dask arrays and frames, whose rows stay on the workers.

The descent is that of one machine. Its objective is a sum over the rows, and so a sum over the
blocks. Each worker evaluates its blocks and returns gradients, which are as large as the weights.
They are added in the order of the blocks, not in the order of arrival. If they are too much for the
client, the workers add them, a few at a time, along a tree that depends only on the blocks.
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
