"""The questions to the request log."""

from urllib.parse import urlencode

from store_check import Check
from traffic_week import KEYS, ROUTES

from tokenhub.core.ids import request_id

LOGS = "/admin/v1/logs"
DAY_S = 86_400.0


def asked(name: str, /, path: str = LOGS, **query: object) -> Check:
    """The same question each round."""
    text = f"{path}?{urlencode(query)}"
    return Check(name=name, path=lambda _number, _now: text)


def filtered(text: str) -> Check:
    """The first page of a filter. `MODEL` and `KEY` are another one each round."""

    def path(number: int, _now: float) -> str:
        model, key = ROUTES[number % len(ROUTES)][1], KEYS[number % len(KEYS)]
        return f"{LOGS}?{urlencode({'filter': text.replace('MODEL', model).replace('KEY', key)})}"

    return Check(name=f"page, {text}", path=path)


def _deep(number: int, now: float) -> str:
    before = request_id(now - (1 + number % 6) * DAY_S, 0)
    return f"{LOGS}?{urlencode({'before': before})}"


def _deep_and_rare(number: int, now: float) -> str:
    before = request_id(now - (1 + number % 6) * DAY_S, 0)
    return f"{LOGS}?{urlencode({'before': before, 'filter': 'status:503 key=key_00000f'})}"


CHECKS = (
    asked("page, the first"),
    asked("page, the first of 1000 rows", limit=1000),
    asked("page, attempts as rows", attempts="rows"),
    Check(name="page, by cursor, days back", path=_deep),
    asked("page, offset 900,000", offset=900_000),
    filtered("model=MODEL"),
    filtered("model:gpt"),
    filtered("!model:gpt"),
    filtered("provider:vllm"),
    filtered("key:KEY"),
    filtered("mode:thompson"),
    filtered("status:error"),
    filtered("error:timeout status>=500"),
    filtered("status:503 key=KEY model=MODEL"),
    Check(name="page, by cursor, status:503 key=...", path=_deep_and_rare),
    filtered("model:nobody"),
    filtered("ms>2000"),
    filtered("ms>60000"),
    filtered("cost>0.01"),
    filtered("cost>1000"),
    filtered("model:gpt ms>2000 !mode:cheap status:ok"),
    filtered("tokens>5000"),
    filtered("tokens>900000"),
    filtered("stream:yes"),
    filtered("asked=auto"),
    filtered("llama"),
    filtered("nothing-has-this"),
    filtered("since:1h"),
    filtered("since:3d until:2d status:error"),
    asked("histogram, a day", f"{LOGS}/histogram"),
    asked("histogram, a week", f"{LOGS}/histogram", since="7d"),
    asked(
        "histogram, a week, status:error", f"{LOGS}/histogram", since="7d", filter="status:error"
    ),
    asked("histogram, a week, ms>2000", f"{LOGS}/histogram", since="7d", filter="ms>2000"),
    asked("facets, a day", f"{LOGS}/facets"),
    asked("facets, a week", f"{LOGS}/facets", since="7d"),
    asked("facets, a week, model:gpt", f"{LOGS}/facets", since="7d", filter="model:gpt"),
    asked("facets, a week, ms>2000", f"{LOGS}/facets", since="7d", filter="ms>2000"),
)
