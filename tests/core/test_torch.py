"""Whole training runs against PyTorch: same weights, same batches, 200 steps, float64."""

from itertools import pairwise

import numpy as np
import pytest

from skbackprop import BackpropClassifier, BackpropRegressor

torch = pytest.importorskip("torch")
torch.set_num_threads(1)

N_ROWS, N_FEATURES, N_STEPS = 40, 4, 200

ACTIVATIONS = {
    "sigmoid": torch.sigmoid,
    "softplus": torch.nn.functional.softplus,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "identity": lambda z: z,
}


def cross_entropy(z, y):
    return torch.nn.functional.cross_entropy(z, y, reduction="none")


def binary_cross_entropy(z, y):
    loss = torch.nn.functional.binary_cross_entropy_with_logits(z, y.double(), reduction="none")
    return loss.sum(axis=1)


def huber(z, y):
    return torch.nn.functional.huber_loss(z, y, reduction="none", delta=0.5).sum(axis=1)


def half_poisson_deviance(z, y):
    constant = torch.special.xlogy(y, y) - y
    loss = torch.nn.functional.poisson_nll_loss(z, y, log_input=True, reduction="none")
    return (loss + constant).sum(axis=1)


# Name of the loss, kind of target, loss of each row by raw prediction and target.
PROBLEMS = [
    ("half_squared_error", "numbers", lambda z, y: 0.5 * ((z - y) ** 2).sum(axis=1)),
    ("squared_error", "numbers", lambda z, y: ((z - y) ** 2).sum(axis=1)),
    ("huber", "numbers", huber),
    ("absolute_error", "numbers", lambda z, y: (z - y).abs().sum(axis=1)),
    ("poisson", "counts", half_poisson_deviance),
    ("log_loss", "classes", cross_entropy),
    ("log_loss", "labels", binary_cross_entropy),
]


def random_target(rng, kind):
    if kind == "classes":
        return rng.permutation(np.arange(N_ROWS) % 3)
    if kind == "labels":
        return rng.integers(2, size=(N_ROWS, 2))
    if kind == "counts":
        return rng.poisson(2.0, size=(N_ROWS, 2)).astype(float)
    return rng.normal(size=(N_ROWS, 2))


def random_setup(seed):
    rng = np.random.default_rng(seed)
    loss, kind, loss_of_rows = PROBLEMS[seed % len(PROBLEMS)]
    n_hidden = seed % 4
    y = random_target(rng, kind)
    sizes = [N_FEATURES, *rng.integers(2, 6, size=n_hidden), 3 if kind == "classes" else 2]
    settings = {
        "loss": loss,
        "hidden_layer_sizes": sizes[1:-1],
        "activation": rng.choice(list(ACTIVATIONS), size=n_hidden).tolist(),
        "fit_intercept": seed % 3 > 0,
        "loss_reduction": ["mean", "sum"][seed // 2 % 2],
        "alpha": [0.0, 0.01][seed // 3 % 2],
        "batch_size": [7, 20, "full"][seed % 3],
    }
    settings["learning_rate"] = 0.05 if settings["loss_reduction"] == "mean" else 0.002
    coefs = [rng.normal(scale=0.5, size=shape) for shape in pairwise(sizes)]
    intercepts = [rng.normal(scale=0.5, size=coef.shape[1]) for coef in coefs]
    X = rng.normal(size=(N_ROWS, N_FEATURES))
    weights = rng.uniform(0.5, 2.0, size=N_ROWS) if seed % 2 else None
    return settings, loss_of_rows, X, y, weights, coefs, intercepts


def fit_ours(settings, X, y, weights, coefs, intercepts, max_iter):
    estimator = BackpropClassifier if settings["loss"] == "log_loss" else BackpropRegressor
    model = estimator(
        conditioning=None,
        learning_rate_schedule="constant",
        shuffle=False,
        tol=None,
        max_iter=max_iter,
        **settings,
    )
    initial = intercepts if settings["fit_intercept"] else None
    return model.fit(X, y, weights, coefs_init=coefs, intercepts_init=initial)


def fit_torch(settings, loss_of_rows, X, y, weights, coefs, intercepts, max_iter):
    X, y = torch.tensor(X), torch.tensor(y)
    weights = torch.ones(N_ROWS).double() if weights is None else torch.tensor(weights)
    coefs = [torch.tensor(coef, requires_grad=True) for coef in coefs]
    biased = settings["fit_intercept"]
    intercepts = [torch.tensor(b, requires_grad=True) if biased else 0.0 for b in intercepts]
    optimizer = torch.optim.SGD([*coefs, *intercepts][: None if biased else len(coefs)])
    optimizer.param_groups[0]["lr"] = settings["learning_rate"]
    mean = settings["loss_reduction"] == "mean"
    weights = weights / weights.mean() if mean else weights
    batch_size = N_ROWS if settings["batch_size"] == "full" else settings["batch_size"]
    functions = [ACTIVATIONS[name] for name in settings["activation"]]
    for _ in range(max_iter):
        for start in range(0, N_ROWS, batch_size):
            rows = slice(start, start + batch_size)
            a = X[rows]
            for coef, intercept, function in zip(
                coefs, intercepts, [*functions, ACTIVATIONS["identity"]], strict=True
            ):
                a = function(a @ coef + intercept)
            losses = weights[rows] * loss_of_rows(a, y[rows])
            penalty = 0.5 * settings["alpha"] * sum((coef**2).sum() for coef in coefs)
            share = 1.0 if mean else len(losses) / N_ROWS
            objective = (losses.mean() if mean else losses.sum()) + share * penalty
            optimizer.zero_grad()
            objective.backward()
            optimizer.step()
    return [coef.detach().numpy() for coef in coefs], [
        intercept.detach().numpy() if biased else np.zeros(coef.shape[1])
        for coef, intercept in zip(coefs, intercepts, strict=True)
    ]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("seed", range(28))
def test_a_training_run_of_200_steps(seed):
    settings, loss_of_rows, *data = random_setup(seed)
    batch_size = N_ROWS if settings["batch_size"] == "full" else settings["batch_size"]
    max_iter = -(-N_STEPS // -(-N_ROWS // batch_size))
    model = fit_ours(settings, *data, max_iter)
    coefs, intercepts = fit_torch(settings, loss_of_rows, *data, max_iter)
    started = max(np.abs(coef - first).max() for coef, first in zip(coefs, data[3], strict=True))
    assert started > 0.01
    for ours, theirs in zip(model.coefs_ + model.intercepts_, coefs + intercepts, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-9 * max(1.0, abs(theirs).max()))
