"""The display of a fit: losses by epoch, the best epoch and the step size."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from skbackprop._core.losses import LOSSES
from skbackprop.inspection import _plotting as plotting
from skbackprop.inspection._subject import fitted_in_memory

_RIGHT = "step size of skbackprop"
# Inches of axes on which text has its full size.
_FULL_SIZE = (4.0, 3.0)


@dataclass(eq=False, kw_only=True, repr=False)
class LossCurveDisplay:
    """Loss by epoch of a fit.

    It is recommended to use `from_estimator` to create a display. All parameters are stored as
    attributes.

    Parameters
    ----------
    loss_curve : array-like of shape (n_epochs,)
        Training loss. Epochs whose loss is not finite are gaps, and the label counts them.
        ``loss_curve[k]`` is the loss during epoch k and is drawn at k epochs done. In full batch
        it is the loss of the weights after k steps.
    validation_loss_curve : array-like of shape (n_epochs,), default=None
        Loss on held-out rows. ``validation_loss_curve[k]`` is the loss of the weights after epoch k
        and is drawn at k + 1 epochs done.
    best_iter : int, default=None
        Number of epochs after which the weights were best.
    step_sizes : array-like of shape (n_epochs,), default=None
        Step size at the start of each epoch.
    loss_name : str, default="loss"
        Label of the vertical axis: the loss and its unit.
    name : str, default=None
        Name of the fit in the legend, where several fits share the axes.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        Axes of the losses.
    figure_ : matplotlib.figure.Figure
        Their figure.
    line_ : matplotlib.lines.Line2D
        The training loss.
    validation_line_ : matplotlib.lines.Line2D or None
        The validation loss.
    best_line_ : matplotlib.lines.Line2D or None
        The vertical line at the best epoch.
    step_ax_ : matplotlib.axes.Axes or None
        Axes of the step size, on the right.
    step_line_ : matplotlib.lines.Line2D or None
        The step size.

    See Also
    --------
    GradientFlowDisplay : Activations, deltas and saturated units by layer.
    NetworkDisplay : The network drawn, with its weights.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from skbackprop import BackpropRegressor
    >>> from skbackprop.inspection import LossCurveDisplay
    >>> X, y = load_diabetes(return_X_y=True, scaled=False)
    >>> model = BackpropRegressor(max_iter=20, random_state=0).fit(X, y)
    >>> display = LossCurveDisplay.from_estimator(model, step_size=True)
    >>> display.ax_.get_xlabel()
    'epochs done'
    """

    loss_curve: Any
    validation_loss_curve: Any = None
    best_iter: int | None = None
    step_sizes: Any = None
    loss_name: str = "loss"
    name: str | None = None

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        step_size: bool = False,
        name: str | None = None,
        ax: Any = None,
        curve_kwargs: dict[str, Any] | None = None,
    ) -> Self:
        """Draw the loss by epoch of the last fit of an estimator.

        The validation loss and the best epoch are drawn if the estimator has
        `validation_loss_curve_` and `best_iter_`.

        Parameters
        ----------
        estimator : BackpropClassifier or BackpropRegressor
            Fitted estimator.
        step_size : bool, default=False
            Whether to draw the step size, too.
        name : str, default=None
            Name of the fit in the legend.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on; None for new ones.
        curve_kwargs : dict, default=None
            Keyword arguments of ``ax.plot`` for the training loss, such as ``{"color": "black"}``.

        Returns
        -------
        display : LossCurveDisplay
            The display, drawn.
        """
        estimator = fitted_in_memory(estimator)
        loss = LOSSES[estimator.loss]
        penalty = "" if estimator.alpha == 0 else " + penalty"
        unit = f" ({loss.unit})" if loss.unit else ""
        return cls(
            loss_curve=estimator.loss_curve_,
            validation_loss_curve=getattr(estimator, "validation_loss_curve_", None),
            best_iter=getattr(estimator, "best_iter_", None),
            step_sizes=estimator.step_sizes_ if step_size else None,
            loss_name=f"{estimator.loss_reduction} {loss.title}{penalty}{unit}",
            name=name,
        ).plot(ax, curve_kwargs=curve_kwargs)

    def plot(
        self, ax: Any = None, *, name: str | None = None, curve_kwargs: dict[str, Any] | None = None
    ) -> Self:
        """Draw the curves of the display.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on; None for new ones.
        name : str, default=None
            Name of the fit in the legend; None for the name that the display has.
        curve_kwargs : dict, default=None
            Keyword arguments of ``ax.plot`` for the training loss.

        Returns
        -------
        display : LossCurveDisplay
            The display itself.
        """
        plt = plotting.import_pyplot(type(self).__name__)
        training = self._curve("loss_curve")
        if ax is None:
            _, ax = plt.subplots(layout="constrained")
        self.ax_, self.figure_ = ax, ax.figure
        name = self.name if name is None else name
        prefix = f"{name}: " if name else ""
        style = {"color": plotting.POSITIVE} | (curve_kwargs or {})
        self.line_ = _draw_curve(ax, 0, training, f"{prefix}training", **style)
        self._plot_validation(prefix, self.line_.get_color() if prefix else plotting.NEGATIVE)
        ax.set(xlabel="epochs done", ylabel=self.loss_name)
        ax.xaxis.get_major_locator().set_params(integer=True)
        self._plot_step_sizes(prefix)
        scale = plotting.fit_text([ax, self.step_ax_] if self.step_ax_ else [ax], _FULL_SIZE)
        handles = [self.line_, self.validation_line_, self.best_line_, self.step_line_]
        drawn = [handle for handle in handles if handle is not None]
        if len(drawn) > 1 or self.line_.get_label() != "training":
            older = [h for h in ax.get_legend_handles_labels()[0] if h not in drawn]
            ax.legend(handles=older + drawn, fontsize=scale * plotting.points("legend.fontsize"))
        return self

    def _plot_validation(self, prefix: str, color: Any) -> None:
        self.validation_line_ = self.best_line_ = None
        if self.validation_loss_curve is not None:
            validation = self._curve("validation_loss_curve")
            label = f"{prefix}validation"
            self.validation_line_ = _draw_curve(
                self.ax_, 1, validation, label, color=color, linestyle="--"
            )
        if self.best_iter is not None:
            self.best_line_ = self.ax_.axvline(
                self.best_iter,
                color=color if prefix else plotting.ink(self.ax_, plotting.NEUTRAL),
                linestyle=":",
                label=f"{prefix}best after {self.best_iter} epochs",
            )

    def _plot_step_sizes(self, prefix: str) -> None:
        self.step_ax_ = self.step_line_ = None
        if self.step_sizes is None:
            return
        steps = self._curve("step_sizes")
        self.step_ax_ = _right_axes(self.ax_)
        epochs = np.arange(len(steps))
        # Drawn on the axes of the losses, so that their legend avoids this line, too.
        (self.step_line_,) = self.ax_.plot(
            epochs,
            steps,
            transform=self.step_ax_.transData,
            color=self.line_.get_color() if prefix else plotting.ink(self.ax_, plotting.NEUTRAL),
            linestyle="-.",
            linewidth=1.0,
            label=f"{prefix}step size (right)",
        )
        self.step_ax_.update_datalim(np.column_stack([epochs, steps]))
        self.step_ax_.autoscale(axis="y")
        self.step_ax_.set_ylim(bottom=0.0)
        self.step_ax_.set_ylabel("step size")

    def _curve(self, name: str) -> np.ndarray:
        return plotting.check_array(name, getattr(self, name), ("n_epochs",), finite=False)


def _draw_curve(ax: Any, first: int, curve: np.ndarray, text: str, /, **style: Any) -> Any:
    """Draw losses by epoch. A curve of one point has no line, but a marker."""
    n_gaps = int((~np.isfinite(curve)).sum())
    gaps = f" (not finite in {n_gaps} of {len(curve)} epochs)" if n_gaps else ""
    style = {"label": text + gaps, "marker": "o" if len(curve) == 1 else None} | style
    (line,) = ax.plot(np.arange(first, first + len(curve)), curve, **style)
    return line


def _right_axes(ax: Any) -> Any:
    """The axes that an earlier display added here for step sizes, or new ones."""
    place = ax.get_position(original=True).bounds
    for other in ax.figure.axes:
        if other.get_label() == _RIGHT and other.get_position(original=True).bounds == place:
            return other
    right = ax.twinx()
    right.set_label(_RIGHT)
    return right
