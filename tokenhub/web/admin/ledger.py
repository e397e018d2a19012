"""`/admin/v1/ledger`: what calls cost, and whether the books are right."""

from datetime import UTC, date, datetime, timedelta

from litestar import Response, get, post
from litestar.di import NamedDependency

from tokenhub.admin.ledger import Ledger
from tokenhub.core.errors import BadRequest
from tokenhub.core.money import usd
from tokenhub.ports.ledger import GROUPS, Total, TotalsQuery
from tokenhub.web.auth import needs
from tokenhub.web.body import Http
from tokenhub.web.paging import page_of, queried
from tokenhub.web.tags import answer
from tokenhub.wire import ledger as wire

_PAGE = 100
_EPOCH = date(1970, 1, 1)
_FILTERS = {"api_key_id": "key_id", "provider_id": "provider_id", "model_id": "model_id"}


@get("/ledger", opt=needs("viewer"))
async def list_ledger(request: Http, ledger: NamedDependency[Ledger]) -> Response[bytes]:
    query = queried(request, {"limit", "offset", "group_by", "since", "until", *_FILTERS})
    page = page_of(query, limit=_PAGE)
    by = tuple(dict.fromkeys(query.get("group_by", GROUPS[1]).split(",")))
    filters = {inside: query.get(name, "") for name, inside in _FILTERS.items()}
    found = await ledger.totals(
        TotalsQuery(
            by=by,
            since_day=_day(query, "since"),
            # The last day is one of them.
            until_day=_day(query, "until") + 1 if "until" in query else 0,
            limit=page.limit,
            offset=page.offset,
            **filters,
        )
    )
    return answer(
        wire.LedgerPage(
            ledger=[shown(row, by) for row in found.rows],
            sum=shown(found.sum, ()),
            total=found.count,
            limit=page.limit,
            offset=page.offset,
        )
    )


@post("/ledger/verify", status_code=200, opt=needs("owner"))
async def verify_ledger(request: Http, ledger: NamedDependency[Ledger]) -> Response[bytes]:
    queried(request, ())
    found = await ledger.verify()
    disk = found.disk
    return answer(
        wire.LedgerVerified(
            ok=not found.problems,
            problems=list(found.problems),
            requests=disk.requests,
            attempts=disk.attempts,
            requests_usd=usd(disk.requests_nusd),
            attempts_usd=usd(disk.attempts_nusd),
            rows_usd=usd(disk.rows_nusd),
            totals_usd=usd(disk.totals_nusd),
            pruned_usd=usd(disk.pruned_nusd),
            charged_usd=usd(found.charged_nusd),
            written_usd=usd(found.written_nusd),
            reserved_usd=usd(found.reserved_nusd),
        )
    )


def shown(row: Total, by: tuple[str, ...]) -> wire.LedgerTotal:
    return wire.LedgerTotal(
        day=None if row.day is None else day_of(row.day),
        api_key_id=row.key_id if "key" in by else None,
        provider_id=row.provider_id if "provider" in by else None,
        model_id=row.model_id if "model" in by else None,
        attempts=row.attempts,
        settled=row.settled,
        voided=row.voided,
        unknown=row.unknown,
        unpriced=row.unpriced,
        input_tokens=row.input_tokens,
        output_tokens=row.output_tokens,
        cost_usd=usd(row.cost_nusd),
        unknown_usd=usd(row.unknown_nusd),
    )


def day_of(number: int) -> str:
    """A number of days since 1970 as a date: `2025-01-31`."""
    return (_EPOCH + timedelta(days=number)).isoformat()


def _day(query: dict[str, str], name: str) -> int:
    """The day of that name as a number; 0 where none is given. Raises BadRequest."""
    text = query.get(name)
    if text is None:
        return 0
    try:
        then = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as error:
        raise BadRequest(f"{name} must be a day such as 2025-01-31", field=name) from error
    return (then.date() - _EPOCH).days
