"""Keys of orchestrations and workflows."""

from tokenhub_tui.actions.base import Action

ACTIONS = (
    Action(
        id="flows.open",
        keys="enter",
        shown="⏎",
        title="Open",
        help="From a plan to its steps; from a step to all about its request.",
        command="tokenhubctl orchestration get ID",
        bar=1,
    ),
    Action(
        id="flows.follow",
        keys="f",
        title="Follow",
        help="Stay on the newest plan, or leave it. Moving to another one leaves it as well.",
        command="tokenhubctl orchestration list",
        bar=2,
    ),
    Action(
        id="flows.other",
        keys="tab",
        title="Other list",
        help="The orchestrations, or the workflows of Temporal's.",
        command="tokenhubctl workflow list",
        bar=3,
    ),
    Action(
        id="flows.filter",
        keys="slash",
        shown="/",
        title="Filter",
        help="Show only what a filter means, as in mode:vote status:failed cost>0.1.",
        bar=4,
    ),
    Action(
        id="flows.copy",
        keys="y",
        title="Copy id",
        help="Copy the id of the plan, or of the step, under the cursor.",
        bar=5,
    ),
)
