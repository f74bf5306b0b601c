"""What a fit publishes on its estimator: all of it, at its end and for who looks on in mid-fit."""

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np

from skbackprop._core.conditioning import beyond_range
from skbackprop._core.descent import Descent, Epoch, Plan
from skbackprop._core.network import Layer, are_finite
from skbackprop._core.problem import TargetForm
from skbackprop._estimators.build_problem import BuiltProblem
from skbackprop._estimators.check_parameters import Settings
from skbackprop._estimators.past import Fitted, Past, Search, Streams
from skbackprop._estimators.validation import Validation


@dataclass(frozen=True)
class FittedAttributes:
    """The attributes of an estimator that is fitted for the epochs of a descent so far."""

    built: BuiltProblem
    form: TargetForm
    settings: Settings
    streams: Streams
    search: Search
    plan: Plan
    fitted: Fitted | None
    """What the fit goes on from."""

    def in_mid_fit(self, epoch: Epoch) -> dict[str, Any]:
        """The attributes after an epoch; what is done with them leaves the random streams alone."""
        unit = self.built.problem.conditioning.loss_unit
        descent = Descent.until(epoch).in_units_of(unit)
        return self.after(descent, epoch.params, copy.deepcopy(self.streams))

    def at_end(
        self, descent: Descent, params: np.ndarray, validation: Validation | None
    ) -> dict[str, Any]:
        """The attributes after the descent."""
        attributes = self.after(descent, params, self.streams)
        return attributes | ({} if validation is None else validation.attributes())

    @np.errstate(over="ignore", invalid="ignore")
    def layers(self, params: np.ndarray) -> list[Layer]:
        """The layers of the network on raw X."""
        problem = self.built.problem
        layers = problem.network.layers(problem.of_network(params))
        return problem.conditioning.to_raw(layers, problem.data.X.dtype)

    def after(self, descent: Descent, params: np.ndarray, streams: Streams) -> dict[str, Any]:
        """The attributes of a network with the given parameters."""
        problem, form = self.built.problem, self.form
        conditioning, layers = problem.conditioning, self.layers(params)
        if not are_finite(layers):
            raise beyond_range(conditioning, problem.data.X.dtype, params)
        first_loss, earlier = descent.first_loss, 0.0
        if self.fitted is not None:
            earlier = self.fitted.past.first_gradient
            # The loss of a stream whose targets are constant at first begins near zero.
            first_loss = max(first_loss, self.fitted.past.first_loss)
        vanished = self.plan.vanished
        past = Past(
            streams,
            first_loss,
            earlier if vanished is None else vanished.first,
            self.built.weight,
            self.built.statistics,
            self.built.unvaried_inputs,
            self.search,
        )
        tail_center, tail_scale = conditioning.tails.of_each(problem.network.shapes[0][0])
        return {
            "coefs_": [coef for coef, _ in layers],
            "intercepts_": [intercept for _, intercept in layers],
            "tail_center_": tail_center,
            "tail_scale_": tail_scale,
            "input_shift_": conditioning.input_shift,
            "input_scale_": conditioning.input_scale,
            "target_shift_": conditioning.target_shift,
            "target_scale_": conditioning.target_scale,
            "hidden_shift_": conditioning.hidden_shift,
            "hidden_scale_": conditioning.hidden_scale,
            "curvature_": self.search.curvature,
            "learning_rate_": self.plan.step_size * 0.5**descent.undone,
            "loss_": descent.loss,
            "loss_curve_": descent.loss_curve,
            "step_sizes_": descent.step_sizes,
            "n_iter_": self.plan.first_epoch + len(descent.loss_curve) + descent.undone,
            "n_layers_": len(layers) + 1,
            "n_outputs_": form.n_outputs,
            "out_activation_": problem.loss.output_activation,
            "status_": descent.status.value,
            **({} if form.classes is None else {"classes_": form.classes}),
            "_form": {
                "activations": self.settings.activations,
                "loss": form.loss,
                "parameters": self.settings.of_network,
                "multilabel": form.multilabel,
                "ndim": form.ndim,
            },
            "_past": past.state(),
        }
