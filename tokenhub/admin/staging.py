"""Use cases over copies of all that is stored: what they change is in `written`, and nowhere."""

from collections.abc import Callable
from dataclasses import dataclass

from tokenhub.admin.aliases import Aliases
from tokenhub.admin.changes import Changes
from tokenhub.admin.charts import Charts
from tokenhub.admin.keys import Keys
from tokenhub.admin.models import Models
from tokenhub.admin.prices import Prices
from tokenhub.admin.providers import Providers
from tokenhub.admin.routing import Routing
from tokenhub.admin.vault import Vault
from tokenhub.ports.config import Write
from tokenhub.ports.secrets import Secrets


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """`take_over` puts the keys of providers in force that were given to the copies."""

    changes: Changes
    secrets: Secrets
    providers: Providers
    models: Models
    prices: Prices
    aliases: Aliases
    routing: Routing
    keys: Keys
    charts: Charts
    vault: Vault
    written: list[Write]
    take_over: Callable[[], None]
