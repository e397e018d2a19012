"""The import of an original's database.

    providers -> models -> aliases -> routing defaults -> keys -> vault -> request log

Each row that is taken is noted, and a noted row is left alone by every later import: what an
operator has changed or deleted since stays as it is, and a second run changes nothing. A row whose
name is in use here already, and that no import brought, is an operator's own, and is left alone
too. An import that was cut short is finished by the next one.

A secret of the original's vault is for the address that the original sent it to: it is not taken
for a provider that is at another one here.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Container, Mapping, Sequence
from itertools import groupby

import msgspec

from tokenhub.admin import original
from tokenhub.admin.changes import By, Changes
from tokenhub.admin.import_report import ImportedKey, Report
from tokenhub.admin.keys import Keys
from tokenhub.admin.original import Endpoint
from tokenhub.admin.prices import Prices
from tokenhub.admin.providers import MEMORY, Providers
from tokenhub.core.catalog import Model
from tokenhub.core.errors import BadRequest, TokenHubError
from tokenhub.core.outcome import Outcome
from tokenhub.core.urls import within
from tokenhub.ports.clock import Clock
from tokenhub.ports.imported import Imported
from tokenhub.ports.journal import Journal
from tokenhub.ports.original import Content, Opened, Original, Row, Sealed

# Rows of the log that are read, looked up and committed together.
CHUNK = 500
_BY = By(actor="import")
_DEFAULTS = "routing-config"
_BEFORE_ALL = -(1 << 63)
_PROVIDER_SECRET = re.compile(r"provider:(.+):api_key", re.DOTALL)
_HERE = "there is one of this name here already, which stays as it is"
_ELSEWHERE = "the provider of this name is at another address here"


class Import:
    """Takes over one original. `opened` opens its vault, and blocks for as long as that takes."""

    def __init__(
        self,
        *,
        changes: Changes,
        providers: Providers,
        prices: Prices,
        keys: Keys,
        imported: Imported,
        journal: Journal,
        clock: Clock,
        opened: Callable[[Sealed, bytes], Opened],
    ) -> None:
        self._changes = changes
        self._providers = providers
        self._prices = prices
        self._keys = keys
        self._imported = imported
        self._journal = journal
        self._clock = clock
        self._opened = opened
        self._noted: frozenset[tuple[str, str]] = frozenset()
        self._report = Report()

    async def run(self, source: Original, *, password: bytes | None = None) -> Report:
        """Take over what is there; without a password the vault stays closed.

        Raises BadRequest, with nothing changed, where the source cannot be read or the password
        opens nothing of its vault; Unavailable where what was read cannot be stored.
        """
        content = await asyncio.to_thread(source.content)
        secrets = await self._unsealed(content.vault, password)
        self._noted = await self._imported.noted()
        self._report = Report(left=dict(content.left))
        async with self._changes.lock:
            theirs = await self._take_providers(content.providers)
            await self._take_models(content.models, theirs)
            await self._take_aliases(content.aliases)
            await self._take_defaults(content.defaults)
        await self._take_keys(content.keys)
        await self._take_secrets(content, secrets, theirs)
        await self._take_requests(source)
        return self._report

    async def _unsealed(self, vault: Sealed | None, password: bytes | None) -> Opened | None:
        if vault is None or password is None:
            return None
        found = await asyncio.to_thread(self._opened, vault, password)
        if not found.secrets:
            raise BadRequest(
                "the password opens nothing in the original's vault; nothing was imported"
            )
        return found

    async def _take_providers(self, rows: Sequence[Row]) -> dict[str, Endpoint]:
        """All that the original has, by id, as they would be here."""
        theirs = {}
        for row in rows:
            name = _text(row, "id")
            new = self._is_new("provider", name)
            try:
                theirs[name] = found = original.provider(row)
                if new:
                    _refuse_taken(name, self._changes.catalog.providers)
            except BadRequest as error:
                if new:
                    self._report.skip("provider", name, str(error))
                continue
            if new:
                adopted = await self._providers.adopt(found.row, None, by=_BY)
                await self._took("provider", name)
                if why := self._providers.objection(adopted)[0]:
                    self._report.differ("provider", name, [f"it is not called: {why}"])
        return theirs

    async def _take_models(self, rows: Sequence[Row], theirs: Mapping[str, Endpoint]) -> None:
        fresh = []
        for row in rows:
            name = f"{_text(row, 'provider_id')}/{_text(row, 'id')}"
            if not self._is_new("model", name):
                continue
            try:
                provider_type = self._type_of(_text(row, "provider_id"), theirs)
                model, told = original.model(row, provider_type=provider_type)
                _refuse_taken(model.key, self._changes.catalog.models)
            except BadRequest as error:
                self._report.skip("model", name, str(error))
                continue
            fresh.append(model)
            self._report.differ("model", name, told)
        await self._put_models(await self._prices.filled(fresh))

    def _type_of(self, provider_id: str, theirs: Mapping[str, Endpoint]) -> str:
        """The type of the provider here, if it is the one that the original means."""
        row, meant = self._changes.catalog.providers.get(provider_id), theirs.get(provider_id)
        if row is None or meant is None:
            raise BadRequest("its provider is not here")
        if not within(row, meant.row):
            raise BadRequest(_ELSEWHERE)
        return row.type

    async def _put_models(self, models: Sequence[Model]) -> None:
        ordered = sorted(models, key=lambda model: model.key)
        for provider_id, group in groupby(ordered, key=lambda model: model.provider_id):
            rows = list(group)
            audit = self._changes.audit("model.upsert", provider_id, _BY, after=rows)
            self._changes.publish(await self._changes.store.put_models(rows, audit))
            await self._took("model", *(f"{provider_id}/{row.id}" for row in rows))

    async def _take_aliases(self, rows: Sequence[Row]) -> None:
        for row in rows:
            name = _text(row, "name")
            if not self._is_new("alias", name):
                continue
            try:
                alias = original.alias(row)
                _refuse_taken(name, self._changes.catalog.aliases)
                for variant in alias.variants:
                    if not self._changes.catalog.routes_of(variant.model_id):
                        raise BadRequest(f"there is no model {variant.model_id!r} here")  # noqa: TRY301 - told as the others are
            except BadRequest as error:
                self._report.skip("alias", name, str(error))
                continue
            audit = self._changes.audit("alias.upsert", f"alias:{name}", _BY, after=alias)
            self._changes.publish(await self._changes.store.put_alias(alias, audit))
            await self._took("alias", name)

    async def _take_defaults(self, row: Row | None) -> None:
        if row is None or not self._is_new("defaults", _DEFAULTS):
            return
        before, version = self._changes.catalog.defaults, self._changes.catalog.version
        try:
            said = original.defaults(row)
            if before.version:
                raise BadRequest("they were set here already")  # noqa: TRY301 - told as the others are
        except BadRequest as error:
            self._report.skip("defaults", _DEFAULTS, str(error))
            return
        said = msgspec.structs.replace(said, version=version + 1)
        audit = self._changes.audit(
            "routing-config.update", _DEFAULTS, _BY, before=before, after=said
        )
        self._changes.publish(await self._changes.store.put_defaults(said, audit))
        await self._took("defaults", _DEFAULTS)

    async def _take_keys(self, rows: Sequence[Row]) -> None:
        there = {key.id for key in self._keys.every()}
        for row in rows:
            key_id = original.key_id(row)
            if not self._is_new("key", key_id):
                continue
            try:
                found, told = original.key(row, now=self._clock.now())
                _refuse_taken(key_id, there)
            except BadRequest as error:
                self._report.skip("key", _text(row, "name"), str(error))
                continue
            # The hash first: without its key it is nothing, and a key without it could not be used.
            await self._imported.keep(found.hash)
            key = await self._keys.adopt(found.key, by=_BY)
            await self._took("key", key_id)
            self._report.keys.append(ImportedKey(id=key.id, name=key.name, prefix=key.prefix))
            self._report.differ("key", key.name, told)

    async def _take_secrets(
        self, content: Content, secrets: Opened | None, theirs: Mapping[str, Endpoint]
    ) -> None:
        if content.vault_fault:
            self._report.skip("secret", "vault", content.vault_fault)
        sealed = content.vault.entries if content.vault else {}
        for name in sorted(sealed):
            if not self._is_new("secret", name):
                continue
            try:
                await self._take_secret(name, secrets, theirs)
            except TokenHubError as error:
                self._report.skip("secret", name, str(error))
                continue
            await self._took("secret", name)
        for name, found in theirs.items():
            if found.sealed and f"provider:{name}:api_key" not in sealed:
                told = ["its key is not in the original's vault; give it as api_key"]
                self._report.differ("provider", name, told)

    async def _take_secret(
        self, name: str, secrets: Opened | None, theirs: Mapping[str, Endpoint]
    ) -> None:
        """Give a provider its key. Raises what stands against it."""
        if secrets is None:
            raise BadRequest("it is sealed; import again with --vault-password-file")
        if name not in secrets.secrets:
            raise BadRequest("the password does not open it; it was stored under another one")
        provider = _PROVIDER_SECRET.fullmatch(name)
        if provider is None:
            raise BadRequest("it is no provider's key; keep it where it is used")
        provider_id = provider[1]
        row, meant = self._changes.catalog.providers.get(provider_id), theirs.get(provider_id)
        if row is None or meant is None:
            raise BadRequest("its provider is not here")
        if not within(row, meant.row):
            raise BadRequest(f"{_ELSEWHERE}, where this key must not be sent")
        if self._providers.credential(row) == "present":
            raise BadRequest("the provider has a key here already, which stays as it is")
        kept = await self._providers.update(provider_id, {}, by=_BY, secret=secrets.secrets[name])
        if kept.cred_store == MEMORY:
            raise BadRequest(
                "keys of providers are held in memory only here, and an import is over before a "
                "server runs; give it as api_key"
            )

    async def _take_requests(self, source: Original) -> None:
        after, refused = await self._read_before(source), Counter[str]()
        last = ""
        while rows := await asyncio.to_thread(source.requests, after, CHUNK):
            after = max(row["id"] for row in rows if isinstance(row["id"], int))
            outcomes = {}
            for row in rows:
                try:
                    outcome = original.request(row)
                    outcomes[outcome.request_id] = outcome
                    last = f"{row['id']}:{outcome.request_id}"
                except BadRequest as error:
                    refused[str(error)] += 1
            await self._record(outcomes)
            self._report.counts["request"].found += len(rows)
        for why, number in sorted(refused.items()):
            self._report.skip("request", "request_logs", why, rows=number)
        if last:
            await self._imported.note("log", [last], at=self._clock.now())

    async def _read_before(self, source: Original) -> int:
        """The id up to which an earlier import has read this very log.

        It is found again by its last row. What lies before must not be taken twice, even where
        retention has removed it from our log since: the sums of the ledger still hold it.
        """
        notes = [name.partition(":") for kind, name in self._noted if kind == "log"]
        for last_id, request_id in sorted(((int(a), c) for a, _, c in notes), reverse=True):
            rows = await asyncio.to_thread(source.requests, last_id - 1, 1)
            if rows and rows[0]["id"] == last_id and _same(rows[0], request_id):
                before = await asyncio.to_thread(source.counted, last_id)
                count = self._report.counts["request"]
                count.found += before
                count.before += before
                return last_id
        return _BEFORE_ALL

    async def _record(self, outcomes: Mapping[str, Outcome]) -> None:
        """Write those down that the log does not hold yet."""
        known = await self._imported.requests(outcomes.keys())
        fresh = [outcome for name, outcome in outcomes.items() if name not in known]
        await asyncio.gather(*(self._journal.record(outcome) for outcome in fresh))
        count = self._report.counts["request"]
        count.before += len(known)
        count.taken += len(fresh)
        costs = [outcome.cost_nusd for outcome in fresh]
        self._report.cost_nusd += sum(cost for cost in costs if cost is not None)
        self._report.unpriced += costs.count(None)

    def _is_new(self, kind: str, name: str) -> bool:
        """Count a row; whether no import has taken it before."""
        count = self._report.counts[kind]
        count.found += 1
        known = (kind, name) in self._noted
        count.before += known
        return not known

    async def _took(self, kind: str, *names: str) -> None:
        await self._imported.note(kind, names, at=self._clock.now())
        self._report.counts[kind].taken += len(names)


def _refuse_taken(name: object, there: Container[object]) -> None:
    if name in there:
        raise BadRequest(_HERE)


def _same(row: Row, request_id: str) -> bool:
    try:
        return original.request(row).request_id == request_id
    except BadRequest:
        return False


def _text(row: Row, column: str) -> str:
    return str(row.get(column, ""))
