"""API keys: who may call, what they may do, and until when."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from typing import TypeVar

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import asdict, replace

from tokenhub.admin.changes import By, entry, expect
from tokenhub.admin.durations import MAX_S, seconds
from tokenhub.admin.key_uses import KeyUses
from tokenhub.admin.rotation import outlived, overlap_s, rotatable
from tokenhub.core.credentials import MAX_ROTATION_DAYS, Rotation, rotation
from tokenhub.core.errors import BadRequest, Conflict, NotFound
from tokenhub.core.events import BUDGET_ALERT, Event
from tokenhub.core.grants import FREE, Grant, checked_grant
from tokenhub.core.keys import (
    MAX_CONCURRENCY,
    MAX_RPS,
    MAX_TOKENS_PER_MINUTE,
    NO_LIMIT,
    SCOPES,
    SECRET_BITS,
    ApiKey,
    KeyTable,
    Uses,
    digest,
    mint,
    opened,
    shown_prefix,
)
from tokenhub.core.money import NANO
from tokenhub.core.purse import month_of, reached
from tokenhub.ports.clock import Clock
from tokenhub.ports.events import SILENT, Events
from tokenhub.ports.snapshot import Snapshot
from tokenhub.ports.stores import Audit, KeyStore

T = TypeVar("T")

MAX_NAME_CHARS = 200
# A billion dollars a month: far within the 64 bits of the ledger.
MAX_MONTHLY_NUSD = 10**9 * NANO
_ID_BITS = 64
_POLICY = ("mode", "max_budget_nusd", "max_latency_s", "min_weight")
_GRANT = ("allowed_models", "allowed_providers", *_POLICY)


class Issued(msgspec.Struct, frozen=True, kw_only=True):
    """A new key; the only time that `secret`, the key itself, is at hand."""

    secret: str
    key: ApiKey


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How one of the credentials of a key stands. Times are Unix seconds; None is never."""

    prefix: str
    issued_at: float
    expires_at: float | None
    last_used_at: float | None


class _Changes(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that an operator may change of a key; its id, credentials and times are not among it."""

    name: str | UnsetType = UNSET
    scopes: list[str] | str | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    expires_in: str | UnsetType = UNSET
    expires_at: float | UnsetType | None = UNSET
    rotation_days: int | UnsetType = UNSET
    rate_limit_rps: int | UnsetType = UNSET
    tokens_per_minute: int | UnsetType = UNSET
    concurrency: int | UnsetType = UNSET
    directives: bool | UnsetType = UNSET
    judged: bool | UnsetType = UNSET
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
    many random bits; requests note in `seen` when they used a key. `charged` gives, of a key and a
    Unix time, the month (core.purse) and all that was charged in it, in nano-USD. `events` hear of
    a budget of which a part is spent at once, since it was lowered.
    """

    def __init__(
        self,
        *,
        store: KeyStore,
        table: Snapshot[KeyTable],
        clock: Clock,
        randbits: Callable[[int], int],
        charged: Callable[[str, float], tuple[int, int]] = nothing_charged,
        seen: Uses | None = None,
        events: Events = SILENT,
    ) -> None:
        self._events = events
        self._charged = charged
        self.uses = KeyUses(store, {} if seen is None else seen)
        self._store = store
        self._table = table
        self._clock = clock
        self._randbits = randbits
        self._rows: dict[str, ApiKey] = {}
        self._lock = asyncio.Lock()

    async def load(self) -> None:
        """Read the stored keys; done once, before anything is served."""
        self._begin(await self._store.load())
        await self.uses.load()

    def over(self, store: KeyStore) -> "Keys":
        """The same keys in another store, to be changed apart; no request is checked by them."""
        copy = Keys(
            store=store,
            table=Snapshot({}),
            clock=self._clock,
            randbits=self._randbits,
            charged=self._charged,
        )
        copy.uses = self.uses.copied(store)
        copy._begin(self._rows.values())
        return copy

    @property
    def lock(self) -> asyncio.Lock:
        """Held from the read of a key to the write that follows from it."""
        return self._lock

    def committed(self, keys: Sequence[ApiKey], *, gone: Sequence[str], by: By) -> None:
        """Put in force what was committed elsewhere. The caller has held the lock meanwhile."""
        before = {key_id: self._rows.get(key_id) for key_id in (*(it.id for it in keys), *gone)}
        self._rows |= {key.id: key for key in keys}
        for key_id in gone:
            self._rows.pop(key_id, None)
        self._swap([old for old in before.values() if old is not None], keys)
        for key in keys:
            self._alert(before[key.id] or key, key, by)

    def every(self) -> Sequence[ApiKey]:
        """All keys, newest first."""
        return sorted(self._rows.values(), key=lambda key: (key.created_at, key.id), reverse=True)

    def get(self, key_id: str) -> ApiKey:
        if (found := self._rows.get(key_id)) is None:
            raise NotFound("api key not found")
        return found

    def credentials(self, key: ApiKey) -> list[Standing]:
        """What opens a key: the credential issued last, and those before it that do yet."""
        now = self._clock.now()
        issued = {key.digest: key.issued_at} | {old.digest: old.issued_at for old in key.former}
        return [
            Standing(
                prefix=entry.prefix,
                issued_at=issued[mark],
                expires_at=entry.expires_at,
                last_used_at=self.uses.last(mark),
            )
            for mark, entry in opened(key).items()
            if mark == key.digest or entry.expires_at is None or now < entry.expires_at
        ]

    def rotation(self, key: ApiKey) -> Rotation:
        """Whether its credential is to be changed, by its age."""
        return rotation(key.issued_at, key.rotation_days, self._clock.now())

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
        tokens_per_minute: int = 0,
        concurrency: int = 0,
        rotation_days: int = 0,
        judged: bool = True,
        by: By,
    ) -> Issued:
        now = self._clock.now()
        secret = mint(self._randbits(SECRET_BITS))
        key = ApiKey(
            id=f"key_{self._randbits(_ID_BITS):016x}",
            name=_checked_name(name),
            digest=digest(secret),
            prefix=shown_prefix(secret),
            scopes=checked_scopes(scopes),
            created_at=now,
            expires_at=_expiry(expires_in, now),
            rate_limit_rps=_checked_rps(rate_limit_rps),
            directives=directives,
            grant=checked_grant(grant),
            budget_nusd=_checked_budget(budget_nusd),
            tokens_per_minute=_checked("tokens_per_minute", tokens_per_minute),
            concurrency=_checked("concurrency", concurrency),
            rotation_days=_checked("rotation_days", rotation_days),
            judged=judged,
        )

        async def change() -> ApiKey:
            return await self._put(key, self._audit("apikey.create", None, key, by))

        return Issued(secret=secret, key=await self._whole(change))

    async def update(
        self, key_id: str, changes: Mapping[str, object], *, by: By, expected: int | None = None
    ) -> ApiKey:
        """Change the given fields, those of `_Changes`.

        A field of the grant's policy that is given as None holds no longer.
        """
        sent = msgspec.convert(changes, _Changes)

        async def change() -> ApiKey:
            old = self.get(key_id)
            expect(expected, old.version)
            key = _changed(old, sent, self._clock.now())
            stored = await self._put(key, self._audit("apikey.update", old, key, by))
            self._alert(old, stored, by)
            return stored

        return await self._whole(change)

    async def paid(self, key_id: str, *, by: By) -> ApiKey:
        """Let the key's month begin anew: what it has spent so far does not count any more."""

        async def change() -> ApiKey:
            old, now = self.get(key_id), self._clock.now()
            month, charged = self._charged(key_id, now)
            key = replace(old, budget_reset_at=now, paid_month=month, paid_nusd=charged)
            return await self._put(key, self._audit("apikey.budget_paid", old, key, by))

        return await self._whole(change)

    def spent_nusd(self, key: ApiKey) -> int:
        """What counts against the key's budget in this month."""
        month, charged = self._charged(key.id, self._clock.now())
        return max(0, charged - (key.paid_nusd if key.paid_month == month else 0))

    async def rotate(
        self, key_id: str, *, overlap: str = "", by: By, expected: int | None = None
    ) -> Issued:
        """A new credential for the key. The former ones open it for `overlap` yet, a day if empty.

        `0` revokes them at once. None lives on beyond what it had, nor beyond the age that
        the key's `rotation_days` give it. Raises Conflict for a key that has expired: the new
        one would open nothing.
        """
        lasting_s = overlap_s(overlap)
        secret = mint(self._randbits(SECRET_BITS))

        async def change() -> ApiKey:
            old, now = self.get(key_id), self._clock.now()
            expect(expected, old.version)
            if old.expires_at is not None and now >= old.expires_at:
                raise Conflict("this key has expired; give it a new expiry, then rotate it")
            key = replace(
                old,
                digest=digest(secret),
                prefix=shown_prefix(secret),
                rotated_at=now,
                former=outlived(old, now, now + lasting_s),
            )
            return await self._put(key, self._audit("apikey.rotate", old, key, by))

        return Issued(secret=secret, key=await self._whole(change))

    async def delete(self, key_id: str, *, by: By, expected: int | None = None) -> None:
        async def change() -> None:
            old = self.get(key_id)
            expect(expected, old.version)
            await self._store.delete(key_id, self._audit("apikey.revoke", old, None, by))
            del self._rows[key_id]
            self._swap([old], [])

        await self._whole(change)

    async def _whole(self, change: Callable[[], Coroutine[None, None, T]]) -> T:
        """What a change comes to; no two at once, and none by halves.

        A task that is cancelled while the change is committed would else leave a key revoked on
        the disk, and not in the table that requests are checked against.
        """

        async def locked() -> T:
            async with self._lock:
                return await change()

        return await asyncio.shield(locked())

    async def adopt(self, key: ApiKey, *, by: By) -> ApiKey:
        """Take a key of an import as it is."""

        async def change() -> ApiKey:
            return await self._put(key, self._audit("apikey.import", None, key, by))

        return await self._whole(change)

    async def recognise(self, waiting: bytes, secret: str, *, by: By) -> None:
        """Put the key's own digest in the place of `waiting`, which stood there for it.

        A key that was revoked meanwhile stays so.
        """
        own, shown = digest(secret), shown_prefix(secret)

        async def change() -> None:
            found = self._table.current.get(waiting)
            if found is None:
                return
            old = self.get(found.id)
            if old.digest == waiting:
                key = replace(old, digest=own, prefix=shown)
            else:  # it was rotated here, and is in its overlap
                former = [
                    replace(one, digest=own, prefix=shown) if one.digest == waiting else one
                    for one in old.former
                ]
                key = replace(old, former=tuple(former))
            await self._put(key, self._audit("apikey.recognise", old, key, by))

        await self._whole(change)

    def _begin(self, keys: Iterable[ApiKey]) -> None:
        self._rows = {key.id: key for key in keys}
        self._table.current = {
            mark: entry for key in self._rows.values() for mark, entry in opened(key).items()
        }

    async def _put(self, key: ApiKey, audit: Audit) -> ApiKey:
        stored = await self._store.put(key, audit)
        old = self._rows.get(stored.id)
        self._rows[stored.id] = stored
        self._swap([] if old is None else [old], [stored])
        return stored

    def _swap(self, old: Sequence[ApiKey], new: Sequence[ApiKey]) -> None:
        """Put what opens the new rows in force, and no longer what opened the old ones."""
        table = dict(self._table.current)
        gone = {mark for key in old for mark in opened(key)}
        for mark in gone:
            table.pop(mark, None)
        for key in new:
            table |= opened(key)
        self._table.current = table
        self.uses.forget(gone - table.keys())

    def _alert(self, old: ApiKey, new: ApiKey, by: By) -> None:
        """Tell which parts of the budget are spent that were not before this change."""
        if new.budget_nusd is None or new.budget_nusd == old.budget_nusd:
            return
        spent = self.spent_nusd(new)
        before = reached(spent, old.budget_nusd or 0)
        for percent in reached(spent, new.budget_nusd):
            if percent in before:
                continue
            self._events.emit(
                Event(
                    type=BUDGET_ALERT,
                    request_id=by.request_id,
                    key_id=new.id,
                    key_name=new.name,
                    percent=percent,
                    spent_nusd=spent,
                    budget_nusd=new.budget_nusd,
                )
            )

    def _audit(self, action: str, old: ApiKey | None, new: ApiKey | None, by: By) -> Audit:
        named = new or old
        return entry(
            self._clock.now(),
            action,
            named.id if named else "",
            by,
            before=_without_digests(old),
            after=_without_digests(new),
        )


def _changed(old: ApiKey, sent: _Changes, now: float) -> ApiKey:
    rps, days = sent.rate_limit_rps, sent.rotation_days
    tokens, places = sent.tokens_per_minute, sent.concurrency
    if days is not UNSET:
        rotatable(old, _checked("rotation_days", days), now)
    return replace(
        old,
        name=old.name if sent.name is UNSET else _checked_name(sent.name),
        scopes=old.scopes if sent.scopes is UNSET else checked_scopes(sent.scopes),
        enabled=old.enabled if sent.enabled is UNSET else sent.enabled,
        expires_at=_ends(old, sent, now),
        rotation_days=old.rotation_days if days is UNSET else days,
        rate_limit_rps=old.rate_limit_rps if rps is UNSET else _checked_rps(rps),
        tokens_per_minute=(
            old.tokens_per_minute if tokens is UNSET else _checked("tokens_per_minute", tokens)
        ),
        concurrency=old.concurrency if places is UNSET else _checked("concurrency", places),
        directives=old.directives if sent.directives is UNSET else sent.directives,
        judged=old.judged if sent.judged is UNSET else sent.judged,
        grant=_granted(old.grant, sent),
        budget_nusd=(
            old.budget_nusd if sent.budget_nusd is UNSET else _checked_budget(sent.budget_nusd)
        ),
        former=tuple(one for one in old.former if one.expires_at > now),
    )


def _ends(old: ApiKey, sent: _Changes, now: float) -> float | None:
    if sent.expires_at is not UNSET:
        return _checked_end(sent.expires_at, now)
    return old.expires_at if sent.expires_in is UNSET else _expiry(sent.expires_in, now)


def _checked_end(at: float | None, now: float) -> float | None:
    if at is None or 0 <= at <= now + MAX_S:
        return at
    raise BadRequest(
        "expires_at must be after 1970 and within a hundred years, or null for never",
        field="expires_at",
    )


def granted(fields: Mapping[str, object]) -> Grant:
    """The grant that these fields of a change give to a key that has none yet."""
    named = {name: fields[name] for name in _GRANT if name in fields}
    return _granted(FREE, msgspec.convert(named, _Changes))


def _granted(old: Grant, sent: _Changes) -> Grant:
    models, providers = sent.allowed_models, sent.allowed_providers
    policy = {name: value for name in _POLICY if (value := getattr(sent, name)) is not UNSET}
    return checked_grant(
        Grant(
            models=old.models if models is UNSET else tuple(models),
            providers=old.providers if providers is UNSET else tuple(providers),
            policy=replace(old.policy, **policy),
        )
    )


def checked_scopes(scopes: Sequence[str] | str) -> tuple[str, ...]:
    """The scopes, each once. A string must hold a JSON list, as the original's clients send it.

    An empty list is none: such a key opens nothing. In the original it opened everything.
    """
    known = ", ".join(SCOPES)
    if isinstance(scopes, str):
        try:
            scopes = msgspec.json.decode(scopes, type=list[str])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise BadRequest("scopes must be a list of strings", field="scopes") from error
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown:
        raise BadRequest(
            f"scopes must be of {known} (* is all; an empty list is none)", field="scopes"
        )
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


_MOST = {
    "tokens_per_minute": MAX_TOKENS_PER_MINUTE,
    "concurrency": MAX_CONCURRENCY,
    "rotation_days": MAX_ROTATION_DAYS,
}


def _checked(field: str, value: int) -> int:
    if 0 <= value <= _MOST[field]:
        return value
    raise BadRequest(f"{field} must be 1 to {_MOST[field]}, or 0 for no limit", field=field)


def _expiry(expires_in: str, now: float) -> float | None:
    """When a key expires; empty is never."""
    return now + seconds(expires_in, field="expires_in") if expires_in.strip() else None


def _without_digests(key: ApiKey | None) -> dict[str, object] | None:
    """A key as the audit trail may hold it."""
    if key is None:
        return None
    former = [{"prefix": old.prefix, "expires_at": old.expires_at} for old in key.former]
    kept = {name: value for name, value in asdict(key).items() if name != "digest"}
    return {**kept, "former": former}
