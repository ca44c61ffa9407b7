"""A learning curve in the feedback: a picture with the band in which right code lies, and the same in words."""

import base64
import io
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from autograder.errors import CourseError
from autograder.records import LearningCurve

BAND = "learning-curve.toml"  # in a practical's folder
RUNNING = 10  # values in the running mean


@dataclass(frozen=True)
class Band:
    """Between which running means 8 of 10 among so many runs of right code lie, at these steps."""

    runs: int
    steps: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


def read_band(folder: Path) -> Band | None:
    """The band that a practical's folder holds; None where it holds none. CourseError where it cannot be read."""
    path = folder / BAND
    if not path.exists():
        return None
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
        columns = [tuple(map(float, said[key])) for key in ("steps", "low", "high")]
        if not columns[0] or len({*map(len, columns)}) != 1:
            raise ValueError("steps, low and high are not lists of one length")
        return Band(int(said["runs"]), *columns)
    except (OSError, ValueError, KeyError, TypeError) as error:
        step = "Measure it again (benchmarks/learning_curve.py), or take the file away."
        raise CourseError(f"{path} cannot be read: {error}.", step) from error


def curve_words(curve: LearningCurve, band: Band | None = None) -> str:
    """The learning curve in a sentence or two, for those who do not see the picture."""
    if not curve.values:
        return f"Learning curve: no {curve.point_name}."
    last = curve.values[-RUNNING:]
    words = (
        f"Learning curve: {len(curve.values)} {curve.point_name} in {curve.steps[-1]:,} {curve.step_name}; highest "
        f"{curve.value_name} {max(curve.values):.4g}, mean of the last {len(last)}: {sum(last) / len(last):.4g}."
    )
    if band is None:
        return words
    ends = f"{band.low[-1]:.4g} to {band.high[-1]:.4g}"
    return f"{words} Right code mostly ends with a mean of {ends} (8 of 10 among {band.runs} runs)."


def curve_picture(curve: LearningCurve, band: Band | None = None, whose: str = "your") -> Markup:
    """The learning curve as a data URL of a PNG: every point, a running mean, and the band behind them.

    ``whose`` stands before the points in the legend: the student reads "your returns", a marker "the student's".
    """
    from matplotlib.figure import Figure  # most practicals have no curve, and need not wait for this

    figure = Figure(figsize=(5.2, 2.8), dpi=150)  # not pyplot, which would keep it; small, so that a phone shows words
    figure.subplots_adjust(left=0.14, right=0.97, top=0.97, bottom=0.18)
    axes = figure.add_subplot()
    if band:
        axes.fill_between(
            band.steps, band.low, band.high, color="#b7dfc3", linewidth=0, label="8 of 10 runs of right code"
        )
    axes.plot(curve.steps, curve.values, ".", color="#6e7781", markersize=3, label=f"{whose} {curve.point_name}")
    if means := _means(curve.values):
        label = f"mean of {RUNNING} {curve.point_name}"
        axes.plot(curve.steps[RUNNING - 1 :], means, color="#0550ae", label=label)
    axes.set(xlabel=curve.step_name.capitalize(), ylabel=curve.value_name.capitalize())
    axes.grid(alpha=0.3)
    axes.legend(loc="upper left", frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    picture = io.BytesIO()
    figure.savefig(picture, format="png", metadata={"Software": None})
    return Markup("data:image/png;base64,") + base64.b64encode(picture.getvalue()).decode("ascii")


def _means(values: Sequence[float]) -> list[float]:
    """The mean of RUNNING values up to each one that has so many."""
    return [sum(values[end - RUNNING : end]) / RUNNING for end in range(RUNNING, len(values) + 1)]
