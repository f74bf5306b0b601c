"""Looking into a network: the trace of a step, the check of its gradient, the pictures."""

from skbackprop.inspection._chain import Chain
from skbackprop.inspection._gradient_check import GradientCheck, check_gradient
from skbackprop.inspection._gradient_flow import GradientFlowDisplay
from skbackprop.inspection._importances import FeatureImportancesDisplay
from skbackprop.inspection._live import LiveView
from skbackprop.inspection._loss_curve import LossCurveDisplay
from skbackprop.inspection._network_display import NetworkDisplay
from skbackprop.inspection._recording import FitRecording, record_fit
from skbackprop.inspection._step import trace_step
from skbackprop.inspection._trace import StepTrace

__all__ = [
    "Chain",
    "FeatureImportancesDisplay",
    "FitRecording",
    "GradientCheck",
    "GradientFlowDisplay",
    "LiveView",
    "LossCurveDisplay",
    "NetworkDisplay",
    "StepTrace",
    "check_gradient",
    "record_fit",
    "trace_step",
]
