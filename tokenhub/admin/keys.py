"""API keys: who may call, what they may do, and until when."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import asdict, replace

from tokenhub.admin.changes import By, entry, expect
from tokenhub.admin.durations import seconds
from tokenhub.core.errors import BadRequest, NotFound
from tokenhub.core.grants import FREE, Grant, checked_grant
from tokenhub.core.keys import (
    MAX_RPS,
    NO_LIMIT,
    SCOPES,
    SECRET_BITS,
    ApiKey,
    KeyTable,
    digest,
    mint,
    shown_prefix,
)
from tokenhub.core.money import NANO
from tokenhub.core.purse import month_of
from tokenhub.ports.clock import Clock
from tokenhub.ports.snapshot import Snapshot
from tokenhub.ports.stores import Audit, KeyStore

MAX_NAME_CHARS = 200
# A billion dollars a month: far within the 64 bits of the ledger.
MAX_MONTHLY_NUSD = 10**9 * NANO
_ID_BITS = 64


class Issued(msgspec.Struct, frozen=True, kw_only=True):
    """A new key; the only time that `secret`, the key itself, is at hand."""

    secret: str
    key: ApiKey


class _Changes(msgspec.Struct, frozen=True, kw_only=True):
    name: str | UnsetType = UNSET
    scopes: list[str] | str | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    rate_limit_rps: int | UnsetType = UNSET
    directives: bool | UnsetType = UNSET
    allowed_models: list[str] | UnsetType = UNSET
    allowed_providers: list[str] | UnsetType = UNSET
    mode: str | UnsetType | None = UNSET
    max_budget_nusd: int | UnsetType | None = UNSET
    max_latency_s: float | UnsetType | None = UNSET
    min_weight: int | UnsetType | None = UNSET
    budget_nusd: int | UnsetType | None = UNSET


def nothing_charged(key_id: str, at: float) -> tuple[int, int]:
    """The books of a server that has none: the month, and nothing spent in it."""
    del key_id
    return month_of(at), 0


class Keys:
    """Make, list, change and revoke API keys.

    `table` is what requests are checked against: every change replaces it before the call
    returns, so that a revoked key is refused from the next request on. `randbits` gives that
    many random bits. `charged` gives, of a key and a Unix time, the month (core.purse) and all that
    was charged in it, in nano-USD.
    """

    def __init__(
        self,
        *,
        store: KeyStore,
        table: Snapshot[KeyTable],
        clock: Clock,
        randbits: Callable[[int], int],
        charged: Callable[[str, float], tuple[int, int]] = nothing_charged,
    ) -> None:
        self._charged = charged
        self._store = store
        self._table = table
        self._clock = clock
        self._randbits = randbits
        self._lock = asyncio.Lock()

    async def load(self) -> None:
        """Read the stored keys; done once, before anything is served."""
        self._table.current = {key.digest: key for key in await self._store.load()}

    def every(self) -> Sequence[ApiKey]:
        """All keys, newest first."""
        return sorted(
            self._table.current.values(), key=lambda key: (key.created_at, key.id), reverse=True
        )

    def get(self, key_id: str) -> ApiKey:
        found = [key for key in self._table.current.values() if key.id == key_id]
        if not found:
            raise NotFound("api key not found")
        return found[0]

    async def create(
        self,
        *,
        name: str,
        scopes: Sequence[str] | str,
        expires_in: str = "",
        rate_limit_rps: int = 0,
        directives: bool = True,
        grant: Grant = FREE,
        budget_nusd: int | None = None,
        by: By,
    ) -> Issued:
        now = self._clock.now()
        secret = mint(self._randbits(SECRET_BITS))
        expires_at = now + seconds(expires_in, field="expires_in") if expires_in else None
        key = ApiKey(
            id=f"key_{self._randbits(_ID_BITS):016x}",
            name=_checked_name(name),
            digest=digest(secret),
            prefix=shown_prefix(secret),
            scopes=checked_scopes(scopes),
            created_at=now,
            expires_at=expires_at,
            rate_limit_rps=_checked_rps(rate_limit_rps),
            directives=directives,
            grant=checked_grant(grant),
            budget_nusd=_checked_budget(budget_nusd),
        )
        async with self._lock:
            stored = await self._put(key, self._audit("apikey.create", None, key, by))
        return Issued(secret=secret, key=stored)

    async def update(
        self, key_id: str, changes: Mapping[str, object], *, by: By, expected: int | None = None
    ) -> ApiKey:
        """Change the given ones of the fields of `create` and of `enabled`.

        A field of the grant's policy that is given as None holds no longer.
        """
        sent = msgspec.convert(changes, _Changes)
        async with self._lock:
            old = self.get(key_id)
            expect(expected, old.version)
            key = _changed(old, sent)
            return await self._put(key, self._audit("apikey.update", old, key, by))

    async def paid(self, key_id: str, *, by: By) -> ApiKey:
        """Let the key's month begin anew: what it has spent so far does not count any more."""
        async with self._lock:
            old = self.get(key_id)
            now = self._clock.now()
            month, charged = self._charged(key_id, now)
            key = replace(old, budget_reset_at=now, paid_month=month, paid_nusd=charged)
            return await self._put(key, self._audit("apikey.budget_paid", old, key, by))

    def spent_nusd(self, key: ApiKey) -> int:
        """What counts against the key's budget in this month."""
        month, charged = self._charged(key.id, self._clock.now())
        return max(0, charged - (key.paid_nusd if key.paid_month == month else 0))

    async def delete(self, key_id: str, *, by: By, expected: int | None = None) -> None:
        async with self._lock:
            old = self.get(key_id)
            expect(expected, old.version)
            await self._store.delete(key_id, self._audit("apikey.revoke", old, None, by))
            rest = {mark: key for mark, key in self._table.current.items() if key.id != key_id}
            self._table.current = rest

    async def adopt(self, key: ApiKey, *, by: By) -> ApiKey:
        """Take a key of an import as it is."""
        async with self._lock:
            return await self._put(key, self._audit("apikey.import", None, key, by))

    async def recognise(self, waiting: bytes, secret: str, *, by: By) -> None:
        """Put the key's own digest in the place of `waiting`, which stood there for it.

        A key that was revoked meanwhile stays so.
        """
        async with self._lock:
            found = self._table.current.get(waiting)
            if found is None or (old := self.get(found.id)).digest != waiting:
                return
            key = replace(old, digest=digest(secret), prefix=shown_prefix(secret))
            await self._put(key, self._audit("apikey.recognise", old, key, by))
            rest = {mark: row for mark, row in self._table.current.items() if mark != waiting}
            self._table.current = rest

    async def _put(self, key: ApiKey, audit: Audit) -> ApiKey:
        stored = await self._store.put(key, audit)
        self._table.current = {**self._table.current, stored.digest: stored}
        return stored

    def _audit(self, action: str, old: ApiKey | None, new: ApiKey | None, by: By) -> Audit:
        named = new or old
        return entry(
            self._clock.now(),
            action,
            named.id if named else "",
            by,
            before=_without_digest(old),
            after=_without_digest(new),
        )


def _changed(old: ApiKey, sent: _Changes) -> ApiKey:
    rps = sent.rate_limit_rps
    return replace(
        old,
        name=old.name if sent.name is UNSET else _checked_name(sent.name),
        scopes=old.scopes if sent.scopes is UNSET else checked_scopes(sent.scopes),
        enabled=old.enabled if sent.enabled is UNSET else sent.enabled,
        rate_limit_rps=old.rate_limit_rps if rps is UNSET else _checked_rps(rps),
        directives=old.directives if sent.directives is UNSET else sent.directives,
        grant=_granted(old.grant, sent),
        budget_nusd=(
            old.budget_nusd if sent.budget_nusd is UNSET else _checked_budget(sent.budget_nusd)
        ),
    )


def _granted(old: Grant, sent: _Changes) -> Grant:
    models, providers = sent.allowed_models, sent.allowed_providers
    policy = {
        name: value
        for name in ("mode", "max_budget_nusd", "max_latency_s", "min_weight")
        if (value := getattr(sent, name)) is not UNSET
    }
    return checked_grant(
        Grant(
            models=old.models if models is UNSET else tuple(models),
            providers=old.providers if providers is UNSET else tuple(providers),
            policy=replace(old.policy, **policy),
        )
    )


def checked_scopes(scopes: Sequence[str] | str) -> tuple[str, ...]:
    """The scopes, each once. A string must hold a JSON list, as the original's clients send it.

    None at all is refused: in the original it meant everything, here it would mean nothing.
    """
    known = ", ".join(SCOPES)
    if isinstance(scopes, str):
        try:
            scopes = msgspec.json.decode(scopes, type=list[str])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise BadRequest("scopes must be a list of strings", field="scopes") from error
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown or not scopes:
        raise BadRequest(f"scopes must be at least one of {known} (* is all)", field="scopes")
    return tuple(dict.fromkeys(scopes))


def _checked_name(name: str) -> str:
    trimmed = name.strip()
    if not trimmed:
        raise BadRequest("name required", field="name")
    if len(trimmed) > MAX_NAME_CHARS or not trimmed.isprintable():
        raise BadRequest(
            f"name must be printable, with at most {MAX_NAME_CHARS} characters", field="name"
        )
    return trimmed


def _checked_rps(rps: int) -> int:
    if NO_LIMIT <= rps <= MAX_RPS:
        return rps
    raise BadRequest(
        f"rate_limit_rps must be 1 to {MAX_RPS}, 0 for the limit of an address, or "
        f"{NO_LIMIT} for none",
        field="rate_limit_rps",
    )


def _checked_budget(budget_nusd: int | None) -> int | None:
    if budget_nusd is None or 0 < budget_nusd <= MAX_MONTHLY_NUSD:
        return budget_nusd
    raise BadRequest(
        f"monthly_budget_usd must be 0 for no limit, or at most {MAX_MONTHLY_NUSD // NANO}",
        field="monthly_budget_usd",
    )


def _without_digest(key: ApiKey | None) -> dict[str, object] | None:
    """A key as the audit trail may hold it."""
    if key is None:
        return None
    return {name: value for name, value in asdict(key).items() if name != "digest"}
