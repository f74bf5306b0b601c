"""Conversion of fitted estimators to ONNX by skl2onnx, alone or as a part of a larger model.

Importing this module registers `BackpropClassifier`, `BackpropRegressor` and `HiddenActivations`
with skl2onnx. Then skl2onnx converts them, and pipelines, searches and ensembles that contain them,
like scikit-learn's own. The module needs the extra ``onnx``.

Examples
--------
>>> import numpy as np
>>> import onnxruntime
>>> import skl2onnx
>>> import skbackprop.onnx
>>> X = np.array([[0.0], [1.0], [2.0]])
>>> model = skbackprop.BackpropRegressor(random_state=0).fit(X, [0.0, 1.0, 4.0])
>>> file = skl2onnx.to_onnx(model, X).SerializeToString()
>>> session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
>>> (y_pred,) = session.run(None, {"X": X})
>>> bool(np.allclose(y_pred[:, 0], model.predict(X), rtol=1e-12))
True
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skbackprop._estimators.base import BaseBackprop
from skbackprop._estimators.check_parameters import check_layer
from skbackprop._estimators.classifier import BackpropClassifier
from skbackprop._estimators.hidden_activations import HiddenActivations
from skbackprop._estimators.regressor import BackpropRegressor

try:
    from onnx import TensorProto
    from onnx.helper import np_dtype_to_tensor_dtype
    from skl2onnx import update_registered_converter
    from skl2onnx._parse import _parse_sklearn_classifier
    from skl2onnx.common.data_types import (
        BooleanTensorType,
        DoubleTensorType,
        FloatTensorType,
        Int8TensorType,
        Int32TensorType,
        Int64TensorType,
        StringTensorType,
        UInt8TensorType,
    )
    from skl2onnx.common.utils import check_input_and_output_numbers, check_input_and_output_types
    from skl2onnx.common.utils_classifier import get_label_classes
except ImportError as error:
    raise ImportError(
        "skbackprop.onnx needs skl2onnx, which the extra 'onnx' installs: "
        f"pip install 'skbackprop[onnx]' ({error})."
    ) from error


class _Graph:
    """Adds nodes to the graph that is built; what they compute goes by its name."""

    def __init__(self, scope: Any, container: Any, dtype: type[np.floating]) -> None:
        self.dtype = dtype
        self._scope = scope
        self._container = container

    def __call__(self, op: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:
        """Apply an operator; return the name of its first output."""
        name = output or self._scope.get_unique_variable_name(op.lower())
        outputs = [name]
        if op == "TopK":
            outputs.append(self._scope.get_unique_variable_name("indices"))
        self._container.add_node(
            op, list(inputs), outputs, name=self._scope.get_unique_operator_name(op), **attributes
        )
        return name

    def constant(self, values: Any, dtype: Any = None) -> str:
        """An array of the graph, in its precision unless `dtype` says otherwise."""
        with np.errstate(over="ignore"):
            array = np.asarray(values).astype(self.dtype if dtype is None else dtype)
        if array.dtype == self.dtype and not np.isfinite(array).all():
            raise ValueError(
                f"The weights must be within the range of {array.dtype}, the precision of the "
                f"inputs of the graph; got up to {np.abs(values).max():.3g}. Convert for inputs in "
                "float64 (DoubleTensorType), or scale X."
            )
        kind = (
            TensorProto.STRING if array.dtype == object else np_dtype_to_tensor_dtype(array.dtype)
        )
        name = self._scope.get_unique_variable_name("constant")
        self._container.add_initializer(name, kind, array.shape, array.ravel())
        return name


def _exp_minus_abs(graph: _Graph, z: str) -> str:
    return graph("Exp", graph("Neg", graph("Abs", z)))


def _log1p(graph: _Graph, x: str) -> str:
    """log(1 + x), to full relative precision for small x.

    With u the rounded 1 + x it is log(u) · x / (u − 1), or x where u is 1 (Goldberg, "What every
    computer scientist should know about floating-point arithmetic", 1991, theorem 4).
    """
    one = graph.constant(1.0)
    u = graph("Add", x, one)
    rest = graph("Sub", u, one)
    ratio = graph("Div", graph("Mul", graph("Log", u), x), rest)
    return graph("Where", graph("Equal", rest, graph.constant(0.0)), x, ratio)


def _softplus(graph: _Graph, z: str) -> str:
    """log(1 + exp(z)), small values to the precision that they have beside 1.

    Softplus itself is missing from onnxruntime in float64.
    """
    log = graph("Log", graph("Add", _exp_minus_abs(graph, z), graph.constant(1.0)))
    return graph("Add", graph("Relu", z), log)


def _precise_softplus(graph: _Graph, z: str) -> str:
    """The same, small values to full relative precision."""
    return graph("Add", graph("Relu", z), _log1p(graph, _exp_minus_abs(graph, z)))


def _precise_sigmoid(graph: _Graph, z: str) -> str:
    """1 / (1 + exp(−z)), small values to full relative precision, which Sigmoid has not."""
    e = _exp_minus_abs(graph, z)
    one = graph.constant(1.0)
    numerator = graph("Where", graph("Greater", z, graph.constant(0.0)), one, e)
    return graph("Div", numerator, graph("Add", one, e))


def _exp(graph: _Graph, z: str) -> str:
    limits = np.finfo(graph.dtype)
    above_zero = graph("Max", graph("Exp", z), graph.constant(limits.tiny))
    return graph("Min", above_zero, graph.constant(limits.max))


_HIDDEN: dict[str, Callable[[_Graph, str], str]] = {
    "identity": lambda graph, z: z,
    "sigmoid": lambda graph, z: graph("Sigmoid", z),
    "softplus": _softplus,
    "tanh": lambda graph, z: graph("Tanh", z),
    "relu": lambda graph, z: graph("Relu", z),
}
"""Name -> function of (graph, weighted sums) that adds the activation."""

_OUTPUT = _HIDDEN | {
    "sigmoid": _precise_sigmoid,
    "softplus": _precise_softplus,
    "exp": _exp,
}
"""The same for the output of a regressor."""

_CONVERTED_LOSSES = (
    "half_squared_error",
    "squared_error",
    "absolute_error",
    "huber",
    "quantile",
    "poisson",
)
"""Losses of the regressor whose predictions are known to be made of raw ones as above."""

_INPUT_TYPES = [
    BooleanTensorType,
    DoubleTensorType,
    FloatTensorType,
    Int8TensorType,
    Int32TensorType,
    Int64TensorType,
    UInt8TensorType,
]

# Before it Equal had no floats, and TopK only sorted downwards.
_LEAST_OPSET = 11


def _find(functions: dict[str, Callable[[_Graph, str], str]], name: str, what: str) -> Any:
    if name not in functions:
        raise NotImplementedError(
            f"The {what} {name!r} cannot be converted to ONNX; these can: {sorted(functions)}."
        )
    return functions[name]


def _start(scope: Any, operator: Any, container: Any) -> _Graph:
    """A graph in the precision of the inputs of the operator."""
    opset = container.target_opset_any_domain("")
    if opset < _LEAST_OPSET:
        raise ValueError(
            f"target_opset must be at least {_LEAST_OPSET} for networks of skbackprop; got {opset}."
        )
    double = isinstance(operator.inputs[0].type, DoubleTensorType)
    return _Graph(scope, container, np.float64 if double else np.float32)


def _weighted_sums(
    graph: _Graph, model: BaseBackprop, inputs: Any, n_layers: int | None = None
) -> str:
    """Those of the last of all layers, or of the first so many; in float32 of centred inputs.

    x W + b = (x − c) W + (b + c W): the first form loses the digits that x and c share.
    """
    a = inputs.full_name
    if not isinstance(inputs.type, FloatTensorType | DoubleTensorType):
        a = graph("Cast", a, to=np_dtype_to_tensor_dtype(np.dtype(graph.dtype)))
    intercepts, shift = list(model.intercepts_), np.zeros(1, dtype=graph.dtype)
    if graph.dtype == np.float32:
        shift = model.input_shift_.astype(np.float32)
    a = _tamed(graph, model, a, shift)
    if shift.any():
        intercepts[0] = intercepts[0] + shift.astype(np.float64) @ model.coefs_[0].astype(float)
    layers = list(zip(model.coefs_, intercepts, strict=True))[:n_layers]
    for depth, (coef, intercept) in enumerate(layers):
        if depth:
            a = _activations(graph, model, depth - 1, a)
        a = graph("Add", graph("MatMul", a, graph.constant(coef)), graph.constant(intercept))
    return a


def _tamed(graph: _Graph, model: BaseBackprop, x: str, shift: np.ndarray) -> str:
    """T(x) − shift of columns with long tails, x − shift of the others."""
    others = graph("Sub", x, graph.constant(shift)) if shift.any() else x
    tailed = np.isfinite(model.tail_scale_)
    if not tailed.any():
        return others
    center, scale = model.tail_center_, np.where(tailed, model.tail_scale_, 1.0)
    rounded = center.astype(graph.dtype)
    u = graph("Add", graph("Sub", x, graph.constant(rounded)), graph.constant(rounded - center))
    u = graph("Div", u, graph.constant(scale))
    half = graph("Mul", _asinh(graph, u), graph.constant(0.5))
    bend = graph("Mul", _asinh(graph, half), graph.constant(2.0 * scale))
    tamed = graph("Add", bend, graph.constant(center - shift))
    return graph("Where", graph.constant(tailed, np.bool_), tamed, others)


def _asinh(graph: _Graph, u: str) -> str:
    """sign(u) log(1 + |u| + u² / (1 + √(1 + u²))): Asinh is missing in float64.

    Where u² would be infinite the root is |u|. An infinite u is one that leaves room for products.
    """
    largest, one = float(np.finfo(graph.dtype).max), graph.constant(1.0)
    size = graph("Min", graph("Abs", u), graph.constant(1e-4 * largest))
    root = graph("Sqrt", graph("Add", one, graph("Mul", size, size)))
    far = graph("Greater", size, graph.constant(0.1 * np.sqrt(largest)))
    root = graph("Where", far, size, root)
    further = graph("Mul", size, graph("Div", size, graph("Add", one, root)))
    return graph("Mul", graph("Sign", u), _log1p(graph, graph("Add", size, further)))


def _activations(graph: _Graph, model: BaseBackprop, depth: int, z: str) -> str:
    """The activations of a hidden layer of weighted sums `z`."""
    return str(_find(_HIDDEN, model._form["activations"][depth], "activation function")(graph, z))


def _convert_hidden(scope: Any, operator: Any, container: Any) -> None:
    graph, transformer = _start(scope, operator, container), operator.raw_operator
    model = transformer.estimator_
    layer = check_layer(transformer.layer, len(model._form["activations"]))
    z = _weighted_sums(graph, model, operator.inputs[0], layer + 1)
    a = _activations(graph, model, layer, z)
    graph("Identity", a, output=operator.outputs[0].full_name)


def _convert_regressor(scope: Any, operator: Any, container: Any) -> None:
    graph, model = _start(scope, operator, container), operator.raw_operator
    z = _weighted_sums(graph, model, operator.inputs[0])
    y_pred = _find(_OUTPUT, model.out_activation_, "output activation")(graph, z)
    loss, options = model._form["loss"]
    if loss not in _CONVERTED_LOSSES:
        raise NotImplementedError(
            f"loss={loss!r} cannot be converted to ONNX; these can: {_CONVERTED_LOSSES}."
        )
    if np.ndim(options.get("quantile", 0.5)):
        n_outputs = graph.constant([model.n_outputs_], np.int64)
        y_pred = graph("TopK", y_pred, n_outputs, axis=1, largest=0, sorted=1)
    graph("Identity", y_pred, output=operator.outputs[0].full_name)


def _convert_classifier(scope: Any, operator: Any, container: Any) -> None:
    graph, model = _start(scope, operator, container), operator.raw_operator
    z = _weighted_sums(graph, model, operator.inputs[0])
    label, proba = (output.full_name for output in operator.outputs)
    scores = _scores(graph, model, z)
    if model._form["multilabel"]:
        on = graph("Greater", scores, graph.constant(0.0))
        graph("Cast", on, to=TensorProto.INT64, output=label)
    else:
        labels = _labels(get_label_classes(scope, model))
        code = graph("ArgMax", scores, axis=1, keepdims=0)
        graph("Gather", graph.constant(labels, labels.dtype), code, axis=0, output=label)
    if container.get_options(model, {"raw_scores": False})["raw_scores"]:
        graph("Identity", scores, output=proba)
    elif model._form["multilabel"] or len(model.classes_) == 2:
        graph("Identity", _precise_sigmoid(graph, scores), output=proba)
    else:
        graph("Softmax", scores, axis=1, output=proba)


def _scores(graph: _Graph, model: BackpropClassifier, z: str) -> str:
    """Scores, shape (n_rows, n_classes), the largest of which is that of the label.

    Those of two classes are the log-odds of either.
    """
    if model._form["multilabel"] or model.out_activation_ == "softmax":
        return z
    if model.n_outputs_ < len(model.classes_):
        return graph("Concat", graph("Neg", z), z, axis=1)
    # One sigmoid a class: log s = −softplus(−z), and p = s / Σ s.
    log_s = graph("Neg", _precise_softplus(graph, graph("Neg", z)))
    if model.n_outputs_ != 2:
        return graph("LogSoftmax", log_s, axis=1)
    of_the_other = graph("Gather", log_s, graph.constant([1, 0], np.int64), axis=1)
    return graph("Sub", log_s, of_the_other)


def _labels(classes: np.ndarray) -> np.ndarray:
    """Class labels as ONNX has them: strings, or integers of 64 bits."""
    labels = classes.tolist()
    if all(isinstance(label, str) for label in labels):
        return np.array([label.encode() for label in labels], dtype=object)
    try:
        integers = [int(label) for label in labels]
    except (TypeError, ValueError):
        integers = []
    if integers != labels:
        raise NotImplementedError(
            "Class labels must be strings, booleans or integers to be converted to ONNX; got "
            f"{labels}."
        )
    return np.array(integers, dtype=np.int64)


def _set_hidden_shape(operator: Any) -> None:
    _check(operator, n_outputs=1)
    n_rows = operator.inputs[0].get_first_dimension()
    operator.outputs[0].type.shape = [n_rows, operator.raw_operator._n_features_out]


def _set_regressor_shape(operator: Any) -> None:
    _check(operator, n_outputs=1)
    n_rows = operator.inputs[0].get_first_dimension()
    operator.outputs[0].type.shape = [n_rows, operator.raw_operator.n_outputs_]


def _set_classifier_shapes(operator: Any) -> None:
    _check(operator, n_outputs=2)
    model = operator.raw_operator
    n_rows, n_classes = operator.inputs[0].get_first_dimension(), len(model.classes_)
    label, proba = operator.outputs
    proba.type.shape = [n_rows, n_classes]
    if model._form["multilabel"]:
        label.set_type(Int64TensorType([n_rows, n_classes]))
        return
    strings = _labels(get_label_classes(operator.scope_inst, model)).dtype == object
    label.set_type((StringTensorType if strings else Int64TensorType)([n_rows]))


def _check(operator: Any, *, n_outputs: int) -> None:
    model = operator.raw_operator
    check_is_fitted(model)
    check_input_and_output_numbers(operator, input_count_range=1, output_count_range=n_outputs)
    check_input_and_output_types(operator, good_input_types=_INPUT_TYPES)
    n_columns = operator.inputs[0].get_second_dimension()
    if isinstance(n_columns, int) and n_columns != model.n_features_in_:
        raise ValueError(
            f"{type(model).__name__} must have {model.n_features_in_} input columns in the graph, "
            f"as in its fit; got {n_columns}. Either the inputs of the graph have another number "
            "of columns, or skl2onnx leaves out columns of a step before, such as those of "
            "SimpleImputer(add_indicator=True)."
        )


def _parse_classifier(
    scope: Any, model: BackpropClassifier, inputs: Any, custom_parsers: Any = None
) -> Any:
    """Declare the outputs as skl2onnx does, where they can be had."""
    check_is_fitted(model)
    zipmap = scope.get_options(model, {"zipmap": True})["zipmap"]
    if zipmap is True and isinstance(inputs[0].type, DoubleTensorType):
        raise ValueError(
            "The option zipmap must be False (probabilities as a matrix) or 'columns' for inputs "
            "in float64: the dictionaries of ONNX hold float32; got zipmap=True, the default. "
            "Pass options={'zipmap': False}, or inputs in float32."
        )
    return _parse_sklearn_classifier(scope, model, inputs, custom_parsers=custom_parsers)


update_registered_converter(
    HiddenActivations, "SkbackpropHiddenActivations", _set_hidden_shape, _convert_hidden
)
update_registered_converter(
    BackpropRegressor, "SkbackpropRegressor", _set_regressor_shape, _convert_regressor
)
update_registered_converter(
    BackpropClassifier,
    "SkbackpropClassifier",
    _set_classifier_shapes,
    _convert_classifier,
    options={
        "zipmap": [True, False, "columns"],
        "nocl": [True, False],
        "output_class_labels": [False, True],
        "raw_scores": [True, False],
    },
    parser=_parse_classifier,
)
