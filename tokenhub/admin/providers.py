"""Providers: who may be asked, where, and with which key."""

from collections.abc import Collection, Mapping, Sequence

import msgspec
from msgspec.structs import asdict, replace

from tokenhub.admin.changes import By, Changes, expect
from tokenhub.admin.models import checked, usable_id
from tokenhub.admin.prices import UNKNOWN, Prices
from tokenhub.core.catalog import Model, Provider, checked_provider
from tokenhub.core.destinations import CODE as NOT_ALLOWED
from tokenhub.core.destinations import Destinations
from tokenhub.core.errors import (
    BadRequest,
    DeadlineExceeded,
    NotFound,
    ProviderFailed,
    VaultLocked,
)
from tokenhub.core.failures import Kind
from tokenhub.core.urls import addresses, hosts, within
from tokenhub.ports.provider import UpstreamError, Upstreams
from tokenhub.ports.secrets import KeyChange, Secrets
from tokenhub.ports.snapshot import Snapshot
from tokenhub.ports.stores import Audit

MAX_ID_CHARS = 100
MAX_ENDPOINTS = 64
MAX_SECRET_CHARS = 4096
# The original's patience with a provider's model list (original-behaviour 1.13).
DISCOVERY_S = 10.0
# The original's weight of a model that a provider offers and nobody described (8.3).
AUTOLOAD_WEIGHT = 5

# Where a provider's key is: `Provider.cred_store`.
NONE, MEMORY, CREDENTIALS, VAULT = "none", "memory", "credentials", "vault"

_NOTES = {
    (MEMORY, "present"): "the key is held in memory only, until the vault is set up (tokenhubctl "
    "vault init): give it again after a restart",
    (MEMORY, "locked"): "the key waits in memory for the vault to be unlocked",
    (VAULT, "locked"): "the key is in the vault, which is locked",
    (VAULT, "missing"): "the vault has no key for this address: give it again as api_key",
    (MEMORY, "missing"): "the key was in memory only, and a restart or another address has lost "
    "it: give it again as api_key",
    (CREDENTIALS, "present"): "the key comes from the credentials file, read at each start",
    (CREDENTIALS, "missing"): "the key was in the credentials file, and is there no more, "
    "or is there for another origin",
}
_MOVED = (
    "the address is another origin (scheme, host or port), where the old key must not be sent: "
    "it was forgotten; give the key for the new address as api_key"
)


class ProviderDraft(msgspec.Struct, frozen=True, kw_only=True):
    """A provider as an operator wants it. A secret of None keeps the one there, "" clears it.

    It is bound to these addresses.
    """

    id: str
    type: str = "openai"
    base_url: str = ""
    endpoints: tuple[str, ...] = ()
    enabled: bool = True
    secret: str | None = None


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """A model that a provider says it has."""

    id: str
    owned_by: str
    registered: bool


class Providers:
    """List, change, remove and question providers. `allowed` is where they may be."""

    def __init__(
        self,
        *,
        changes: Changes,
        secrets: Secrets,
        upstreams: Upstreams,
        prices: Prices,
        allowed: Snapshot[Destinations],
    ) -> None:
        self._changes = changes
        self._allowed = allowed
        self._prices = prices
        self._secrets = secrets
        self._upstreams = upstreams
        # Whose key was forgotten because they moved. It explains a key that is missing, no more,
        # so that a restart may forget it.
        self._moved: set[str] = set()

    @property
    def version(self) -> int:
        """The version of the list."""
        return self._changes.catalog.version

    def every(self) -> Sequence[Provider]:
        return sorted(self._changes.catalog.providers.values(), key=lambda row: row.id)

    def get(self, provider_id: str) -> Provider:
        row = self._changes.catalog.providers.get(provider_id)
        if row is None:
            raise NotFound(f"provider {provider_id!r} not found")
        return row

    def credential(self, provider: Provider) -> str:
        """`present`, `locked` (away in the vault), `missing` (there was one), or `none`."""
        if self._secrets.peek(provider) is not None:
            return "present"
        if self._secrets.away(provider):
            return "locked"
        return "none" if provider.cred_store == NONE else "missing"

    def objection(self, row: Provider, old: Provider | None = None) -> tuple[str, str]:
        """Why calls may not go to an address of a row that `old` has not, and the field it is in.

        Both are empty where nothing speaks against it. No name is looked up: what a name leads to
        is looked at when it is called.
        """
        known = hosts(old) if old is not None else ()
        for host, field in hosts(row).items():
            if host not in known and (why := self._allowed.current.objection(host)):
                return why, field
        return "", ""

    def note(self, provider: Provider) -> str:
        """What an operator should know of where its key is; empty where there is nothing."""
        credential = self.credential(provider)
        # An apply may have brought it a key since, which was given to a copy of this.
        if credential == "missing" and provider.id in self._moved:
            return _MOVED
        return _NOTES.get((provider.cred_store, credential), "")

    async def put(self, draft: ProviderDraft, *, by: By, expected: int | None = None) -> Provider:
        """Create or replace. `expected` may be the row's version or the list's."""
        row = proposed(draft)
        secret = checked_secret(draft.secret)
        async with self._changes.lock, self._secrets.lock:
            old = self._changes.catalog.providers.get(row.id)
            expect(expected, old.version if old else None, self.version)
            kept = old.cred_store if old else NONE
            self._refuse_misled(row, old)
            row = replace(row, cred_store=self._cred_store(secret, kept))
            audit = self._audit("provider.upsert", old, row, by)
            return await self._commit(row, secret, audit, old=old)

    async def update(
        self,
        provider_id: str,
        changes: Mapping[str, object],
        *,
        by: By,
        secret: str | None = None,
        expected: int | None = None,
    ) -> Provider:
        """Change the given fields of a ProviderDraft, and its key unless `secret` is None."""
        secret = checked_secret(secret)
        async with self._changes.lock, self._secrets.lock:
            old = self.get(provider_id)
            expect(expected, old.version)
            draft = replace(_draft(old, changes), **changes)
            row = replace(proposed(draft), cred_store=self._cred_store(secret, old.cred_store))
            self._refuse_misled(row, old)
            audit = self._audit("provider.patch", old, row, by)
            return await self._commit(row, secret, audit, old=old)

    async def delete(self, provider_id: str, *, by: By, expected: int | None = None) -> None:
        """Remove a provider, its models and its key."""
        async with self._changes.lock, self._secrets.lock:
            old = self.get(provider_id)
            expect(expected, old.version)
            audit = self._audit("provider.delete", old, None, by)
            key = self._secrets.taken(provider_id)
            catalog = await self._changes.store.delete_provider(provider_id, audit, key=key.written)
            self._secrets.apply(key)
            self._moved.discard(provider_id)
            self._changes.publish(catalog)

    def askable(self, provider_id: str) -> Provider:
        """The provider, unless its key is locked away: without it, it would refuse us.

        Raises NotFound, VaultLocked.
        """
        provider = self.get(provider_id)
        if self._secrets.away(provider):
            raise VaultLocked
        return provider

    async def discover(self, provider_id: str) -> Sequence[Offer]:
        """Ask the provider what it has. Raises ProviderFailed, naming the class."""
        provider = self.askable(provider_id)
        upstream = self._upstreams.of(provider)
        try:
            found = await upstream.models(within_s=DISCOVERY_S)
        except UpstreamError as error:
            raise explained(provider_id, error) from error
        known = self._changes.catalog.models
        return [
            Offer(
                id=model["id"],
                owned_by=model.get("owned_by", ""),
                registered=(provider_id, model["id"]) in known,
            )
            for model in found
        ]

    async def described(self, provider_id: str) -> Sequence[tuple[Offer, Model]]:
        """As `discover`, each with its model, or the one that it would be.

        That would have the installed list's prices; a registered one has its own.
        """
        offers = await self.discover(provider_id)
        own = self._changes.catalog.models
        fresh = [
            Model(id=offer.id, provider_id=provider_id, pricing_source=UNKNOWN)
            for offer in offers
            if not offer.registered
        ]
        listed = {row.id: row for row in await self._prices.filled(fresh)}
        return [
            (one, own[provider_id, one.id] if one.registered else listed[one.id]) for one in offers
        ]

    async def autoload(
        self,
        provider_id: str,
        *,
        by: By,
        source: str = "api",
        skip: Collection[str] = (),
    ) -> Sequence[str]:
        """Add the models that the provider has and the catalog has not; returns their ids.

        Nothing that is there is touched, and no id of `skip` is added. They have the prices and
        context sizes of the installed list.
        """
        offers = await self.discover(provider_id)
        async with self._changes.lock:
            catalog = self._changes.catalog
            wanted = dict.fromkeys(
                offer.id
                for offer in offers
                if usable_id(offer.id)
                and offer.id not in skip
                and (provider_id, offer.id) not in catalog.models
            )
            if not wanted or provider_id not in catalog.providers:
                return []
            fresh = await self._prices.filled(
                [_autoloaded(provider_id, model_id, source) for model_id in wanted]
            )
            audit = self._changes.audit("model.upsert", provider_id, by, after=fresh)
            self._changes.publish(await self._changes.store.put_models(fresh, audit))
        return list(wanted)

    async def adopt(self, row: Provider, secret: str | None, *, by: By) -> Provider:
        """Take a row of the credentials file as it is. The caller holds the catalog's lock.

        A key goes into the vault where that is open. Where it is locked, it waits in memory.
        """
        old = self._changes.catalog.providers.get(row.id)
        async with self._secrets.lock:
            vaulted = bool(secret) and self._secrets.place == VAULT
            waits = vaulted and not self._secrets.open
            if vaulted and not waits:
                row = replace(row, cred_store=VAULT)
            audit = self._audit("provider.upsert", old, row, by)
            adopted = await self._commit(row, None if waits else secret, audit, old=old)
            if waits and secret:
                self._secrets.hold(row.id, secret.encode())
        return adopted

    async def rekey(self, row: Provider, secret: str, *, by: By) -> None:
        """Take the credentials file's key for a row that stands. The caller holds the lock."""
        async with self._secrets.lock:
            self._secrets.hold(row.id, secret.encode())
            await self._sheltered(row, by)

    async def shelter(self, by: By) -> int:
        """Move the keys that are in memory into the vault, where it is open; gives how many."""
        async with self._changes.lock, self._secrets.lock:
            return sum([await self._sheltered(row, by) for row in self.every()])

    async def _sheltered(self, old: Provider, by: By) -> bool:
        """Move a key into the vault, in one transaction with its row; the source stays."""
        secret = self._secrets.loose(old)
        if secret is None:
            return False
        row = replace(old, cred_store=VAULT)
        audit = self._audit("provider.key.vault", old, row, by)
        await self._put(row, self._secrets.given(row, secret), audit)
        return True

    def _refuse_misled(self, row: Provider, old: Provider | None) -> None:
        why, field = self.objection(row, old)
        if why:
            raise BadRequest(f"{field}: {why}", code=NOT_ALLOWED, field=field)

    async def _commit(
        self, row: Provider, secret: str | None, audit: Audit, *, old: Provider | None
    ) -> Provider:
        moved = secret is None and old is not None and self._has(old) and not within(row, old)
        if secret:
            await self._put(row, self._secrets.given(row, secret.encode()), audit)
        elif secret == "" or moved:
            await self._put(row, self._secrets.taken(row.id), audit)
        else:
            await self._put(row, None, audit)
        if moved:
            self._moved.add(row.id)
        elif secret is not None:
            self._moved.discard(row.id)
        return self.get(row.id)

    async def _put(self, row: Provider, key: KeyChange | None, audit: Audit) -> None:
        """Write a row and what becomes of its key in one transaction, then put both in force."""
        written = key.written if key else None
        catalog = await self._changes.store.put_provider(row, audit, key=written)
        # Between commit and swap, without a pause: whoever sees the new row sees the new key.
        if key is not None:
            self._secrets.apply(key)
        self._changes.publish(catalog)

    def _has(self, row: Provider) -> bool:
        return self._secrets.peek(row) is not None or self._secrets.away(row)

    def _cred_store(self, secret: str | None, kept: str) -> str:
        if secret is None:
            return kept
        return self._secrets.place if secret else NONE

    def _audit(self, action: str, old: Provider | None, new: Provider | None, by: By) -> Audit:
        named = old or new
        resource = named.id if named else ""
        return self._changes.audit(action, resource, by, before=old, after=new)


def proposed(draft: ProviderDraft) -> Provider:
    """The row that a draft asks for, checked. Its source is the API from here on."""
    if len(draft.id) > MAX_ID_CHARS:
        raise BadRequest(f"id must have at most {MAX_ID_CHARS} characters", field="id")
    if len(draft.endpoints) > MAX_ENDPOINTS:
        raise BadRequest(f"endpoints must be at most {MAX_ENDPOINTS}", field="endpoints")
    several = draft.type == "vllm"
    checked_provider(Provider(id=draft.id, type=draft.type, base_url="-"))
    base, endpoints = addresses(draft.base_url, draft.endpoints, several=several)
    return Provider(
        id=draft.id,
        type=draft.type,
        base_url=base,
        endpoints=endpoints,
        enabled=draft.enabled,
    )


def _draft(row: Provider, changes: Mapping[str, object]) -> ProviderDraft:
    """The row as a draft on which `changes` can be laid.

    A new base URL alone replaces the first endpoint, new endpoints alone also the base URL.
    """
    base, endpoints = row.base_url, row.endpoints
    if "base_url" in changes and "endpoints" not in changes:
        endpoints = row.endpoints[1:]
    if "endpoints" in changes and "base_url" not in changes:
        base = ""
    kept = {**asdict(row), "base_url": base, "endpoints": endpoints}
    return msgspec.convert(
        {name: kept[name] for name in ("id", "type", "base_url", "endpoints", "enabled")},
        ProviderDraft,
    )


def checked_secret(secret: str | None) -> str | None:
    """The key without the spaces around it. It must fit a header; it is never echoed."""
    if secret is None:
        return None
    trimmed = secret.strip()
    fits = trimmed.isascii() and trimmed.isprintable() and " " not in trimmed
    if not fits or len(trimmed) > MAX_SECRET_CHARS:
        raise BadRequest("api_key must be printable ASCII without spaces", field="api_key")
    return trimmed


def _autoloaded(provider_id: str, model_id: str, source: str) -> Model:
    return checked(
        Model(
            id=model_id,
            provider_id=provider_id,
            weight=AUTOLOAD_WEIGHT,
            pricing_source=UNKNOWN,
            source=source,
        )
    )


_SAID = {
    Kind.UNREACHABLE: "cannot be reached; check its base_url and the network",
    Kind.TIMEOUT: "did not answer in time",
    Kind.LOST: "broke the connection before it had answered",
    Kind.THROTTLED: "limits our rate; try again later",
    Kind.EXHAUSTED: "says that its account is used up",
    Kind.CREDENTIAL: "refused the key; give the right one as api_key",
    Kind.FORBIDDEN: "does not let the key do this; see at the vendor what the key, its project and "
    "its region may use",
    Kind.OVERLOADED: "is overloaded or failing; try again later",
    Kind.BROKEN: "answered something that is no list of models",
    Kind.MISSING: "offers no list of models; check its type and base_url",
    Kind.CONTEXT: "refused to list its models",
    Kind.UNSUPPORTED: "offers no list of models",
    Kind.CLIENT: "refused to list its models; check its type and base_url",
}
_CODES = {
    Kind.BROKEN: "upstream_invalid_response",
    Kind.FORBIDDEN: "upstream_credential",
    Kind.CONTEXT: "upstream_refused",
    Kind.UNSUPPORTED: "upstream_refused",
    Kind.MISSING: "upstream_not_found",
    Kind.CLIENT: "upstream_refused",
}


def explained(provider_id: str, error: UpstreamError) -> ProviderFailed:
    """What an operator is told. Never the provider's own words: they may hold anything."""
    if error.kind is Kind.UNREACHABLE and error.code == NOT_ALLOWED:
        return ProviderFailed(
            f"provider {provider_id!r} is not asked: {error.message}", code=error.code
        )
    message = f"provider {provider_id!r} {_SAID[error.kind]}"
    if error.status:
        message = f"{message} (status {error.status})"
    if error.kind is Kind.TIMEOUT:
        return DeadlineExceeded(message)
    code = _CODES.get(error.kind, f"upstream_{error.kind}")
    return ProviderFailed(message, code=code, retry_after_s=error.retry_after_s)
