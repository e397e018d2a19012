"""The control plane over copies: for dry runs, and for what is to be committed as a whole.

Every use case is made a second time, over stores in memory that begin with what there is. It
checks and answers as ever; what it writes, publishes or enters in the audit trail ends with the
request. Copies are of immutable rows, so that a rehearsal costs some dicts.
"""

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Never

from tokenhub.adapters.memory.access import MemoryTokenStore
from tokenhub.adapters.memory.audit import MemoryAudit
from tokenhub.adapters.memory.rewards import MemoryRewards
from tokenhub.adapters.memory.secrets import MemorySecrets
from tokenhub.adapters.memory.staging import StagedCatalog, StagedKeys, StagedSeries
from tokenhub.adapters.memory.vault import MemoryVaultStore
from tokenhub.adapters.memory.views import MemoryViews
from tokenhub.adapters.sealed.secrets import VaultSecrets
from tokenhub.admin.access import Access
from tokenhub.admin.aliases import Aliases
from tokenhub.admin.audit import Trail
from tokenhub.admin.changes import Changes
from tokenhub.admin.charts import Charts
from tokenhub.admin.feedback import Feedbacks
from tokenhub.admin.health import Fleet
from tokenhub.admin.keys import Keys
from tokenhub.admin.log_level import LogLevel
from tokenhub.admin.models import Models
from tokenhub.admin.prices import Prices
from tokenhub.admin.providers import Providers
from tokenhub.admin.rewards import Rewards
from tokenhub.admin.routing import Routing
from tokenhub.admin.staging import Stage
from tokenhub.admin.tokens import Tokens
from tokenhub.admin.vault import Vault
from tokenhub.core.access import BOOTSTRAP
from tokenhub.core.catalog import Provider
from tokenhub.core.destinations import Destinations
from tokenhub.core.errors import Conflict
from tokenhub.core.feedback import Feedback
from tokenhub.core.learning import Standing, Taught
from tokenhub.parts import Parts
from tokenhub.ports.clock import Clock
from tokenhub.ports.config import Write
from tokenhub.ports.feedback import FeedbackQuery, FeedbackStore
from tokenhub.ports.health import HealthBoard
from tokenhub.ports.journal import Journal
from tokenhub.ports.orchestrations import OrchestrationStore
from tokenhub.ports.prices import PriceList
from tokenhub.ports.provider import Upstreams
from tokenhub.ports.rewards import Learning
from tokenhub.ports.secrets import Secrets
from tokenhub.ports.series import SeriesStore
from tokenhub.ports.snapshot import Snapshot
from tokenhub.ports.vault import Safe


@dataclass(frozen=True, kw_only=True, slots=True)
class Rehearsal:
    """What copies are made of. `token_given` is whether the environment sets the first token."""

    changes: Changes
    held: Secrets
    safe: Safe
    keys: Keys
    vault: Vault
    allowed: Snapshot[Destinations]
    listed: PriceList
    series: SeriesStore
    feedback: FeedbackStore
    journal: Journal
    orchestrations: OrchestrationStore
    learning: Learning
    board: HealthBoard
    upstreams: Upstreams
    token_given: bool
    clock: Clock

    def stage(self) -> Stage:
        """Use cases over copies of what is stored now."""
        written: list[Write] = []
        safe = Safe()
        safe.swap(self.safe.contents, self.safe.ring)
        held, take_over = _copied(self.held, safe)
        vault_store = MemoryVaultStore(safe.contents)
        stored = self.changes.stored
        changes = Changes(
            store=StagedCatalog(stored, vault_store, written),
            catalog=Snapshot(stored),
            clock=self.clock,
            environment=self.changes.environment,
        )
        changes.publish(stored)
        prices = Prices(changes=changes, listed=self.listed, clock=self.clock)
        providers = Providers(
            changes=changes,
            secrets=held,
            upstreams=_Nobody(),
            prices=prices,
            allowed=self.allowed,
        )
        return Stage(
            changes=changes,
            secrets=held,
            providers=providers,
            models=Models(changes=changes, prices=prices),
            prices=prices,
            aliases=Aliases(changes=changes),
            routing=Routing(changes=changes),
            keys=self.keys.over(StagedKeys(self.keys.every(), written)),
            charts=Charts(store=StagedSeries(self.series, written), clock=self.clock),
            vault=self.vault.over(vault_store, safe),
            written=written,
            take_over=take_over,
        )

    def parts(self, parts: Parts) -> Parts:
        """These parts, where what changes something works on copies."""
        stage = self.stage()
        trail = Trail(store=MemoryAudit(), clock=self.clock)
        return replace(
            parts,
            providers=stage.providers,
            models=stage.models,
            prices=stage.prices,
            aliases=stage.aliases,
            routing=stage.routing,
            keys=stage.keys,
            charts=stage.charts,
            vault=stage.vault,
            views=parts.views.over(MemoryViews(parts.views.every())),
            trail=trail,
            access=self._access(parts),
            fleet=Fleet(
                _Board(self.board),
                self.upstreams,
                catalog=parts.catalog,
                clock=self.clock,
                trail=trail,
            ),
            feedbacks=self._feedbacks(parts, trail),
            log_level=LogLevel(read=parts.log_level.current, swap=_nowhere, trail=trail),
            rewards=Rewards(
                store=MemoryRewards(),
                learning=_Learned(self.learning),
                trail=trail,
                clock=self.clock,
            ),
        )

    def _access(self, parts: Parts) -> Access:
        """Who may operate this server, with tokens that may be changed."""
        there = parts.access.tokens
        rows = [row for row in there.every() if row.id != BOOTSTRAP]
        tokens = Tokens(
            store=MemoryTokenStore(rows),
            bootstrap=Snapshot(parts.admin_token.current),
            file=_File(given=self.token_given),
            clock=self.clock,
            randbits=secrets.randbits,
        )
        tokens.begin(rows)
        return Access(tokens=tokens, sessions=parts.access.sessions, clock=self.clock)

    def _feedbacks(self, parts: Parts, trail: Trail) -> Feedbacks:
        found = Feedbacks(
            _Said(self.feedback),
            journal=self.journal,
            orchestrations=self.orchestrations,
            trail=trail,
            clock=self.clock,
            learn=_nowhere,
        )
        found.rules = parts.feedbacks.rules
        return found


def _copied(held: Secrets, safe: Safe) -> tuple[Secrets, Callable[[], None]]:
    """The providers' keys once more, and what puts those in force."""
    if isinstance(held, VaultSecrets):
        sealed = held.copied(safe)
        return sealed, lambda: held.take_over(sealed)
    assert isinstance(held, MemorySecrets)
    copy = held.copied()
    return copy, lambda: held.take_over(copy)


def _nowhere(_: object) -> None:
    """Take what nobody is to hear of."""


class _Nobody:
    """Upstreams that are not asked: a rehearsal stays in this house."""

    def of(self, provider: Provider) -> Never:
        raise Conflict(f"provider {provider.id!r} is not asked in a dry run", code="dry_run")

    async def close(self) -> None:
        return None


class _File:
    """A TokenFile that is not written."""

    def __init__(self, *, given: bool) -> None:
        self.given = given

    def replace(self, token: str) -> None:
        del token


class _Board:
    """A HealthBoard that is read and forgets nothing."""

    def __init__(self, board: HealthBoard) -> None:
        self.known = board.known
        self.latency_s = board.latency_s
        self.probes = board.probes

    def probed(self, *_: Any, **__: Any) -> None:
        """Nothing: nobody is probed."""

    def plan(self, provider_id: str, at: float | None) -> None:
        """Nothing: nobody is going to be probed."""

    def forget(self, name: str) -> None:
        """Nothing."""


class _Learned:
    """A Learning that is read and forgets nothing."""

    def __init__(self, learning: Learning) -> None:
        self.version = learning.version
        self._learning = learning

    @property
    def taught(self) -> Taught:
        return self._learning.taught

    def standings(self) -> Iterable[Standing]:
        return self._learning.standings()

    def known(self) -> set[str]:
        return self._learning.known()

    def forget(self, route: str) -> None:
        """Nothing."""

    def forget_all(self) -> None:
        """Nothing."""


class _Said:
    """A FeedbackStore that is read and takes nothing."""

    def __init__(self, store: FeedbackStore) -> None:
        self.page = store.page
        self.count = store.count
        self._store = store

    async def put(self, row: Feedback) -> Feedback | None:
        """What it would take the place of."""
        one = row.quality
        query = FeedbackQuery(request_id=one.request_id, source=one.source, limit=1)
        return next(iter(await self._store.page(query)), None)

    def note(self, rows: object) -> None:
        """Nothing."""
