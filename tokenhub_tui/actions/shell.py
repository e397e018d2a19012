"""Keys that work on every screen."""

from collections.abc import Iterator

import msgspec

from tokenhub_tui.actions.base import APP, Action


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A screen that a digit leads to."""

    name: str
    title: str
    key: str
    help: str


PLACES = (
    Place(name="live", title="Live", key="1", help="Decisions as they are taken, and why."),
    Place(name="charts", title="Charts", key="2", help="Latency, cost, tokens, errors over time."),
    Place(name="simulate", title="Simulate", key="3", help="Policies side by side, and replayed."),
    Place(name="fleet", title="Fleet", key="4", help="Providers, models, routing, aliases."),
    Place(name="keys", title="Keys", key="5", help="API keys and their budgets."),
    Place(name="health", title="Health", key="6", help="How providers and routes are doing."),
    Place(name="logs", title="Logs", key="7", help="Requests and the audit trail."),
    Place(name="rewards", title="Rewards", key="8", help="What the learning router believes."),
    Place(name="flows", title="Flows", key="9", help="Orchestrations and workflows."),
    Place(name="more", title="More", key="0", help="Vault, settings, messages, doctor."),
)


def _places() -> Iterator[Action]:
    for place in PLACES:
        yield Action(
            id=f"{APP}.{place.name}",
            keys=place.key,
            title=place.title,
            help=f"Go to {place.title}. {place.help}",
            does=f"go('{place.name}')",
        )


ACTIONS = (
    *_places(),
    Action(
        id="app.next",
        keys="right_square_bracket",
        shown="]",
        title="Next screen",
        help="Go to the screen with the next digit.",
        does="step(1)",
    ),
    Action(
        id="app.previous",
        keys="left_square_bracket",
        shown="[",
        title="Previous screen",
        help="Go to the screen with the digit before.",
        does="step(-1)",
    ),
    Action(
        id="app.last",
        keys="minus",
        shown="-",
        title="Last screen",
        help="Go back to the screen that was shown before this one.",
    ),
    Action(
        id="app.palette",
        keys="colon,ctrl+p",
        shown=": ctrl+p",
        title="Commands",
        help="Find by its name what can be done here, a screen, a model, a key, a request.",
    ),
    Action(
        id="app.contexts",
        keys="c",
        title="Servers",
        help="See how the servers that have a name are doing, show another, or give a token.",
        command="tokenhubctl context list",
    ),
    Action(
        id="app.jump",
        keys="ctrl+o",
        title="Jump",
        help="Put a letter on each part of the screen; typing it goes there.",
    ),
    Action(
        id="app.themes",
        keys="ctrl+t",
        title="Theme",
        help="Choose the colours; each is shown while it is marked, and the choice is remembered.",
    ),
    Action(
        id="app.picture",
        keys="ctrl+s",
        title="Picture",
        help="Save the screen as a picture (SVG) in the folder where the console was started.",
    ),
    Action(
        id="app.refresh",
        keys="r",
        title="Refresh",
        help="Ask the server anew, now.",
    ),
    Action(
        id="app.back",
        keys="escape",
        shown="esc",
        title="Back",
        help="Close what went wrong; else clear the filter; else leave what was opened.",
    ),
    Action(
        id="app.undo",
        keys="ctrl+z",
        title="Undo",
        help="Take the last small change back: a weight, or what was switched on or off.",
        changes=True,
    ),
    Action(
        id="app.keys-panel",
        keys="question_mark",
        shown="?",
        title="Keys",
        help="Show or hide the keys that work here.",
        bar=98,
    ),
    Action(
        id="app.page-help",
        keys="f1",
        shown="F1",
        title="Help",
        help="What this screen shows, where its numbers come from, and the same by tokenhubctl.",
    ),
    Action(
        id="app.quit",
        keys="q",
        title="Quit",
        help="Leave the console; asks first where a new provider is begun, or a weight not sent.",
        does="leave",
        bar=99,
    ),
    Action(
        id="app.quit-now",
        keys="ctrl+q",
        title="Quit now",
        help="Leave the console at once.",
        does="quit",
    ),
    Action(
        id="app.seek-back",
        keys="comma",
        shown=",",
        title="10 s back",
        help="Go ten seconds back in the recording; a click on its line goes anywhere.",
        does="seek(-10)",
    ),
    Action(
        id="app.seek-on",
        keys="full_stop",
        shown=".",
        title="10 s on",
        help="Go ten seconds on in the recording.",
        does="seek(10)",
    ),
    Action(
        id="app.slower",
        keys="less_than_sign",
        shown="<",
        title="Slower",
        help="Play the recording slower; the slowest holds it.",
        does="speed(-1)",
    ),
    Action(
        id="app.faster",
        keys="greater_than_sign",
        shown=">",
        title="Faster",
        help="Play the recording faster, up to a hundred times.",
        does="speed(1)",
    ),
)
