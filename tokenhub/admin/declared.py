"""The configuration as it is wanted, and how it is: what `apply` compares.

An entry says how its row is to be. What it leaves out is the usual value, except for what would be
lost by that: a provider's key, a model's prices and context size, the end of an API key.
"""

import hashlib
from collections.abc import Mapping, Sequence

import msgspec
from msgspec.structs import asdict, replace

from tokenhub.admin.keys import Issued
from tokenhub.admin.providers import ProviderDraft
from tokenhub.core.aliases import Alias
from tokenhub.core.catalog import Catalog, Defaults, Model, Provider
from tokenhub.core.keys import ApiKey

PROVIDER, MODEL, ALIAS, ROUTING, KEY, RETENTION = KINDS = (
    "provider", "model", "alias", "routing", "api_key", "retention",
)  # fmt: skip
# A new key for a provider, where `Providers.credential` says how one stands that is there.
GIVEN = "given"
Row = Provider | Model | Alias | Defaults | ApiKey | int
# What no entry says: where a row is from, and what its own use has made of it.
_UNSAID = {
    "version", "source", "cred_store", "exploration_temp", "digest",
    "prefix", "created_at", "budget_reset_at", "paid_month", "paid_nusd", "rotated_at", "former",
}  # fmt: skip


class WantedProvider(msgspec.Struct, frozen=True, kw_only=True):
    """`secret_name` is that of a secret in the vault, which is to be its key."""

    draft: ProviderDraft
    secret_name: str = ""


class WantedModel(msgspec.Struct, frozen=True, kw_only=True):
    """`prices` by the names of a Model, None where they stay; a context of 0 stays, too."""

    id: str
    provider_id: str
    weight: int = 1
    enabled: bool = True
    max_context_tokens: int = 0
    prices: Mapping[str, object] | None = None


class WantedKey(msgspec.Struct, frozen=True, kw_only=True):
    """`fields` are those of `Keys.update`; `id` is needed where several have the name."""

    name: str
    id: str = ""
    expires_in: str = ""
    fields: Mapping[str, object]


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """None is a kind of which nothing is said."""

    providers: Sequence[WantedProvider] | None = None
    models: Sequence[WantedModel] | None = None
    aliases: Sequence[Alias] | None = None
    defaults: Defaults | None = None
    keys: Sequence[WantedKey] | None = None
    days: int | None = None

    def says(self, kind: str) -> bool:
        said = (self.providers, self.models, self.aliases, self.defaults, self.keys, self.days)
        return dict(zip(KINDS, said, strict=True))[kind] is not None


class State(msgspec.Struct, frozen=True, kw_only=True):
    """How it is: the catalog as stored, the keys by age, the days that charts are kept."""

    catalog: Catalog
    keys: Sequence[ApiKey]
    days: int

    def rows(self) -> dict[tuple[str, str], tuple[str, Row]]:
        """Each row with its name, by its kind and what it is known by."""
        found: dict[tuple[str, str], tuple[str, Row]] = {}
        catalog = self.catalog
        for provider in catalog.providers.values():
            found[PROVIDER, provider.id] = provider.id, provider
        for model in catalog.models.values():
            name = f"{model.provider_id}/{model.id}"
            found[MODEL, name] = name, model
        for alias in catalog.aliases.values():
            found[ALIAS, alias.name] = alias.name, alias
        if catalog.defaults.version:
            found[ROUTING, ""] = "", catalog.defaults
        for key in self.keys:
            found[KEY, key.id] = key.name, key
        return found | {(RETENTION, ""): ("", self.days)}

    @property
    def mark(self) -> int:
        """Another number for any other state of what a document can say; of 17 digits at most.

        What the use of a key has made of it is no part of it, nor is a new credential for it.
        """
        catalog = self.catalog
        told = (
            catalog.version,
            catalog.defaults,
            sorted(catalog.providers.values(), key=lambda it: it.id),
            sorted(catalog.models.values(), key=lambda it: it.key),
            sorted(catalog.aliases.values(), key=lambda it: it.name),
            [_lasting(key) for key in sorted(self.keys, key=lambda it: it.id)],
            self.days,
        )
        return int.from_bytes(hashlib.sha256(msgspec.json.encode(told)).digest()[:7])


class KeyStep(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of a provider's key, in the words of `Providers.credential`, or GIVEN."""

    before: str
    after: str

    @property
    def lost(self) -> bool:
        """Whether one that was there is not to be had any more, and nobody took it away."""
        return self.before in ("present", "locked") and self.after == "missing"


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of one row; None is one that is not there. `key`: a provider's, if it does."""

    kind: str
    name: str
    before: Row | None
    after: Row | None
    key: KeyStep | None = None

    @property
    def action(self) -> str:
        if self.before is None:
            return "create"
        if self.after is None:
            return "delete"
        return "update" if self.key or said(self.before) != said(self.after) else "same"


class Applied(msgspec.Struct, frozen=True, kw_only=True):
    """`issued` are the new keys; `version` is the catalog's, `mark` that of what is stored now.

    `bereft` are aliases, each with a model of theirs that is there no more.
    """

    steps: Sequence[Step]
    issued: Sequence[Issued]
    bereft: Sequence[tuple[str, str]] = ()
    version: int
    mark: int = 0


def said(row: Row) -> object:
    """What an entry can say of a row."""
    if isinstance(row, int):
        return row
    return {name: value for name, value in asdict(row).items() if name not in _UNSAID}


def _lasting(key: ApiKey) -> object:
    """What an entry can say of a key: its end without fractions, which it loses on disk."""
    ends = None if key.expires_at is None else round(key.expires_at)
    return said(replace(key, expires_at=ends))


def compared(
    before: State, after: State, wanted: Wanted, keys: Mapping[str, KeyStep]
) -> Sequence[Step]:
    """A step for each row of the kinds that are wanted, and for each other that changes."""
    old, new = before.rows(), after.rows()
    steps = []
    for place in sorted(old.keys() | new.keys(), key=lambda it: (KINDS.index(it[0]), it[1])):
        kind, known = place
        name, was = old.get(place, ("", None))
        named, now = new.get(place, ("", None))
        step = Step(
            kind=kind,
            name=named or name,
            before=was,
            after=now,
            key=keys.get(known) if kind == PROVIDER else None,
        )
        if wanted.says(kind) or step.action != "same":
            steps.append(step)
    return steps
