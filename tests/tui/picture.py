"""What stands on a screen: as text, and as a small SVG that shows its colours."""

import re
from html import escape
from itertools import groupby

from rich.segment import Segment
from rich.style import Style
from rich.terminal_theme import DEFAULT_TERMINAL_THEME

from tokenhub_tui.app import Console

# A character of Fira Code is 1200/1950 of its size; what it has not is held to its place.
WIDE, HIGH, SIZE = 12, 24, 19.5
_TEXT = f"text{{font:{SIZE}px 'Fira Code',monospace;white-space:pre;transform:translateY(18px)}}"
_OURS = re.compile(r"[ -~─-▟]*")


def svg(console: Console) -> str:
    """The screen, a line of the file for each of its own; styles are classes, named once."""
    width, height = console.size
    back = console.get_css_variables()["background"].lower()
    classes: dict[str, str] = {}
    lines = []
    for y, strip in enumerate(console.screen._compositor.render_strips(console.size)):
        line = "".join(_runs(list(strip), back, classes))
        if line:
            lines.append(f'<g transform="translate(0,{y * HIGH})">{line}</g>')
    styles = "".join(f".{name}{{{rule}}}" for rule, name in classes.items())
    box = f"{width * WIDE:.0f} {height * HIGH:.0f}"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {box}">',
            f"<style>{_TEXT}{styles}</style>",
            f'<rect width="100%" height="100%" fill="{back}"/>',
            *lines,
            "</svg>",
            "",
        ]
    )


def _runs(segments: list[Segment], back: str, classes: dict[str, str]) -> list[str]:
    """The pieces of a line that look alike: their background, and their text."""
    made, x = [], 0
    for look, group in groupby(segments, key=lambda one: _look(one.style)):
        text = "".join(one.text for one in group)
        cells = Segment(text).cell_length
        fore, behind, more = look
        if behind and behind != back:
            name = classes.setdefault(f"fill:{behind}", f"s{len(classes)}")
            made.append(
                f'<rect class="{name}" x="{x * WIDE}" width="{cells * WIDE}" height="{HIGH}"/>'
            )
        shown = text.rstrip()
        if shown:
            left = len(shown) - len(shown.lstrip())
            shown = shown.lstrip()
            name = classes.setdefault(f"fill:{fore}{more}", f"s{len(classes)}")
            long = Segment(shown).cell_length * WIDE
            held = "" if _OURS.fullmatch(shown) else f' textLength="{long}"'
            where = f'class="{name}" x="{(x + left) * WIDE}"{held}'
            made.append(f"<text {where}>{escape(shown, quote=False)}</text>")
        x += cells
    return made


def _look(style: Style | None) -> tuple[str, str, str]:
    """Foreground, background, and what else, in CSS."""
    if style is None:
        return "#888", "", ""
    fore = style.color.get_truecolor(DEFAULT_TERMINAL_THEME).hex if style.color else "#888"
    behind = (
        style.bgcolor.get_truecolor(DEFAULT_TERMINAL_THEME, foreground=False).hex
        if style.bgcolor and not style.bgcolor.is_default
        else ""
    )
    if style.reverse:
        fore, behind = behind or "#000", fore
    more = ";font-weight:bold" if style.bold else ""
    more += ";font-style:italic" if style.italic else ""
    more += ";text-decoration:underline" if style.underline else ""
    return fore, behind, more + (";opacity:.6" if style.dim else "")
