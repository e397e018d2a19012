"""Rows to keep, and the adapters that keep them."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from tests.support import blank
from tokenhub.adapters.memory.access import MemoryTokenStore
from tokenhub.adapters.memory.audit import MemoryAudit
from tokenhub.adapters.memory.feedback import MemoryFeedback
from tokenhub.adapters.memory.orchestrations import MemoryOrchestrations
from tokenhub.adapters.memory.stores import MemoryCatalogStore, MemoryJournal, MemoryKeyStore
from tokenhub.adapters.sqlite.stores import open_stores
from tokenhub.core.catalog import Model, Provider, Tier
from tokenhub.core.keys import ApiKey
from tokenhub.core.outcome import Attempt, Outcome
from tokenhub.ports.access import TokenStore
from tokenhub.ports.audit import AuditTrail
from tokenhub.ports.feedback import FeedbackStore
from tokenhub.ports.journal import Journal
from tokenhub.ports.orchestrations import OrchestrationStore
from tokenhub.ports.stores import Audit, CatalogStore, KeyStore

AUDIT = Audit(action="put", resource="provider:here", actor="admin", at=1_700_000_000.25)
HERE = Provider(
    id="here",
    type="vllm",
    base_url="http://127.0.0.1:9000",
    endpoints=("http://127.0.0.1:9000", "http://127.0.0.1:9001"),
    enabled=False,
    cred_store="memory",
    source="credentials",
)
SMALL = Model(
    id="org/small",
    provider_id="here",
    weight=3,
    max_context_tokens=8192,
    input_price=150_000_000,
    output_price=None,
    enabled=False,
    pricing_source="catalog",
    source="credentials",
    cached_price=15_000_000,
    cache_write_price=187_500_000,
    cache_write_1h_price=300_000_000,
    reasoning_price=0,
    tiers=(Tier(above_tokens=4096, input_price=300_000_000, cached_price=30_000_000),),
)
KEY = ApiKey(
    id="key_1",
    name="ours",
    digest=bytes(range(32)),
    prefix="tokenhub_abcd...wxyz",
    scopes=("chat", "embeddings"),
    created_at=1_700_000_000.125,
    expires_at=1_800_000_000.0,
    enabled=False,
    rate_limit_rps=-1,
    directives=False,
    judged=False,
)


class Kept(msgspec.Struct, frozen=True):
    """One way to keep things, with a look at its audit trail: action and resource, oldest first."""

    catalog: CatalogStore
    keys: KeyStore
    tokens: TokenStore
    journal: Journal
    orchestrations: OrchestrationStore
    audit: Callable[[], Awaitable[list[tuple[str, str]]]]
    trail: AuditTrail
    feedback: FeedbackStore


@asynccontextmanager
async def in_memory() -> AsyncIterator[Kept]:
    catalog, keys, tokens = MemoryCatalogStore(), MemoryKeyStore(), MemoryTokenStore()

    async def audit() -> list[tuple[str, str]]:
        entries = (*catalog.audit, *keys.audit, *tokens.audit)
        return [(entry.action, entry.resource) for entry in entries]

    journal = MemoryJournal()
    yield Kept(
        catalog,
        keys,
        tokens,
        journal,
        MemoryOrchestrations(),
        audit,
        MemoryAudit(),
        MemoryFeedback(journal),
    )


@asynccontextmanager
async def on_disk(path: Path) -> AsyncIterator[Kept]:
    blank.lay(path)
    async with open_stores(path) as stores:

        async def audit() -> list[tuple[str, str]]:
            return await stores._ledger.read(
                lambda conn: conn.execute(
                    "SELECT action, resource FROM audit_log ORDER BY id"
                ).fetchall()
            )

        yield Kept(
            stores.catalog,
            stores.keys,
            stores.tokens,
            stores.journal,
            stores.orchestrations,
            audit,
            stores.audit,
            stores.feedback,
        )


def outcome(number: int, **changes: object) -> Outcome:
    """A request that its second attempt answered; a later number is a later id."""
    failed = Attempt(
        number=1, provider_id="there", model_id="big", state="voided", kind="transient", status=503
    )
    answered = Attempt(
        number=2,
        provider_id="here",
        model_id="org/small",
        state="settled",
        status=200,
        latency_s=0.25,
        input_tokens=100,
        output_tokens=10,
        cached_tokens=60,
        cache_write_tokens=20,
        cache_write_1h_tokens=0,
        reasoning_tokens=4,
        cost_nusd=1_000 + number,
        estimated=True,
    )
    usual = Outcome(
        request_id=f"req_{number:012x}{'0' * 16}",
        at=1_700_000_000.0 + number,
        key_id="key_1",
        dialect="openai",
        requested_model="big",
        mode="normal",
        reason="failover",
        model_id="org/small",
        provider_id="here",
        stream=True,
        latency_s=0.3125,
        upstream_s=0.3,
        attempts=(failed, answered),
    )
    return msgspec.structs.replace(usual, **changes)
