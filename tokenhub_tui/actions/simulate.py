"""Keys of the simulator, and of the explanation of one of its policies."""

from tokenhub_tui.actions.base import Action

ACTIONS = (
    Action(
        id="simulate.explain",
        keys="enter",
        shown="⏎",
        title="Explain",
        help="Candidate by candidate: what the policy under the cursor makes of each, and why.",
        command="tokenhubctl simulate --mode MODE -o json",
        bar=1,
    ),
    Action(
        id="simulate.edit",
        keys="e",
        title="Edit",
        help="Write the value under the cursor anew; enter keeps it, esc puts the old one back.",
        bar=2,
    ),
    Action(
        id="simulate.lower",
        keys="less_than_sign",
        shown="<",
        title="Less",
        help="A step down with the value under the cursor; of a mode, the one before.",
    ),
    Action(
        id="simulate.higher",
        keys="greater_than_sign",
        shown=">",
        title="More",
        help="A step up with the value under the cursor; of a mode, the next one.",
    ),
    Action(
        id="simulate.replay",
        keys="p",
        title="Replay",
        help="Have the newest logged requests decided again under each policy; esc goes back.",
        command="tokenhubctl replay --mode MODE --limit 200",
        bar=3,
    ),
    Action(
        id="simulate.save",
        keys="w",
        title="Save as default",
        help="Make the policy under the cursor the server's default; asks first, ctrl+z undoes it.",
        changes=True,
        command="tokenhubctl routing set --mode MODE --budget USD --latency MS",
        bar=4,
    ),
    Action(
        id="simulate.new",
        keys="n",
        title="New policy",
        help="Add a policy, like the one under the cursor; 16 are compared at most.",
        bar=5,
    ),
    Action(
        id="simulate.delete",
        keys="d",
        title="Drop policy",
        help="Take the policy under the cursor out of the comparison.",
        bar=6,
    ),
    Action(
        id="simulate.copy",
        keys="y",
        title="Copy command",
        help="Copy the line of tokenhubctl that asks the same.",
    ),
    Action(
        id="explained.copy",
        keys="y",
        title="Copy",
        help="Copy the sentence about the candidate under the cursor.",
        bar=1,
    ),
)
