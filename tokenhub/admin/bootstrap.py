"""The credentials file (`~/.tokenhub/credentials`): providers and models before the first call.

The file owns a row until an operator touches it. While a row's source is `credentials`, a changed
entry changes it at the next start. Once an operator has edited it (source `api`) or deleted it,
the file has no say any more. A delete is told from an entry that is new by a note of what earlier
starts brought in (`ports.applied`). The note names the catalog's version, so that one left over
from another database is void: a younger catalog has a lower version.

The file's keys are taken at each start, except where an operator has set or cleared the key of
that provider meanwhile, or moved it to an origin that the file does not name. They go into the
vault where there is one, at the next unlock where it is locked; a key that is there is never
replaced by an entry without one.
"""

import asyncio
import codecs
import hmac
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from tokenhub.admin.changes import By, Changes
from tokenhub.admin.models import Models, checked, price_of
from tokenhub.admin.prices import MANUAL, OPEN, PRICE_FIELDS, UNKNOWN, Prices, priced
from tokenhub.admin.providers import (
    CREDENTIALS,
    NONE,
    VAULT,
    ProviderDraft,
    Providers,
    checked_secret,
    proposed,
)
from tokenhub.core.catalog import PRICES, Model, Provider
from tokenhub.core.errors import BadRequest, TokenHubError, Unavailable
from tokenhub.core.urls import within
from tokenhub.ports.applied import Applied
from tokenhub.ports.secrets import Secrets

SOURCE = "credentials"
_BY = By(actor="credentials")
_KEPT = "was deleted by an operator and stays so; add it again with tokenhubctl or the API"

_MOVED = (
    "the provider's address to another origin; give its key with tokenhubctl or the API, "
    "or change base_url in the file too"
)

T = TypeVar("T", bound=msgspec.Struct)


class ProviderEntry(msgspec.Struct, frozen=True, kw_only=True):
    id: str = ""
    type: str = "openai"
    base_url: str = ""
    endpoints: tuple[str, ...] = ()
    api_key: str | None = None
    enabled: bool = True
    autoload_models: bool = False


class ModelEntry(msgspec.Struct, frozen=True, kw_only=True):
    """The last two fields are the original's; they are read to be reported as ignored."""

    id: str = ""
    provider_id: str = ""
    weight: int = 1
    max_context_tokens: int = 0
    input_per_1k: float | None = None
    output_per_1k: float | None = None
    cached_input_per_1k: float | None = None
    cache_write_per_1k: float | None = None
    cache_write_1h_per_1k: float | None = None
    reasoning_per_1k: float | None = None
    enabled: bool = True
    tool_name_map: msgspec.Raw | UnsetType = UNSET
    gemma4_output: msgspec.Raw | UnsetType = UNSET

    @property
    def name(self) -> str:
        return f"{self.provider_id}/{self.id}"


class _File(msgspec.Struct, frozen=True):
    # Entries stay raw here: a fault in one of them must not cost the others.
    providers: tuple[msgspec.Raw, ...] = ()
    models: tuple[msgspec.Raw, ...] = ()


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """What starts up to now brought in: provider ids, and models as `provider/model`."""

    version: int = 0
    providers: frozenset[str] = frozenset()
    models: frozenset[str] = frozenset()


class Bootstrap:
    """Brings the credentials file into the catalog.

    Nothing in the file raises: the messages say what was not taken, and never hold a key.
    """

    def __init__(
        self,
        *,
        changes: Changes,
        providers: Providers,
        models: Models,
        secrets: Secrets,
        applied: Applied,
        prices: Prices,
    ) -> None:
        self._changes = changes
        self._providers = providers
        self._models = models
        self._secrets = secrets
        self._applied = applied
        self._prices = prices
        self._taken: list[Model] = []
        self._autoload: list[str] = []
        self._note = Note()

    async def apply(self, content: bytes, *, path: str = "") -> list[str]:
        """Take over the entries: after the catalog was loaded, and at each reload.

        Empty content is no file. Returns what an operator should read in the log; each message
        begins with `path`, where that is given.
        """
        self._autoload = []
        messages = await self._apply(content) if content.strip() else []
        return [f"{path}: {message}" for message in messages] if path else messages

    async def _apply(self, content: bytes) -> list[str]:
        try:
            file = _read(content)
            self._note = self._read_note()
        except BadRequest as error:
            return [str(error)]
        except Unavailable as error:
            return [f"the credentials file is not used, since deletes would be undone: {error}"]
        messages = _unknown(content, _File)
        providers = _last_of_each(
            _entries(file.providers, ProviderEntry, "providers", messages),
            lambda entry: entry.id,
            messages,
        )
        models = _last_of_each(
            _entries(file.models, ModelEntry, "models", messages),
            lambda entry: entry.id and entry.name,
            messages,
        )
        async with self._changes.lock:
            for where, provider in providers:
                messages += await self._take_provider(where, provider)
            for where, model in models:
                messages += self._take_model(where, model)
            await self._adopt_models()
        messages += await self._remember(
            {entry.id for _, entry in providers}, {entry.name for _, entry in models}
        )
        return messages

    async def autoload(self) -> list[str]:
        """Add the models of the providers that ask for it; done once the server listens."""
        messages = []
        for provider_id in self._autoload:
            start = f"{provider_id}/"
            known = {name[len(start) :] for name in self._note.models if name.startswith(start)}
            try:
                added = await self._providers.autoload(
                    provider_id, by=_BY, source=SOURCE, skip=known
                )
            except TokenHubError as error:
                messages.append(f"models of provider {provider_id!r} were not loaded: {error}")
                continue
            messages.append(f"provider {provider_id!r}: {len(added)} models added")
            messages += await self._remember(set(), {start + model_id for model_id in added})
        return messages

    async def _take_provider(self, where: str, entry: ProviderEntry) -> list[str]:
        old = self._changes.catalog.providers.get(entry.id)
        if old is None and entry.id in self._note.providers:
            return [f"{where}: {entry.id!r} {_KEPT}"]
        try:
            row, secret = _provider(entry, old)
        except BadRequest as error:
            return [f"{where} is left out: {error}"]
        why, field = self._providers.objection(row, old)
        if why:
            return [f"{where} is left out: {field}: {why}"]
        if entry.autoload_models and (old or row).enabled:
            self._autoload.append(entry.id)
        if old is None or (old.source == SOURCE and row != old):
            await self._providers.adopt(row, secret, by=_BY)
            return []
        return await self._take_key(where, secret, old=old, row=row) if secret else []

    async def _take_key(
        self, where: str, secret: str, *, old: Provider, row: Provider
    ) -> list[str]:
        """Hold the key of an entry for the row that stands, `old`; `row` is the entry's own."""
        if CREDENTIALS not in (old.source, old.cred_store):
            known = self._secrets.peek(old)
            if known is not None and hmac.compare_digest(known, secret.encode()):
                return []
            return [f"{where}: the key is not used, since an operator has set or cleared it"]
        if not within(old, row):
            return [f"{where}: the key is not used, since an operator has changed {_MOVED}"]
        await self._providers.rekey(old, secret, by=_BY)
        return []

    def _take_model(self, where: str, entry: ModelEntry) -> list[str]:
        ignored = [field for field in _IGNORED if getattr(entry, field) is not UNSET]
        messages = [f"{where}: {field} of {entry.name!r} is ignored" for field in ignored]
        catalog = self._changes.catalog
        old = catalog.models.get((entry.provider_id, entry.id))
        if old is None and entry.name in self._note.models:
            return [*messages, f"{where}: {entry.name!r} {_KEPT}"]
        if entry.provider_id not in catalog.providers:
            return [*messages, f"{where} is left out: no provider {entry.provider_id!r}"]
        try:
            row = _model(entry, old)
        except BadRequest as error:
            return [*messages, f"{where} is left out: {error}"]
        if old is None or (old.source == SOURCE and row != old):
            self._taken.append(row)
        return messages

    async def _adopt_models(self) -> None:
        """Those without any price get the installed list's. A price that stands is not changed."""
        unpriced = [row for row in self._taken if not priced(row)]
        filled = {row.key: row for row in await self._prices.filled(unpriced)}
        for row in self._taken:
            await self._models.adopt(filled.get(row.key, row), by=_BY)
        self._taken = []

    def _read_note(self) -> Note:
        """The note; an empty one where it is void or cannot be read."""
        try:
            note = msgspec.json.decode(self._applied.read() or b"{}", type=Note)
        except _UNREADABLE:
            return Note()
        return note if note.version <= self._changes.catalog.version else Note()

    async def _remember(self, providers: set[str], models: set[str]) -> list[str]:
        """Note which of these are in the catalog. Those that were deleted are in it already."""
        catalog = self._changes.catalog
        there = {f"{provider}/{model}" for provider, model in catalog.models}
        self._note = Note(
            version=catalog.version,
            providers=self._note.providers | (providers & catalog.providers.keys()),
            models=self._note.models | (models & there),
        )
        note = msgspec.json.encode(self._note, order="deterministic")
        try:
            await asyncio.to_thread(self._applied.write, note)
        except Unavailable as error:
            return [f"entries that you delete now may return at the next start: {error}"]
        return []


_IGNORED = ("tool_name_map", "gemma4_output")
_BYTE_ORDER_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_MARKED = "it begins with a byte order mark (BOM): save it as UTF-8 without one"
# Keys of providers are longer: one in the place of a field's name is not quoted.
_MAX_QUOTED_CHARS = 24
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def refuse_unreadable(content: bytes) -> None:
    """Raise BadRequest for a credentials file of which nothing can be read. Empty is no file."""
    if content.strip():
        _read(content)


def _read(content: bytes) -> _File:
    if content.startswith(_BYTE_ORDER_MARKS):
        raise BadRequest(f"the credentials file is not used: {_MARKED}", code="file_refused")
    try:
        return msgspec.json.decode(content, type=_File)
    except _UNREADABLE as error:
        raise BadRequest(
            f"the credentials file is not used: {_fault(error)}", code="file_refused"
        ) from error


def _fault(error: Exception) -> str:
    """Where a decoder stopped and why. msgspec names positions and types, never values."""
    if isinstance(error, msgspec.DecodeError):
        return str(error)
    if isinstance(error, UnicodeDecodeError):
        return f"it is not UTF-8 (byte {error.start})"
    return "it is nested too deeply"


def _entries(
    raws: Iterable[msgspec.Raw], kind: type[T], name: str, messages: list[str]
) -> list[tuple[str, T]]:
    """The entries that can be read, each with its place in the file."""
    found = []
    for number, raw in enumerate(raws):
        where = f"{name}[{number}]"
        try:
            found.append((where, msgspec.json.decode(raw, type=kind)))
        except _UNREADABLE as error:
            messages.append(f"{where} is left out: {_fault(error)}")
            continue
        messages += [f"{where}: {told}" for told in _unknown(raw, kind)]
    return found


def _unknown(raw: bytes | msgspec.Raw, kind: type[msgspec.Struct]) -> list[str]:
    """A message for each field of the object that its kind does not have."""
    known = kind.__struct_fields__
    there = ", ".join(name for name in known if name not in _IGNORED)
    return [
        f"unknown field{_quoted(field)} is ignored; there is {there}"
        for field in msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
        if field not in known
    ]


def _quoted(field: str) -> str:
    return f" {field!r}" if len(field) <= _MAX_QUOTED_CHARS else ""


def _last_of_each(
    entries: Sequence[tuple[str, T]], name: Callable[[T], str], messages: list[str]
) -> list[tuple[str, T]]:
    """The entries, without those whose name stands again further down; "" is no name.

    Taken one after the other they would change the catalog at each start.
    """
    last = {name(entry): where for where, entry in entries}
    kept = []
    for where, entry in entries:
        named = name(entry)
        if named and last[named] != where:
            again = f"{last[named]} is {named!r} too, and the last one counts"
            messages.append(f"{where} is left out: {again}")
        else:
            kept.append((where, entry))
    return kept


def _provider(entry: ProviderEntry, old: Provider | None) -> tuple[Provider, str | None]:
    """The row and the key that an entry asks for. Raises BadRequest.

    An entry without a key leaves the one that is in the vault.
    """
    secret = checked_secret(entry.api_key) or ""
    vaulted = old is not None and old.cred_store == VAULT
    draft = ProviderDraft(
        id=entry.id,
        type=entry.type or "openai",
        base_url=entry.base_url,
        endpoints=entry.endpoints,
        enabled=entry.enabled,
    )
    row = replace(
        proposed(draft),
        cred_store=VAULT if vaulted else CREDENTIALS if secret else NONE,
        source=SOURCE,
        version=old.version if old else 0,
    )
    return row, (secret or None) if vaulted else secret


def _model(entry: ModelEntry, old: Model | None) -> Model:
    """The row that an entry asks for: what it leaves open stays as the list has filled it.

    Raises BadRequest.
    """
    prices: dict[str, Any] = {
        inside: price_of(getattr(entry, name), field=name) for name, inside in PRICES.items()
    }
    by_hand = any(price is not None for price in prices.values())
    if not by_hand and old is not None and old.pricing_source in OPEN:
        prices = {name: getattr(old, name) for name in (*PRICE_FIELDS, "pricing_source")}
    else:
        prices["pricing_source"] = MANUAL if by_hand else UNKNOWN
    return checked(
        Model(
            id=entry.id,
            provider_id=entry.provider_id,
            weight=entry.weight,
            max_context_tokens=entry.max_context_tokens or (old.max_context_tokens if old else 0),
            enabled=entry.enabled,
            source=SOURCE,
            version=old.version if old else 0,
            **prices,
        )
    )
