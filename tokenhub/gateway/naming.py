"""What the caller's name for a model stands for: an alias is resolved once, and not followed."""

from collections import Counter

from tokenhub.core.aliases import ANY, Alias, StandsFor, stands_for
from tokenhub.core.ask import Ask
from tokenhub.core.catalog import Catalog
from tokenhub.gateway.run import Run


class Naming:
    """Counts the turns of the aliases that go round; a restart begins anew."""

    def __init__(self) -> None:
        self._turns: Counter[str] = Counter()

    def __call__(self, run: Run) -> StandsFor | None:
        """What the model of a request stands for; None where its name is no alias."""
        alias = _alias(run.catalog, run.ask)
        if alias is None:
            return None
        turn = self._turns[alias.name]
        self._turns[alias.name] = turn + 1
        return stands_for(alias, request_id=run.request_id, key_id=run.key.id, turn=turn)

    def peek(
        self, catalog: Catalog, ask: Ask, *, request_id: str, key_id: str = ""
    ) -> StandsFor | None:
        """What the model of a request of this id would stand for next. No turn is taken."""
        alias = _alias(catalog, ask)
        if alias is None:
            return None
        turn = self._turns[alias.name]
        return stands_for(alias, request_id=request_id, key_id=key_id, turn=turn)


def _alias(catalog: Catalog, ask: Ask) -> Alias | None:
    if not catalog.aliases or (ask.errand is not None and ask.errand.named):
        return None
    name = ask.model.strip() or ANY
    if name == ANY and ask.fallbacks:
        return None  # the pool is for those who name nobody: a list names somebody
    alias = catalog.aliases.get(name)
    return alias if alias is not None and alias.enabled else None
