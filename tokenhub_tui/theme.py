"""Our themes, beside those of Textual.

Series of charts take the colours of Okabe and Ito (2008), which people with any common colour
vision tell apart. State is never told by colour alone: marks and words stand beside it.
"""

from textual.theme import Theme

SERIES = ("#56b4e9", "#e69f00", "#009e73", "#cc79a7", "#f0e442", "#d55e00", "#0072b2", "#999999")

DARK = Theme(
    name="tokenhub-dark",
    primary="#56b4e9",
    secondary="#7d8ca3",
    accent="#e69f00",
    success="#5fd7a7",
    warning="#f0c674",
    error="#ff8b72",
    foreground="#d7dce2",
    background="#11151b",
    surface="#171c24",
    panel="#222a35",
    dark=True,
    variables={"border": "#3a4656", "border-blurred": "#2b3441", "scrollbar": "#2b3441"},
)
LIGHT = Theme(
    name="tokenhub-light",
    primary="#0b63a5",
    secondary="#5a6675",
    accent="#9a5b00",
    success="#0a6b4a",
    warning="#7a5200",
    error="#b3261e",
    foreground="#1d232b",
    background="#fbfbf8",
    surface="#f2f2ed",
    panel="#e4e5df",
    dark=False,
    variables={"border": "#b9beb8", "border-blurred": "#d3d6d0", "scrollbar": "#d3d6d0"},
)
CONTRAST = Theme(
    name="high-contrast",
    primary="#00d7ff",
    secondary="#ffffff",
    accent="#ffff00",
    success="#00ff5f",
    warning="#ffff00",
    error="#ff5f5f",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#1c1c1c",
    dark=True,
    variables={"border": "#ffffff", "border-blurred": "#8a8a8a", "scrollbar": "#8a8a8a"},
)
THEMES = (DARK, LIGHT, CONTRAST)
