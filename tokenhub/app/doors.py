"""What a request meets first: the front door, and who may come in how often."""

from typing import cast

import msgspec

from tokenhub.adapters.memory.rates import MemoryRates
from tokenhub.core.buckets import Limit
from tokenhub.gateway.run import Arrival
from tokenhub.parts import Parts
from tokenhub.settings import Settings
from tokenhub.web.app import build
from tokenhub.web.auth import LOOPBACK, Entry
from tokenhub.web.cors import NO_CORS, Cors
from tokenhub.web.doorman import Doorman
from tokenhub.web.front import Asgi, Front
from tokenhub.web.limits import OPEN, AddressDoor, Door, Doors, OpenDoor
from tokenhub.web.peers import Peers
from tokenhub.web.v1.chat import completions, counts, embeddings, messages, native_chat, planned
from tokenhub.web.v1.feedback import Feedback
from tokenhub.web.v1.models import PREFIX as MODEL
from tokenhub.web.v1.models import Models as ModelCards
from tokenhub.web.v1.plan import Plans
from tokenhub.web.v1.room import Room
from tokenhub.web.v1.usage import Usage


class Counts(msgspec.Struct, frozen=True):
    """What has come in so far. It outlives a reload, which must not give anybody more.

    Of each address, what it has sent to models and to the rest; and what large bodies hold.
    """

    callers: MemoryRates = msgspec.field(default_factory=MemoryRates)
    operators: MemoryRates = msgspec.field(default_factory=MemoryRates)
    room: Room = msgspec.field(default_factory=Room)


def front(
    parts: Parts,
    doors: Doors = OPEN,
    *,
    entry: Entry | None = None,
    cors: Cors = NO_CORS,
    rest: Asgi | None = None,
    room: Room | None = None,
) -> Front:
    """The front door of these parts.

    `rest` is the control plane and `room` that for large bodies, where there is one already.
    """
    entry = entry or Entry()
    cards = ModelCards(parts.catalog, keys=parts.key_table if "models" in entry.closed else None)
    clock, gateway = parts.clock, parts.gateway
    claims, beat_s = parts.claims, parts.heartbeat_s
    room = room or Room()
    doorman = Doorman(parts.logins, entry, parts.request_ids)
    carried_out = Plans(parts.orchestrator, beat_s=beat_s)
    return Front(
        {
            ("POST", "/v1/chat/completions"): completions(
                gateway, claims, room=room, beat_s=beat_s
            ),
            ("POST", "/v1/messages"): messages(gateway, claims, room=room, beat_s=beat_s),
            ("POST", "/v1/messages/count_tokens"): counts(gateway, claims, room=room),
            ("POST", "/v1/embeddings"): embeddings(gateway, claims, room=room),
            ("POST", "/v1/chat"): native_chat(
                gateway, claims, room=room, beat_s=beat_s, plans=carried_out
            ),
            ("POST", "/v1/plan"): planned(gateway, claims, room=room, plans=carried_out),
            ("POST", "/v1/feedback"): Feedback(gateway, parts.feedbacks, room),
            ("GET", "/v1/usage"): Usage(gateway, parts.ledger_store),
            ("GET", "/v1/models"): cards.all,
            ("GET", MODEL): cards.one,
        },
        rest=rest or control_plane(parts, entry),
        arrivals=lambda: Arrival(parts.request_ids(), clock.now(), clock.monotonic()),
        doors=doors,
        load=parts.load,
        refused=doorman.turned_away,
        cors=cors,
    )


def control_plane(parts: Parts, entry: Entry) -> Asgi:
    """All that is not the data plane: the admin API and the pages."""
    return cast("Asgi", build(parts, entry))


def entry_of(settings: Settings) -> Entry:
    """Under which names the admin API answers, and which pages are closed."""
    public = {"metrics": settings.metrics_public, "models": settings.models_public}
    hosts = {*LOOPBACK, *settings.allowed_hosts, settings.listen_addr.local_host.lower()}
    return Entry(
        hosts=frozenset(hosts),
        peers=Peers(settings.trusted_proxies),
        closed=frozenset(page for page, is_open in public.items() if not is_open),
    )


def doors_of(settings: Settings, counts: Counts) -> Doors:
    """How much an address may ask for."""

    def door(rates: MemoryRates, rps: int, burst: int) -> Door:
        if not rps:
            return OpenDoor()
        return AddressDoor(Limit(rps=rps, burst=burst), rates, proxies=settings.trusted_proxies)

    return Doors(
        callers=door(counts.callers, settings.rate_limit_rps, settings.rate_limit_burst),
        operators=door(
            counts.operators, settings.admin_rate_limit_rps, settings.admin_rate_limit_burst
        ),
    )
