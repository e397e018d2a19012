"""What the caller's name for a model stands for: an alias is resolved once, and not followed."""

from collections import Counter

from tokenhub.core.aliases import ANY, StandsFor, stands_for
from tokenhub.gateway.run import Run


class Naming:
    """Counts the turns of the aliases that go round; a restart begins anew."""

    def __init__(self) -> None:
        self._turns: Counter[str] = Counter()

    def __call__(self, run: Run) -> StandsFor | None:
        """What the model of a request stands for; None where its name is no alias."""
        aliases = run.catalog.aliases
        if not aliases:
            return None
        alias = aliases.get(run.ask.model.strip() or ANY)
        if alias is None or not alias.enabled:
            return None
        turn = self._turns[alias.name]
        self._turns[alias.name] = turn + 1
        return stands_for(alias, request_id=run.request_id, key_id=run.key.id, turn=turn)
