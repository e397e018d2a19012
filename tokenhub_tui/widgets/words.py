"""Words of the server as text of the screen: nothing in them is markup, or steers a terminal."""

from textual.content import Content
from textual.style import Style

from tokenhub.client.text import clean, harmless

# Which variable of the theme a tone is.
COLOURS = {
    "good": "$text-success",
    "warn": "$text-warning",
    "bad": "$text-error",
    # In a span, $text-muted is the full contrast: Textual blends what is "auto" in styles alone.
    "dim": "$foreground-muted",
    "head": "bold",
    "key": "$text-accent",
    "": "",
}


def words(text: str, tone: str = "") -> Content:
    """One line of plain text, in a tone."""
    return Content.styled(clean(text), COLOURS[tone])


def lines(text: str, tone: str = "") -> Content:
    """Several lines of it."""
    return Content.styled(harmless(text), COLOURS[tone])


def link(text: str, action: str) -> Content:
    """Text whose click does an action, in Textual's words.

    As markup it would be read again, and a minus among the arguments is none of markup's.
    """
    return Content.styled(text, Style.from_meta({"@click": action}))
