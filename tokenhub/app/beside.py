"""The jobs that run beside the requests."""

import random
from collections.abc import Coroutine, Iterator

from tokenhub.app.live import counted
from tokenhub.jobs.autolock import AutoLocker
from tokenhub.jobs.backup import Timer
from tokenhub.jobs.heartbeat import Heartbeat
from tokenhub.jobs.keys import KeyCare
from tokenhub.jobs.lessons import Saver
from tokenhub.jobs.noting import Noting
from tokenhub.jobs.probe import Prober
from tokenhub.jobs.retention import Pruner
from tokenhub.jobs.series import SeriesPruner
from tokenhub.jobs.supervisor import kept
from tokenhub.parts import Parts
from tokenhub.settings import DAY_S, Settings

Job = Coroutine[None, None, None]


def steady(parts: Parts) -> Iterator[Job]:
    """What runs beside the requests until the server stops."""
    care = KeyCare(parts.keys, clock=parts.clock, events=parts.events)
    yield kept("keys", care.run, clock=parts.clock)
    heart = Heartbeat(parts.feed, clock=parts.clock, reason=lambda: counted(parts.catalog.current))
    yield kept("heartbeat", heart.run, clock=parts.clock)
    noting = Noting(parts.access.sessions, clock=parts.clock)
    yield kept("noting", noting.run, clock=parts.clock)
    yield kept("lessons", Saver(parts.rewards, clock=parts.clock).run, clock=parts.clock)
    yield kept("logins", parts.logins.run, clock=parts.clock)
    yield kept("judge", parts.judging, clock=parts.clock)
    series = SeriesPruner(parts.charts, clock=parts.clock)
    yield kept("series", series.run, clock=parts.clock)
    yield kept("autolock", AutoLocker(parts.vault, parts.clock).run, clock=parts.clock)


def by_settings(settings: Settings, parts: Parts) -> Iterator[Job]:
    """The same, of what is begun anew when settings change."""
    if settings.health_probe_interval_s and not settings.health_probe_disabled:
        prober = Prober(
            parts.fleet,
            catalog=parts.catalog,
            secrets=parts.secrets,
            clock=parts.clock,
            every_s=settings.health_probe_interval_s,
            within_s=settings.health_probe_timeout_s,
            draw=random.SystemRandom().random,
        )
        yield kept("probe", prober.run, clock=parts.clock)
    pruner = Pruner(
        parts.retention,
        clock=parts.clock,
        decisions_s=_days_s(settings.decision_retention_days),
        requests_s=_days_s(settings.log_retention_days),
    )
    yield kept("retention", pruner.run, clock=parts.clock)
    if settings.backup_interval_s:
        timer = Timer(parts.backups, clock=parts.clock, every_s=settings.backup_interval_s)
        yield kept("backup", timer.run, clock=parts.clock)


def _days_s(days: int) -> float | None:
    """A period in seconds; None for ever."""
    return days * DAY_S if days else None
