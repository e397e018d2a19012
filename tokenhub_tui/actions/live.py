"""Keys of the live decisions."""

from tokenhub_tui.actions.base import Action

ACTIONS = (
    Action(
        id="live.follow",
        keys="f",
        title="Follow",
        help="Stay on the newest request, or leave it. Moving up leaves it as well.",
        bar=1,
    ),
    Action(
        id="live.pause",
        keys="space",
        shown="space",
        title="Pause",
        help="Hold the picture; what comes meanwhile is counted and kept.",
        bar=2,
    ),
    Action(
        id="live.open",
        keys="enter",
        shown="⏎",
        title="Detail",
        help="All about this request: its attempts, candidates, money.",
        command="tokenhubctl logs get ID",
        bar=3,
    ),
    Action(
        id="live.filter",
        keys="slash",
        shown="/",
        title="Filter",
        help="Show only the requests that a filter means, as in model:gpt status:error ms>2000.",
        command="tokenhubctl events --filter FILTER",
        bar=4,
    ),
    Action(
        id="live.why-not",
        keys="w",
        title="Why not?",
        help="Why another route was not chosen: what left it out, or the terms that lost.",
        command="tokenhubctl routing explain ID",
        bar=5,
    ),
    Action(
        id="live.copy",
        keys="y",
        title="Copy id",
        help="Put the id of this request on the clipboard.",
        bar=6,
    ),
)
