"""Keys of the screen More."""

from tokenhub_tui.actions.base import Action

ACTIONS = (
    Action(
        id="more.check",
        keys="D",
        title="Check all",
        help="Look for what is most often wrong; asks each enabled provider once.",
        command="tokenhubctl doctor",
        bar=1,
    ),
    Action(
        id="more.messages",
        keys="m",
        title="Messages",
        help="Show what the console has said, instead of the checks.",
        bar=2,
    ),
)
