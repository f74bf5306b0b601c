"""The contenders of the speed benchmark: plain gradient descent of the same networks.

A contender makes ``run(n_epochs)`` from a configuration and a precision. Its library is imported
only then, so that a process has the thread pools of one library.
"""

from functools import lru_cache, partial
from itertools import pairwise
from math import ceil
from time import perf_counter, process_time
from typing import NamedTuple

import numpy as np

RATE = 0.01


class Configuration(NamedTuple):
    """A network, the size of its data and of a batch."""

    n_rows: int
    n_inputs: int
    hidden: tuple[int, ...]
    batch: int
    n_classes: int = 10

    def __str__(self):
        batch = f"batch {self.batch}" if self.shuffle else "full batch"
        hidden = "-".join(map(str, self.hidden))
        return f"{self.n_rows:,} × {self.n_inputs}, {hidden}, {batch}"

    @property
    def shuffle(self):
        """Whether the order of the rows matters."""
        return self.batch < self.n_rows

    @property
    def n_batches(self):
        """Steps an epoch."""
        return ceil(self.n_rows / self.batch)

    @property
    def layer_sizes(self):
        """Inputs, hidden units, outputs."""
        return [self.n_inputs, *self.hidden, self.n_classes]

    def data(self, dtype):
        """Normal inputs of the precision, and classes of one frequency."""
        rng = np.random.default_rng(0)
        X = rng.standard_normal((self.n_rows, self.n_inputs), dtype=dtype)
        return X, np.arange(self.n_rows) % self.n_classes


def skbackprop_classifier(**parameters):
    """Textbook steps of constant length; ``conditioning`` is what is left of the defaults."""
    from skbackprop import BackpropClassifier

    settings = {
        "hidden_layer_sizes": 100,
        "activation": "sigmoid",
        "learning_rate": RATE,
        "learning_rate_schedule": "constant",
        "alpha": 0.0,
        "tol": None,
        "random_state": 0,
    }
    return BackpropClassifier(**(settings | parameters))


def sklearn_classifier(**parameters):
    """The same of scikit-learn."""
    from sklearn.neural_network import MLPClassifier

    settings = {
        "solver": "sgd",
        "momentum": 0.0,
        "nesterovs_momentum": False,
        "activation": "logistic",
        "learning_rate": "constant",
        "learning_rate_init": RATE,
        "alpha": 0.0,
        "tol": 0.0,
        "n_iter_no_change": np.inf,
        "random_state": 0,
    }
    return MLPClassifier(**(settings | parameters))


def estimator_run(make, configuration, dtype, **parameters):
    """Epochs of an estimator's fit."""
    X, y = configuration.data(dtype)
    model = make(
        hidden_layer_sizes=configuration.hidden,
        batch_size=configuration.batch,
        shuffle=configuration.shuffle,
        **parameters,
    )
    return lambda n_epochs: model.set_params(max_iter=n_epochs).fit(X, y)


def pytorch_network(configuration, dtype):
    """Linear layers with sigmoids between them; raw predictions."""
    from torch import nn

    layers = []
    for fan_in, fan_out in pairwise(configuration.layer_sizes):
        layers += [nn.Linear(fan_in, fan_out, dtype=dtype), nn.Sigmoid()]
    return nn.Sequential(*layers[:-1])


def pytorch_run(configuration, dtype):
    """The usual loop, eager; it does not ask for the value of the loss."""
    import torch

    X, y = map(torch.from_numpy, configuration.data(dtype))
    network = pytorch_network(configuration, X.dtype)
    optimizer = torch.optim.SGD(network.parameters(), lr=RATE)

    def run(n_epochs):
        for _ in range(n_epochs):
            batches = [slice(None)]
            if configuration.shuffle:
                batches = torch.randperm(len(X)).split(configuration.batch)
            for rows in batches:
                optimizer.zero_grad()
                torch.nn.functional.cross_entropy(network(X[rows]), y[rows]).backward()
                optimizer.step()

    return run


def skorch_run(configuration, dtype):
    """Epochs of skorch's fit, its defaults but for the printing and the held-out rows."""
    import torch
    from skorch import NeuralNetClassifier

    X, y = configuration.data(dtype)
    model = NeuralNetClassifier(
        pytorch_network(configuration, torch.from_numpy(X).dtype),
        criterion=torch.nn.CrossEntropyLoss,
        lr=RATE,
        batch_size=configuration.batch,
        iterator_train__shuffle=configuration.shuffle,
        train_split=None,
        verbose=0,
    )
    return lambda n_epochs: model.set_params(max_epochs=n_epochs).fit(X, y)


def floor_run(configuration, dtype):
    """The matrix products of a step alone, on rows that are already gathered."""
    rng = np.random.default_rng(0)
    sizes = configuration.layer_sizes
    coefs = [rng.standard_normal(shape, dtype=dtype) for shape in pairwise(sizes)]
    gradients = [np.empty_like(coef) for coef in coefs]
    outputs = [rng.standard_normal((configuration.batch, n), dtype=dtype) for n in sizes]
    deltas = [rng.standard_normal((configuration.batch, n), dtype=dtype) for n in sizes]

    def products(n_rows):
        """(a, b, out) of each product."""
        a, d = [part[:n_rows] for part in outputs], [part[:n_rows] for part in deltas]
        layers = range(len(coefs))
        forward = [(a[i], coefs[i], a[i + 1]) for i in layers]
        by_coefs = [(a[i].T, d[i + 1], gradients[i]) for i in layers]
        by_inputs = [(d[i + 1], coefs[i].T, d[i]) for i in layers[1:]]
        return forward + by_coefs + by_inputs

    full, last = divmod(configuration.n_rows, configuration.batch)
    epoch = [products(configuration.batch)] * full + [products(last)] * (last > 0)

    def run(n_epochs):
        for _ in range(n_epochs):
            for batch in epoch:
                for a, b, out in batch:
                    np.matmul(a, b, out=out)

    return run


class Contender(NamedTuple):
    """What makes a run, and the packages that it needs beyond the core's."""

    run: object
    packages: tuple[str, ...] = ()


OURS, UNCONDITIONED, SKLEARN, PYTORCH, SKORCH, FLOOR = (
    "skbackprop",
    "unconditioned",
    "scikit-learn",
    "PyTorch",
    "skorch",
    "floor",
)
CONTENDERS = {
    OURS: Contender(partial(estimator_run, skbackprop_classifier), ("skbackprop",)),
    UNCONDITIONED: Contender(
        partial(estimator_run, skbackprop_classifier, conditioning=None), ("skbackprop",)
    ),
    SKLEARN: Contender(partial(estimator_run, sklearn_classifier), ("sklearn.neural_network",)),
    PYTORCH: Contender(pytorch_run, ("torch",)),
    SKORCH: Contender(skorch_run, ("torch", "skorch")),
    FLOOR: Contender(floor_run),
}


class StepTimer:
    """Measures the microseconds of a step, set-up left out.

    A step is the difference of two runs, of one epoch and of enough more to take some `seconds`,
    over the number of steps by which they differ.
    """

    def __init__(self, run, n_batches, seconds, clock=perf_counter):
        self._run = run
        self._clock = clock
        self._n_batches = n_batches
        self._n_epochs = 1
        run(1)
        while self() * 1e-6 * self._n_epochs * n_batches < 0.7 * seconds:
            self._n_epochs *= 2

    def __call__(self):
        extra = self._elapsed(1 + self._n_epochs) - self._elapsed(1)
        return 1e6 * extra / (self._n_epochs * self._n_batches)

    def _elapsed(self, n_epochs):
        return elapsed(self._run, n_epochs, clock=self._clock)


def elapsed(function, *arguments, clock=perf_counter):
    """Seconds of a call."""
    start = clock()
    function(*arguments)
    return clock() - start


@lru_cache(maxsize=1)
def step_timer(contender, configuration, dtype, seconds, cpu):
    """The timer of a contender; kept while the same is asked for again."""
    run = CONTENDERS[contender].run(configuration, np.dtype(dtype))
    clock = process_time if cpu else perf_counter
    return StepTimer(run, configuration.n_batches, seconds, clock)


def microseconds(contender, configuration, dtype, seconds, cpu=False):
    """Microseconds of a step of a contender, measured anew; with `cpu` those of the processor."""
    return step_timer(contender, configuration, dtype, seconds, cpu)()
