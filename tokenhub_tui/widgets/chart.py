"""Curves in a terminal, drawn by plotext.

plotext keeps one picture for the whole process, so each is begun, drawn and taken in one call. Its
own widget for Textual draws at every refresh, and takes twice as long; here a picture is drawn once
for its data, size and theme.
"""

from functools import lru_cache
from typing import Any

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.color import Color
from textual.content import Content
from textual.geometry import Size
from textual.strip import Strip
from textual.widget import Widget

from tokenhub.client.text import clean
from tokenhub_tui.state import plot as plots
from tokenhub_tui.state.plot import Curve, Plot
from tokenhub_tui.theme import SERIES
from tokenhub_tui.widgets.table import Table

# Lines of a picture are to stand out so much from what is behind them (WCAG 2.1, 1.4.11).
CONTRAST = 3.0
TONE = "series-"


class Chart(Widget):
    """A picture of curves. It writes no legend: that stands in the border of its box."""

    def __init__(self, *, name: str) -> None:
        super().__init__(id=name)
        self._plot = Plot()
        self._drawn: tuple[Size, str, Plot] | None = None
        self._strips: list[Strip] = []

    def show(self, plot: Plot) -> None:
        """Show this picture; nothing is drawn where it is the one that stands there."""
        if plot != self._plot:
            self._plot = plot
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """A line of the picture."""
        drawn = (self.size, self.app.theme, self._plot)
        if drawn != self._drawn:
            self._drawn = drawn
            self._strips = self._draw()
        if y >= len(self._strips):
            return Strip.blank(self.size.width, self.rich_style)
        return self._strips[y].apply_style(self.rich_style)

    def _draw(self) -> list[Strip]:
        width, height = self.size
        if width < 2 * plots.LABEL or height < 3:  # noqa: PLR2004 - no room for a curve
            return []
        text = Text.from_ansi(_built(self._plot, width, height, series(self), _muted(self)))
        plain = Style()
        return [
            Strip(
                [Segment(one.text, one.style or plain) for one in line.render(self.app.console)]
            ).adjust_cell_length(width)
            for line in text.split("\n")
        ]


class SeriesTable(Table):
    """A table whose cells may have the colour of a series: the tone `series-0` is the first."""

    def _tone(self, tone: str) -> Style:
        if tone.startswith(TONE):
            return Style(color=series(self)[int(tone.removeprefix(TONE)) % len(SERIES)], bold=True)
        return super()._tone(tone)


def legend(widget: Widget, parts: list[tuple[str, int | None]]) -> Content:
    """Words of a legend, each in the colour of its series, or None for no colour."""
    colours = series(widget)
    return Content("").join(
        [
            Content(clean(text))
            if colour is None
            else Content.styled(clean(text), colours[colour % len(colours)])
            for text, colour in parts
        ]
    )


def series(widget: Widget) -> list[str]:
    """The colours of series, as dark or as light as the theme's background asks for."""
    return _series(widget.app.theme_variables["background"])


@lru_cache(maxsize=8)
def _series(background: str) -> list[str]:
    behind = Color.parse(background)
    return [_readable(Color.parse(one), behind).hex for one in SERIES]


def _muted(widget: Widget) -> str:
    """The colour of axes and their labels."""
    variables = widget.app.theme_variables
    ink, paper = Color.parse(variables["foreground"]), Color.parse(variables["background"])
    return ink.blend(paper, 0.45).hex


def _readable(colour: Color, background: Color) -> Color:
    light = background.brightness > 0.5  # noqa: PLR2004 - half
    for step in range(20):
        shade = colour.darken(step * 0.03) if light else colour.lighten(step * 0.03)
        if _contrast(shade, background) >= CONTRAST:
            return shade
    return colour


def _contrast(one: Color, other: Color) -> float:
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: Color) -> float:
    """Relative luminance, WCAG 2.1."""
    red, green, blue = (
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4  # noqa: PLR2004 - sRGB
        for part in colour.normalized
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _built(plot: Plot, width: int, height: int, colours: list[str], muted: str) -> str:
    """The picture as text with colours."""
    # Loading it takes 47 ms, which no screen without a picture need wait for.
    import plotext  # type: ignore[import-untyped]  # noqa: PLC0415 - it has no types

    x, y = plots.across(plot, width), plots.upwards(plot, height)
    grey = Color.parse(muted).rgb
    plotext.clf()
    plotext.limitsize(False, False)  # noqa: FBT003 - its own parameters
    plotext.plotsize(width, height)
    plotext.canvas_color("default")
    plotext.axes_color("default")
    plotext.ticks_color(grey)
    plotext.xaxes(True, False)  # noqa: FBT003
    plotext.yaxes(True, False)  # noqa: FBT003
    plotext.xlim(x.low, x.high)
    plotext.ylim(y.low, y.high)
    plotext.xticks(*_ticks(x))
    plotext.yticks(*_ticks(y))
    if plot.at is not None:
        plotext.vline(plot.at, grey)
    apart = (x.high - x.low) / max(1, width - plots.LABEL - 2)
    for curve in sorted(plot.curves, key=lambda one: not one.dotted):
        colour = Color.parse(colours[curve.colour % len(colours)])
        rgb = colour.blend(Color.parse(muted), 0.5).rgb if curve.dotted else colour.rgb
        _curve(plotext, plots.placed(curve, log=plot.log), rgb, apart)
    text: str = plotext.build()
    return text.rstrip("\n")


def _ticks(axis: plots.Axis) -> tuple[list[float], list[str]]:
    return [at for at, _ in axis.ticks], [label for _, label in axis.ticks]


def _curve(plotext: Any, curve: Curve, rgb: tuple[int, int, int], apart: float) -> None:
    last = None
    for xs, ys in plots.runs(curve.points):
        if curve.dotted:
            plotext.scatter(*plots.dots(xs, ys, apart), marker="braille", color=rgb)
        elif len(xs) == 1:
            # One dot of braille would be lost beside the lines.
            plotext.scatter(xs, ys, marker="•", color=rgb)
        else:
            plotext.plot(xs, ys, marker="braille", color=rgb)
        last = xs[-1], ys[-1]
    if curve.mark and last is not None:
        plotext.text(curve.mark, *last, color=rgb)
