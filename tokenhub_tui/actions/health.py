"""Keys of the health of providers."""

from tokenhub_tui.actions.base import Action

ACTIONS = (
    Action(
        id="health.test",
        keys="t",
        title="Test now",
        help="Ask the provider under the cursor for its models, with its key.",
        changes=True,
        command="tokenhubctl provider test PROVIDER",
        bar=1,
    ),
    Action(
        id="health.reset",
        keys="R",
        title="Reset",
        help="Think of it as if it had never failed: it is asked again at once. Asks first.",
        changes=True,
        command="tokenhubctl health reset PROVIDER|ROUTE",
        bar=2,
    ),
    Action(
        id="health.ill",
        keys="i",
        title="Ill only",
        help="Show only what is not healthy, or all again.",
        command="tokenhubctl health list --exit-code",
        bar=3,
    ),
    Action(
        id="health.filter",
        keys="slash",
        shown="/",
        title="Filter",
        help="Show only what a filter means, as in provider:openai state:down.",
        bar=4,
    ),
)
