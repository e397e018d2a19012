"""Keys of the rewards."""

from tokenhub_tui.actions.base import Action

ACTIONS = (
    Action(
        id="rewards.bucket",
        keys="b",
        title="Work",
        help="The next kind of work: chat, code, and so on, or all of it together.",
        command="tokenhubctl rewards arms",
        bar=2,
    ),
    Action(
        id="rewards.every",
        keys="a",
        title="All arms",
        help="Show the arms of every kind of work beside each other, or of one kind again.",
        command="tokenhubctl rewards arms",
        bar=6,
    ),
    Action(
        id="rewards.draw",
        keys="d",
        title="Draw 1,000",
        help="Draw 1,000 times from what is believed, and show who has the best answer how often; "
        "esc goes back to the curves. Each time with the next seed.",
        bar=4,
    ),
    Action(
        id="rewards.other",
        keys="tab",
        title="Entries/arms",
        help="Change between the arms and the judgements that they were learned from.",
        command="tokenhubctl rewards list",
        bar=1,
    ),
    Action(
        id="rewards.reset",
        keys="R",
        title="Forget",
        help="Forget all that was learned of the route under the cursor. Its judgements stay in "
        "the list.",
        changes=True,
        command="tokenhubctl rewards reset ROUTE",
        bar=7,
    ),
    Action(
        id="rewards.filter",
        keys="slash",
        shown="/",
        title="Filter",
        help="Show only the judgements that a filter means, as in source:judge score<0.5.",
        command="tokenhubctl rewards list --model MODEL --source SOURCE",
        bar=3,
    ),
    Action(
        id="rewards.open",
        keys="enter",
        shown="⏎",
        title="Request",
        help="All about the request that was judged.",
        command="tokenhubctl logs get ID",
        bar=5,
    ),
    Action(
        id="rewards.judge",
        keys="J",
        title="Judge",
        help="Say how good the answer was; an operator's word takes the place of the one before.",
        changes=True,
        command="tokenhubctl feedback add ID --up",
        bar=8,
    ),
    Action(
        id="rewards.copy",
        keys="y",
        title="Copy id",
        help="Copy the request's id, or the route, to the clipboard of the terminal.",
    ),
)
