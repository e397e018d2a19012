"""What the caller's name for a model stands for: an alias is resolved once, and not followed."""

from collections import Counter

from tokenhub.core.aliases import ANY, Alias, StandsFor, stands_for
from tokenhub.core.ask import Errand
from tokenhub.core.catalog import Catalog
from tokenhub.gateway.run import Run


class Naming:
    """Counts the turns of the aliases that go round; a restart begins anew."""

    def __init__(self) -> None:
        self._turns: Counter[str] = Counter()

    def __call__(self, run: Run) -> StandsFor | None:
        """What the model of a request stands for; None where its name is no alias."""
        alias = _alias(run.catalog, run.ask.model, run.ask.errand)
        if alias is None:
            return None
        turn = self._turns[alias.name]
        self._turns[alias.name] = turn + 1
        return stands_for(alias, request_id=run.request_id, key_id=run.key.id, turn=turn)

    def peek(self, catalog: Catalog, name: str, errand: Errand | None = None) -> StandsFor | None:
        """What a name would stand for next. A split by request or key is one by chance here."""
        alias = _alias(catalog, name, errand)
        if alias is None:
            return None
        return stands_for(alias, request_id="", key_id="", turn=self._turns[alias.name])


def _alias(catalog: Catalog, name: str, errand: Errand | None) -> Alias | None:
    if not catalog.aliases or (errand is not None and errand.named):
        return None
    alias = catalog.aliases.get(name.strip() or ANY)
    return alias if alias is not None and alias.enabled else None
