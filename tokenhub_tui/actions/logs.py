"""Keys of the log and the audit trail, and of a plan that was opened from there."""

from tokenhub_tui.actions.base import Action

ACTIONS = (
    Action(
        id="logs.open",
        keys="enter",
        shown="⏎",
        title="Detail",
        help="All about the row: a request with its attempts, a change with its differences.",
        command="tokenhubctl logs get ID",
        bar=1,
    ),
    Action(
        id="logs.filter",
        keys="slash",
        shown="/",
        title="Filter",
        help="Ask for those that a filter means: status:error since:1h, action:model.* actor:cli.",
        command="tokenhubctl logs list --filter FILTER",
        bar=2,
    ),
    Action(
        id="logs.other",
        keys="tab,right,shift+tab,left",
        shown="tab",
        title="Audit/requests",
        help="Change between the requests and the audit trail.",
        command="tokenhubctl audit list",
        bar=3,
    ),
    Action(
        id="logs.views",
        keys="v",
        title="Views",
        help="Use a saved view of the log, save the filter as one, or delete one.",
        command="tokenhubctl view list",
        bar=4,
    ),
    Action(
        id="logs.export",
        keys="E",
        title="Export",
        help="Write all that the filter means to a file, as CSV or as lines of JSON.",
        command="tokenhubctl logs list --all --filter FILTER -o csv",
        bar=5,
    ),
    Action(
        id="logs.newest",
        keys="N",
        title="Newest",
        help="Go back to the newest row, and show what has come meanwhile.",
    ),
    Action(
        id="logs.copy",
        keys="y",
        title="Copy id",
        help="Copy the id of the row to the clipboard of the terminal.",
    ),
    Action(
        id="plan.open",
        keys="enter",
        shown="⏎",
        title="Step",
        help="All about this step: it is a request like any other.",
        command="tokenhubctl orchestration get ID",
        bar=1,
    ),
    Action(
        id="plan.copy",
        keys="y",
        title="Copy id",
        help="Copy the plan's id to the clipboard of the terminal.",
        bar=2,
    ),
)
