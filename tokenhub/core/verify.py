"""A stored decision computed again, from its record and the catalog that it names.

Everything that the choice depends on is in one of the two, so the record must come out the same
to the last bit. An input that the choice learns to look at must be in the record: one of the intent
under its own name, one of the signals with a line in `signals_of`. The laws in the tests fail until
it is there.
"""

import zlib
from collections.abc import Iterator

import msgspec

from tokenhub.core.aliases import ANY, ROUND_ROBIN
from tokenhub.core.catalog import Catalog
from tokenhub.core.decide import Record, decide
from tokenhub.core.errors import TokenHubError
from tokenhub.core.learning import Arm
from tokenhub.core.policy import Intent
from tokenhub.core.refusal import KEPT, refused
from tokenhub.core.signals import CLOSED_FOR, Closed, Kept, Signal, Signals

# Beyond so many differences nobody reads on.
SHOWN = 20


def checksum(record: bytes) -> int:
    """What tells whether a stored record is still as it was written: CRC-32 of its JSON.

    It finds every flipped bit; it is no signature, and who can write the file can write both.
    """
    return zlib.crc32(record)


def recompute(record: Record, catalog: Catalog) -> Record:
    """The record that these inputs lead to. `catalog` must be that of `record.catalog_version`."""
    intent = intent_of(record)
    try:
        return decide(intent, catalog, signals_of(record), record.seed).record
    except TokenHubError as error:
        return refused(intent, catalog.version, seed=record.seed, error=error)


def intent_of(record: Record) -> Intent:
    """What was to be decided, out of its record."""
    told = {name: getattr(record, name) for name in KEPT}
    return Intent(**told | {"reserved_tokens": record.reserved_tokens or 0})


def signals_of(record: Record) -> Signals:
    """What was known of the routes, so far as the choice depended on it."""
    closed = {
        skip.route: Closed(skip.reason, skip.value or 0)
        for skip in record.skipped
        if skip.reason in CLOSED_FOR
    }
    for candidate in record.candidates:
        if candidate.last_resort:
            closed[candidate.route] = Closed("health_down", candidate.closed_ms)
    routes = {
        skip.route: Signal(output_tokens=skip.output_tokens)
        for skip in record.skipped
        if skip.output_tokens is not None
    }
    for one in record.candidates:
        written = one.sample.written if one.sample else 0
        routes[one.route] = Signal(one.latency_s, one.failure_rate, one.output_tokens, written)
    return Signals(
        routes=routes,
        without_credential=_providers_of(record, "no_credential", "vault_locked"),
        closed=closed,
        arms=Kept(_arms(record)),
        locked_away=_providers_of(record, "vault_locked"),
    )


def _providers_of(record: Record, *reasons: str) -> frozenset[str]:
    """Whose routes were left out for one of the reasons."""
    skips = [skip for skip in record.skipped if skip.reason in reasons]
    return frozenset(skip.route.partition("/")[0] for skip in skips)


def _arms(record: Record) -> dict[str, Arm]:
    samples = [(one.route, one.sample) for one in record.candidates]
    return {
        route: Arm(
            sample.quality, sample.spread, sample.prior, sample.failing, sample.hope, sample.doubt
        )
        for route, sample in samples
        if sample
    }


def differences(stored: Record, computed: Record) -> list[str]:
    """Where the two are not the same, by name: the first SHOWN of them."""
    found = list(_differences("", stored, computed))
    return found if len(found) <= SHOWN else [*found[:SHOWN], f"and {len(found) - SHOWN} more"]


def alias_differences(
    record: Record, catalog: Catalog, *, request_id: str, key_id: str
) -> list[str]:
    """Whether the alias of the record stands for the model that it says.

    Whose turn it was in a split that goes round is not kept: any of its variants may be right.
    """
    if not record.alias:
        return []
    alias = catalog.aliases.get(record.alias)
    if alias is None or not alias.enabled:
        return [f"alias: {_told(record.alias)} was none in this catalog"]
    if alias.sticky_by == ROUND_ROBIN:
        right = [variant.model_id for variant in alias.variants]
    else:
        right = [alias.variant(request_id=request_id, key_id=key_id, turn=0).model_id]
    right = ["" if name == ANY else name for name in right]
    if record.hint in right:
        return []
    return [f"hint: stored {_told(record.hint)}, the alias stands for {_told(right[0])}"]


def _differences(path: str, stored: object, computed: object) -> Iterator[str]:
    if isinstance(stored, msgspec.Struct) and isinstance(computed, msgspec.Struct):
        for name in stored.__struct_fields__:
            inner = f"{path}.{name}" if path else name
            yield from _differences(inner, getattr(stored, name), getattr(computed, name))
    elif isinstance(stored, tuple) and isinstance(computed, tuple):
        if len(stored) != len(computed):
            yield f"{path}: stored {len(stored)} of them, computed {len(computed)}"
        for place, pair in enumerate(zip(stored, computed, strict=False)):
            yield from _differences(f"{path}[{place}]", *pair)
    elif msgspec.json.encode(stored) != msgspec.json.encode(computed):
        yield f"{path}: stored {_told(stored)}, computed {_told(computed)}"


def _told(value: object) -> str:
    return msgspec.json.encode(value).decode()
