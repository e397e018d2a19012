"""Keys of one request."""

from tokenhub_tui.actions.base import Action

ACTIONS = (
    Action(
        id="request.other",
        keys="tab,right,shift+tab,left",
        shown="tab",
        title="JSON",
        help="Change between what the request came to, and its record as JSON.",
        bar=1,
    ),
    Action(
        id="request.copy",
        keys="y",
        title="Copy id",
        help="Copy the request's id to the clipboard of the terminal.",
        bar=2,
    ),
    Action(
        id="request.copy-as",
        keys="Y",
        title="Copy as…",
        help="Copy the request as JSON, curl, tokenhubctl or Python.",
        command="tokenhubctl logs get ID -o json",
        bar=3,
    ),
    Action(
        id="request.simulate",
        keys="s",
        title="Simulate",
        help="Ask the simulator who would answer this request, under this policy or others.",
        command="tokenhubctl simulate --mode MODE --tokens N",
        bar=4,
    ),
    Action(
        id="request.parent",
        keys="o",
        title="Plan",
        help="Open the orchestration that this request is a step of.",
        command="tokenhubctl orchestration get ID",
        bar=5,
    ),
)
