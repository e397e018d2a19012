"""Bring the configuration to what is wanted: all of it or nothing, in one transaction.

The use cases of each kind do it to copies first (`admin/staging.py`): they check and decide as they
always do, and what they would have written is then written at once. So a file is refused for the
same reasons as the calls that it stands for, and nobody sees half of it.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from msgspec.structs import replace

from tokenhub.admin.changes import By, Changes, expect
from tokenhub.admin.declared import (
    GIVEN,
    Applied,
    KeyStep,
    State,
    Wanted,
    WantedKey,
    WantedModel,
    WantedProvider,
    compared,
    said,
)
from tokenhub.admin.keys import Issued, Keys, granted
from tokenhub.admin.models import price_fields
from tokenhub.admin.prices import MANUAL, OPEN, UNKNOWN
from tokenhub.admin.providers import NONE, checked_secret, proposed
from tokenhub.admin.staging import Stage
from tokenhub.core.aliases import Alias
from tokenhub.core.catalog import Catalog, Defaults, Model, Provider
from tokenhub.core.errors import BadRequest, NotFound
from tokenhub.core.keys import ApiKey
from tokenhub.core.urls import within
from tokenhub.ports.config import ConfigStore, DropKey
from tokenhub.ports.secrets import Secrets
from tokenhub.ports.series import SeriesStore


class Configuration:
    """`stage` gives copies of all that is stored."""

    def __init__(
        self,
        *,
        changes: Changes,
        secrets: Secrets,
        keys: Keys,
        series: SeriesStore,
        store: ConfigStore,
        stage: Callable[[], Stage],
    ) -> None:
        self._changes = changes
        self._secrets = secrets
        self._keys = keys
        self._series = series
        self._store = store
        self._stage = stage

    @property
    def version(self) -> int:
        """That of the catalog."""
        return self._changes.catalog.version

    def state(self) -> State:
        """How it is now."""
        return State(
            catalog=self._changes.stored,
            keys=self._keys.every(),
            days=self._series.retention_days,
        )

    async def apply(
        self, wanted: Wanted, *, prune: bool, by: By, expected: int | None = None
    ) -> Applied:
        """Make it so. With `prune`, rows that are not named go, of the kinds that are.

        `expected` is the `mark` of the state that it was made for. Raises Stale, BadRequest with
        the place of the entry, VaultLocked where a key would go into it, and what the changes
        themselves raise. A caller who leaves does not stop it.
        """
        if by.rehearsed:
            self._expect(expected)
            applied = await _Play(self._stage(), by).through(wanted, prune=prune)
            return replace(applied, mark=self.state().mark)
        return await asyncio.shield(self._apply(wanted, prune=prune, by=by, expected=expected))

    async def _apply(self, wanted: Wanted, *, prune: bool, by: By, expected: int | None) -> Applied:
        async with self._changes.lock, self._secrets.lock, self._keys.lock:
            self._expect(expected)
            stage = self._stage()
            applied = await _Play(stage, by).through(wanted, prune=prune)
            if stage.written:
                await self._commit(stage, by)
            return replace(applied, version=self.version, mark=self.state().mark)

    def _expect(self, expected: int | None) -> None:
        if expected is not None:
            expect(expected, self.state().mark)

    async def _commit(self, stage: Stage, by: By) -> None:
        """Keep what was written to the copies, then put it in force, without a pause."""
        committed = await self._store.commit(stage.written)
        gone = [write.key_id for write in stage.written if isinstance(write, DropKey)]
        stage.take_over()
        if committed.catalog.version != self.version:
            self._changes.publish(committed.catalog)
        self._keys.committed(committed.keys, gone=gone, by=by)


class _Play:
    """One document on one stage."""

    def __init__(self, stage: Stage, by: By) -> None:
        self._stage = stage
        self._by = by
        self._issued: list[Issued] = []
        self._keys: dict[str, KeyStep] = {}
        # The API keys by name, and those that an entry has been found to mean.
        self._named: dict[str, set[str]] = {}
        self._meant: set[str] = set()
        self._version = stage.changes.catalog.version

    async def through(self, wanted: Wanted, *, prune: bool) -> Applied:
        before = self._state()
        await self._put(wanted)
        if prune:
            await self._prune(wanted)
        bereft = self._bereft(before.catalog)
        _refuse_bereft(wanted, bereft)
        return Applied(
            # In a thread, so that requests go on: of thousands of rows it takes a while.
            steps=await asyncio.to_thread(compared, before, self._state(), wanted, self._keys),
            issued=self._issued,
            bereft=bereft,
            version=self._version,
        )

    def _state(self) -> State:
        stage = self._stage
        return State(
            catalog=stage.changes.stored,
            keys=stage.keys.every(),
            days=stage.charts.retention_days,
        )

    async def _put(self, wanted: Wanted) -> None:
        """In this order: each kind names rows of those before it."""
        for at, provider in enumerate(wanted.providers or ()):
            with _entry("providers", at):
                await self._provider(provider)
            await _pause()
        listed = await self._listed(wanted.models or ())
        for at, model in enumerate(wanted.models or ()):
            with _entry("models", at):
                await self._model(model, listed)
            await _pause()
        for at, alias in enumerate(wanted.aliases or ()):
            with _entry("aliases", at):
                await self._alias(alias)
            await _pause()
        if wanted.defaults is not None:
            await self._routing(wanted.defaults)
        if wanted.keys:
            for row in self._stage.keys.every():
                self._named.setdefault(row.name, set()).add(row.id)
        for at, key in enumerate(wanted.keys or ()):
            with _entry("api_keys", at):
                await self._key(key)
            await _pause()
        for at, key in enumerate(wanted.keys or ()):
            with _entry("api_keys", at):
                self._refuse_unclear(key)
        if wanted.days is not None and wanted.days != self._stage.charts.retention_days:
            with _section("retention"):
                await self._stage.charts.keep(wanted.days, self._by)

    async def _provider(self, wanted: WantedProvider) -> None:
        stage, draft = self._stage, wanted.draft
        old = stage.changes.stored.providers.get(draft.id)
        secret = await self._new_key(wanted, old)
        was = NONE if old is None else stage.providers.credential(old)
        mark = len(stage.written)
        new = await stage.providers.put(replace(draft, secret=secret), by=self._by)
        now = GIVEN if secret else stage.providers.credential(new)
        if was != now:
            self._keys[new.id] = KeyStep(before=was, after=now)
        else:
            self._unless_new(mark, old, new)

    async def _new_key(self, wanted: WantedProvider, old: Provider | None) -> str | None:
        """The key that is given, None where it is the one that is there."""
        secret = wanted.draft.secret
        if wanted.secret_name:
            secret = await self._from_vault(wanted.secret_name)
        secret = checked_secret(secret)
        if secret is None:
            return None
        if not secret:
            return None if old is None or old.cred_store == NONE else ""
        if old is None:
            return secret
        there = self._stage.secrets.peek(old)
        stays = there == secret.encode() and within(proposed(wanted.draft), old)
        return None if stays else secret

    async def _from_vault(self, name: str) -> str:
        """The look at it is no entry of its own: nobody is shown it."""
        try:
            return (await self._stage.vault.secret(name, by=self._by)).decode()
        except NotFound as error:
            raise BadRequest(
                f"the vault has no secret {name!r}; tokenhubctl vault secret set keeps one there",
                field="api_key",
            ) from error

    async def _listed(self, wanted: Sequence[WantedModel]) -> Mapping[tuple[str, str], Model]:
        """The models that are new, as the price list fills them in: it is asked once for all."""
        there = self._stage.changes.stored.models
        rows = [row for row in map(_row, wanted) if row.key not in there]
        return {row.key: row for row in await self._stage.prices.filled(rows)}

    async def _model(self, wanted: WantedModel, listed: Mapping[tuple[str, str], Model]) -> None:
        stage = self._stage
        old = stage.changes.stored.models.get((wanted.provider_id, wanted.id))
        if old is None:
            row = _row(wanted)
            await stage.models.put(row, listed=listed[row.key], by=self._by)
            return
        changes: dict[str, object] = {"weight": wanted.weight, "enabled": wanted.enabled}
        if wanted.max_context_tokens:
            changes["max_context_tokens"] = wanted.max_context_tokens
        if wanted.prices is not None:
            # Also where they are the list's: it would go on changing them else.
            changes |= price_fields(wanted.prices)
            if old.pricing_source in OPEN:
                changes["pricing_source"] = MANUAL
        # What is as it should be is not checked anew: it may be from before a rule.
        if all(getattr(old, name) == value for name, value in changes.items()):
            return
        await stage.models.update(wanted.id, changes, provider_id=wanted.provider_id, by=self._by)

    async def _alias(self, wanted: Alias) -> None:
        old = self._stage.changes.stored.aliases.get(wanted.name)
        # One that is as it should be may have lost a model since.
        if old is None or said(old) != said(wanted):
            await self._stage.aliases.put(wanted, by=self._by)

    async def _routing(self, wanted: Defaults) -> None:
        stage = self._stage
        old = stage.changes.stored.defaults
        mark = len(stage.written)
        with _section("routing"):
            await stage.routing.put(wanted, by=self._by)
        new = stage.changes.stored.defaults
        self._unless_new(mark, old if old.version else None, new)

    async def _key(self, wanted: WantedKey) -> None:
        keys = self._stage.keys
        old = self._found(wanted)
        mark = len(self._stage.written)
        if old is None:
            old = await self._made(wanted)
            fields = {name: wanted.fields[name] for name in _LATER if name in wanted.fields}
            mark = len(self._stage.written)
        else:
            fields = {"name": wanted.name, **wanted.fields}
        if _same_end(old.expires_at, fields.get("expires_at")):
            del fields["expires_at"]
        new = await keys.update(old.id, fields, by=self._by)
        self._meant.add(new.id)
        self._named[old.name].discard(new.id)
        self._named.setdefault(new.name, set()).add(new.id)
        self._unless_new(mark, old, new)

    async def _made(self, wanted: WantedKey) -> ApiKey:
        fields: dict[str, Any] = {
            name: value for name, value in wanted.fields.items() if name in _AT_ONCE
        }
        issued = await self._stage.keys.create(
            name=wanted.name,
            expires_in=wanted.expires_in,
            grant=granted(wanted.fields),
            by=self._by,
            **fields,
        )
        self._issued.append(issued)
        self._named.setdefault(issued.key.name, set()).add(issued.key.id)
        return issued.key

    def _found(self, wanted: WantedKey) -> ApiKey | None:
        self._refuse_unclear(wanted)
        ids = {wanted.id} if wanted.id else self._named.get(wanted.name.strip(), set())
        for key_id in ids & self._meant:
            raise BadRequest(
                f"an entry before it is of the same API key, {key_id}; leave one out",
                field="id" if wanted.id else "name",
            )
        try:
            return self._stage.keys.get(next(iter(ids))) if ids else None
        except NotFound as error:
            raise BadRequest(
                f"there is no API key {wanted.id!r}; leave id out", field="id"
            ) from error

    def _refuse_unclear(self, wanted: WantedKey) -> None:
        ids = self._named.get(wanted.name.strip(), ())
        if len(ids) > 1 and not wanted.id:
            raise BadRequest(
                f"{len(ids)} API keys are called {wanted.name!r}; say which by id", field="name"
            )

    def _unless_new(self, mark: int, old: object, new: object) -> None:
        """Forget what was written since `mark` where the row is as it was."""
        if old is not None and said(old) == said(new):  # type: ignore[arg-type]  # rows of one kind
            del self._stage.written[mark:]

    async def _prune(self, wanted: Wanted) -> None:
        """The kinds in the opposite order, so that nothing is deleted twice."""
        stage, by = self._stage, self._by
        _refuse_orphans(wanted)
        if wanted.keys is not None:
            for key in stage.keys.every():
                if key.id not in self._meant:
                    await stage.keys.delete(key.id, by=by)
                    await _pause()
        if wanted.aliases is not None:
            for name in _others(stage.changes.stored.aliases, [it.name for it in wanted.aliases]):
                await stage.aliases.delete(name, by=by)
                await _pause()
        if wanted.models is not None:
            pairs = [(it.provider_id, it.id) for it in wanted.models]
            for provider_id, model_id in _others(stage.changes.stored.models, pairs):
                await stage.models.delete(model_id, provider_id=provider_id, by=by)
                await _pause()
        if wanted.providers is not None:
            ids = [it.draft.id for it in wanted.providers]
            for provider_id in _others(stage.changes.stored.providers, ids):
                await stage.providers.delete(provider_id, by=by)
                await _pause()

    def _bereft(self, before: Catalog) -> Sequence[tuple[str, str]]:
        """The aliases that are there, each with a model of theirs that was, and is pruned."""
        now = self._stage.changes.stored
        named = [(it.name, one.model_id) for it in now.aliases.values() for one in it.variants]
        return [it for it in named if before.routes_of(it[1]) and not now.routes_of(it[1])]


# The fields of a key that `create` takes, and those that only a change can give.
_AT_ONCE = {
    "scopes", "rate_limit_rps", "directives", "judged", "budget_nusd", "tokens_per_minute",
    "concurrency", "rotation_days",
}  # fmt: skip
_LATER = ("enabled", "expires_at")


def _row(wanted: WantedModel) -> Model:
    """The row of a new model, as far as the entry says it."""
    prices: dict[str, Any] = dict(wanted.prices or {})
    return Model(
        id=wanted.id,
        provider_id=wanted.provider_id,
        weight=wanted.weight,
        max_context_tokens=wanted.max_context_tokens,
        enabled=wanted.enabled,
        pricing_source=MANUAL if prices else UNKNOWN,
        **prices,
    )


def _same_end(there: float | None, wanted: object) -> bool:
    """Whether it is the time that is there: on the wire, and on disk, it has lost its fractions."""
    return there is not None and isinstance(wanted, float) and abs(there - wanted) < 1


def _others(there: Mapping[Any, object], named: Sequence[Any]) -> Sequence[Any]:
    kept = set(named)
    return [key for key in there if key not in kept]


def _refuse_orphans(wanted: Wanted) -> None:
    """Raise BadRequest for a model that is wanted of a provider that is to go."""
    if wanted.providers is None:
        return
    kept = {it.draft.id for it in wanted.providers}
    for at, model in enumerate(wanted.models or ()):
        if model.provider_id not in kept:
            with _entry("models", at):
                raise BadRequest(
                    f"provider {model.provider_id!r} is not among the providers, and would be "
                    "pruned with this model; name it there",
                    field="provider_id",
                )


def _refuse_bereft(wanted: Wanted, bereft: Sequence[tuple[str, str]]) -> None:
    """Raise BadRequest for an alias that is wanted of a model that has been pruned."""
    lost = set(bereft)
    for at, alias in enumerate(wanted.aliases or ()):
        for number, variant in enumerate(alias.variants):
            if (alias.name, variant.model_id) in lost:
                with _entry("aliases", at):
                    raise BadRequest(
                        f"model {variant.model_id!r} is not among the models, and would be pruned; "
                        "name it there, or leave this variant out",
                        field=f"variants[{number}].model_id",
                    )


async def _pause() -> None:
    """Let requests go on: copies never wait, and a thousand entries take seconds."""
    await asyncio.sleep(0)


@contextmanager
def _entry(kind: str, at: int) -> Iterator[None]:
    """Say which entry is at fault."""
    with _section(f"{kind}[{at}]"):
        yield


@contextmanager
def _section(place: str) -> Iterator[None]:
    try:
        yield
    except BadRequest as error:
        field = f"{place}.{error.field}" if error.field else place
        raise BadRequest(f"{place}: {error}", code=error.code, field=field) from error
