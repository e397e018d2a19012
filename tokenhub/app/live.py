"""What is told of changes, and that the server lives."""

from collections.abc import Callable

from tokenhub.core.catalog import Catalog
from tokenhub.core.events import CONFIG_CHANGED, VAULT_CHANGED, Event
from tokenhub.ports.events import Events
from tokenhub.ports.stores import DONE, Audit

# What an operator does to the audit trail by looking, coming and going: nothing has changed.
_NO_CHANGE = ("session.", "auth.", "vault.secret.get", "vault.verify", "backup.", "health.")
_STATES = {"vault.init": "unlocked", "vault.unlock": "unlocked", "vault.lock": "locked"}


def changes(events: Events) -> Callable[[Audit], None]:
    """Tells of each change that the audit trail has an entry of, once it is committed."""

    def heard(entry: Audit) -> None:
        if entry.outcome != DONE or entry.action.startswith(_NO_CHANGE):
            return
        of_the_vault = entry.action.startswith("vault.")
        events.emit(
            Event(
                type=VAULT_CHANGED if of_the_vault else CONFIG_CHANGED,
                action=entry.action,
                # The names of secrets are for owners.
                resource="" if of_the_vault else entry.resource,
                actor=entry.actor,
                request_id=entry.request_id,
                new_state=_STATES.get(entry.action, ""),
            )
        )

    return heard


def counted(catalog: Catalog) -> str:
    """What the original's heartbeat says: how many providers there are, and enabled models."""
    models = sum(model.enabled for model in catalog.models.values())
    return f"providers={len(catalog.providers)} models={models}"
