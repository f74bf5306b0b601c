"""Looking into a network: the trace of a step, the check of its gradient, the pictures."""

from skbackprop.inspection._gradient_check import GradientCheck, check_gradient
from skbackprop.inspection._trace import StepTrace, trace_step

__all__ = ["GradientCheck", "StepTrace", "check_gradient", "trace_step"]
