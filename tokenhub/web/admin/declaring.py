"""Documents of the configuration: what an entry means, and the entry that a row would have."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import UNSET

from tokenhub.admin.declared import (
    GIVEN,
    Applied,
    KeyStep,
    Row,
    State,
    Step,
    Wanted,
    WantedKey,
    WantedModel,
    WantedProvider,
)
from tokenhub.admin.prices import OPEN, priced
from tokenhub.admin.providers import NONE, ProviderDraft
from tokenhub.core.aliases import Alias, Variant
from tokenhub.core.catalog import Defaults, Model, Provider
from tokenhub.core.errors import BadRequest
from tokenhub.core.keys import ApiKey
from tokenhub.core.money import usd
from tokenhub.web.admin.keys import budget, latency, monthly
from tokenhub.web.admin.models import prices_of, shown_rates
from tokenhub.web.admin.routing import default_budget, default_latency
from tokenhub.web.amounts import dollars
from tokenhub.web.times import utc
from tokenhub.wire import aliases as wire_aliases
from tokenhub.wire import catalog as wire_catalog
from tokenhub.wire import config as wire

# What is told of a key, by how it stands; of one that there never was, nothing.
_TOLD = {GIVEN: "(new)", "present": "(set)", "locked": "(set)", "missing": "(missing)"}


def wanted(document: wire.Document) -> Wanted:
    """What a document means. Raises BadRequest with the place of what cannot be meant."""
    return Wanted(
        providers=_each("providers", document.providers, _provider),
        models=_each("models", document.models, _model),
        aliases=_each("aliases", document.aliases, _alias),
        defaults=None if document.routing is UNSET else _defaults(document.routing),
        keys=_each("api_keys", document.api_keys, _key),
        days=None if document.retention is UNSET else document.retention.days,
    )


def notes(document: wire.Document, applied: Applied) -> list[str]:
    """What is lost, and what is accepted and not done."""
    lost = [
        f"providers/{step.name}: its address is another origin (scheme, host or port), where the "
        "old key must not be sent: it is forgotten; name api_key in the file to give one"
        for step in applied.steps
        if step.key and step.key.lost
    ]
    bereft = [
        f"aliases/{name}: there is no model {model_id!r} any more, to which it sends requests; "
        "give it others, or delete it"
        for name, model_id in applied.bereft
    ]
    loads = [
        f"providers/{one.id}: autoload_models is for the server's own file; here, tokenhubctl "
        f"provider discover {one.id} --register all"
        for one in document.providers or ()
        if one.autoload_models
    ]
    ignored = [
        f"models/{one.id}: {name} is ignored in this version"
        for one in document.models or ()
        for name in ("tool_name_map", "gemma4_output")
        if getattr(one, name) is not UNSET
    ]
    return lost + bereft + loads + ignored


def document_of(state: State, sections: Sequence[str], *, refs: str) -> wire.Document:
    """The document that would bring about what there is; secrets as `refs` says."""
    catalog = state.catalog
    names = [key.name for key in state.keys]
    providers = sorted(catalog.providers.values(), key=lambda row: row.id)
    models = sorted(catalog.models.values(), key=lambda row: (row.provider_id, row.id))
    aliases = sorted(catalog.aliases.values(), key=lambda row: row.name)
    keys = sorted(state.keys, key=lambda row: (row.name, row.id))
    every: dict[str, Any] = {
        "providers": [_told_provider(row, refs=refs) for row in providers],
        "models": [_told_model(row) for row in models],
        "aliases": [_told_alias(row) for row in aliases],
        "routing": _told_defaults(catalog.defaults) if catalog.defaults.version else UNSET,
        "api_keys": [_told_key(row, named=names.count(row.name) == 1) for row in keys],
        "retention": wire.RetentionEntry(days=state.days),
    }
    return wire.Document(**{name: _terse(every[name]) for name in sections})


def _terse(section: Any) -> Any:
    """The entries, without what is the default: msgspec leaves that out by identity alone."""
    for entry in section if isinstance(section, list) else [section]:
        for field in msgspec.structs.fields(entry) if entry is not UNSET else ():
            if getattr(entry, field.name) == field.default:
                setattr(entry, field.name, field.default)
    return section


def change_of(step: Step) -> wire.Change:
    """What becomes of a row, field by field; nothing of it is secret."""
    if step.action == "same":
        return wire.Change(kind=step.kind, name=step.name, action=step.action)
    before, after = _fields(step.before), _fields(step.after)
    fields = [
        wire.FieldChange(field=name, before=before.get(name), after=after.get(name))
        for name in dict.fromkeys([*before, *after])
        if before.get(name) != after.get(name) and step.after is not None
    ]
    if step.key:
        fields.append(_key_change(step.key))
    if isinstance(step.before, Model) and isinstance(step.after, Model):
        fields += _source_change(step.before, step.after)
    return wire.Change(kind=step.kind, name=step.name, action=step.action, fields=fields)


def _source_change(before: Model, after: Model) -> list[wire.FieldChange]:
    """Whose word the prices are, where that changes: no entry says it, but naming prices does."""
    was, now = before.pricing_source, after.pricing_source
    if was == now:
        return []
    return [wire.FieldChange(field="pricing_source", before=was, after=now)]


def _key_change(key: KeyStep) -> wire.FieldChange:
    return wire.FieldChange(
        field="api_key", before=_TOLD.get(key.before), after=_TOLD.get(key.after)
    )


def _fields(row: Row | None) -> dict[str, Any]:
    """The entry of a row as JSON would have it."""
    if row is None:
        return {}
    entry: object
    if isinstance(row, Provider):
        entry = _told_provider(row, refs="omit")
    elif isinstance(row, Model):
        entry = _told_model(row, listed=True)
    elif isinstance(row, Alias):
        entry = _told_alias(row)
    elif isinstance(row, Defaults):
        entry = _told_defaults(row)
    elif isinstance(row, ApiKey):
        entry = _told_key(row, named=True)
    else:
        entry = wire.RetentionEntry(days=row)
    # Every field, so that one that goes back to its default is seen to change.
    kept = {name: getattr(entry, name) for name in entry.__struct_fields__}
    found: dict[str, Any] = msgspec.to_builtins(
        {name: value for name, value in kept.items() if value is not UNSET}
    )
    return found


def _each(section: str, entries: Any, read: Any) -> Any:
    if entries is UNSET:
        return None
    found, seen = [], set()
    for at, entry in enumerate(entries):
        try:
            found.append(read(entry))
        except BadRequest as error:
            field = f"{section}[{at}].{error.field}" if error.field else f"{section}[{at}]"
            raise BadRequest(f"{section}[{at}]: {error}", field=field) from error
        name = _named(entry)
        if name in seen:
            raise BadRequest(
                f"{section}[{at}]: this is there twice; leave one out", field=f"{section}[{at}]"
            )
        seen.add(name)
    return found


def _named(entry: Any) -> tuple[str, ...]:
    if isinstance(entry, wire.ModelEntry):
        return (entry.provider_id, entry.id)
    if isinstance(entry, wire.ApiKeyEntry):
        return (entry.id, "" if entry.id else entry.name.strip())
    return (entry.id if isinstance(entry, wire.ProviderEntry) else entry.name,)


def _provider(entry: wire.ProviderEntry) -> WantedProvider:
    given = entry.api_key
    reference = given if isinstance(given, wire.SecretRef) else wire.SecretRef()
    if reference.env and reference.vault:
        raise BadRequest("give env or vault, not both", field="api_key")
    if isinstance(given, wire.SecretRef) and not given.vault:
        raise BadRequest(
            "env is for tokenhubctl, which reads the variable itself; send the key, or the name "
            "of a secret in the vault as vault",
            field="api_key",
        )
    draft = ProviderDraft(
        id=entry.id,
        type=entry.type or "openai",
        base_url=entry.base_url,
        endpoints=tuple(entry.endpoints),
        enabled=entry.enabled,
        secret=given if isinstance(given, str) else None,
    )
    return WantedProvider(draft=draft, secret_name=reference.vault)


def _told_provider(row: Provider, *, refs: str) -> wire.ProviderEntry:
    key: Any = UNSET
    if row.cred_store != NONE and refs == "env":
        word = "".join(char if char.isascii() and char.isalnum() else "_" for char in row.id)
        key = wire.SecretRef(env=f"{word.upper()}_API_KEY")
    elif row.cred_store != NONE and refs == "vault":
        key = wire.SecretRef(vault=f"{row.id}-api-key")
    return wire.ProviderEntry(
        id=row.id,
        type=row.type,
        base_url=row.base_url,
        endpoints=list(row.endpoints) if len(row.endpoints) > 1 else [],
        enabled=row.enabled,
        api_key=key,
    )


def _model(entry: wire.ModelEntry) -> WantedModel:
    return WantedModel(
        id=entry.id,
        provider_id=entry.provider_id,
        weight=entry.weight,
        enabled=entry.enabled,
        max_context_tokens=entry.max_context_tokens,
        prices=prices_of(entry) or None,
    )


def _told_model(row: Model, *, listed: bool = False) -> wire.ModelEntry:
    """The prices of the list are left out, unless `listed`, so that they stay the list's."""
    prices: dict[str, Any] = {}
    if listed or row.pricing_source not in OPEN:
        prices = {name: price for name, price in shown_rates(row).items() if price is not None}
        if row.tiers:
            prices["tiers"] = [
                wire_catalog.Tier(above_tokens=one.above_tokens, **shown_rates(one))
                for one in row.tiers
            ]
        if not priced(row) and not listed:
            prices = {"input_per_1k": None, "output_per_1k": None}
    return wire.ModelEntry(
        id=row.id,
        provider_id=row.provider_id,
        weight=row.weight,
        max_context_tokens=row.max_context_tokens,
        enabled=row.enabled,
        **prices,
    )


def _alias(entry: wire.AliasEntry) -> Alias:
    return Alias(
        name=entry.name,
        variants=tuple(Variant(model_id=it.model_id, weight=it.weight) for it in entry.variants),
        enabled=entry.enabled,
        sticky_by=entry.sticky_by or "request",
    )


def _told_alias(row: Alias) -> wire.AliasEntry:
    return wire.AliasEntry(
        name=row.name,
        variants=[
            wire_aliases.Variant(model_id=it.model_id, weight=it.weight) for it in row.variants
        ],
        enabled=row.enabled,
        sticky_by="" if row.sticky_by == "request" else row.sticky_by,
    )


def _defaults(entry: wire.RoutingEntry) -> Defaults:
    try:
        return Defaults(
            mode=entry.default_mode,
            max_budget_nusd=default_budget(entry.default_max_budget_usd),
            max_latency_s=default_latency(entry.default_max_latency_ms),
        )
    except BadRequest as error:
        raise BadRequest(f"routing: {error}", field=f"routing.{error.field}") from error


def _told_defaults(row: Defaults) -> wire.RoutingEntry:
    return wire.RoutingEntry(
        default_mode=row.mode,
        default_max_budget_usd=dollars(row.max_budget_nusd),
        default_max_latency_ms=round(row.max_latency_s * 1000),
    )


def _key(entry: wire.ApiKeyEntry) -> WantedKey:
    fields: dict[str, object] = {
        "scopes": entry.scopes,
        "enabled": entry.enabled,
        "rate_limit_rps": entry.rate_limit_rps,
        "directives": entry.directives,
        "judged": entry.judged,
        "allowed_models": entry.allowed_models,
        "allowed_providers": entry.allowed_providers,
        "mode": entry.mode,
        "max_budget_nusd": budget(entry.max_budget_usd),
        "max_latency_s": latency(entry.max_latency_ms),
        "min_weight": entry.min_weight,
        "budget_nusd": monthly(entry.monthly_budget_usd),
        "tokens_per_minute": entry.tokens_per_minute,
        "concurrency": entry.concurrency,
        "rotation_days": entry.rotation_days,
    }
    if entry.expires_at is not UNSET:
        fields["expires_at"] = _moment(entry.expires_at)
    return WantedKey(name=entry.name, id=entry.id, expires_in=entry.expires_in, fields=fields)


def _moment(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadRequest(
            "expires_at must be a time such as 2026-12-31T00:00:00Z", field="expires_at"
        ) from error
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def _told_key(row: ApiKey, *, named: bool) -> wire.ApiKeyEntry:
    policy = row.grant.policy
    return wire.ApiKeyEntry(
        name=row.name,
        id="" if named else row.id,
        scopes=list(row.scopes),
        enabled=row.enabled,
        expires_at=UNSET if row.expires_at is None else utc(row.expires_at),
        rate_limit_rps=row.rate_limit_rps,
        directives=row.directives,
        judged=row.judged,
        allowed_models=list(row.grant.models),
        allowed_providers=list(row.grant.providers),
        mode=policy.mode,
        max_budget_usd=dollars(policy.max_budget_nusd),
        max_latency_ms=None if policy.max_latency_s is None else round(policy.max_latency_s * 1000),
        min_weight=policy.min_weight,
        monthly_budget_usd=usd(row.budget_nusd or 0),
        tokens_per_minute=row.tokens_per_minute,
        concurrency=row.concurrency,
        rotation_days=row.rotation_days,
    )
