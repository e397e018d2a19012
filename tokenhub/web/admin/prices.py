"""`/admin/v1/models/prices/sync`: prices from the installed list, when an operator asks."""

from collections import Counter

from litestar import Response, post
from litestar.di import NamedDependency

from tokenhub.admin.changes import By
from tokenhub.admin.prices import Prices, Verdict
from tokenhub.web.admin.models import shown as shown_model
from tokenhub.web.auth import needs
from tokenhub.web.body import Http, body_of
from tokenhub.web.paging import queried
from tokenhub.web.tags import answer
from tokenhub.wire import prices as wire


@post("/models/prices/sync", status_code=200, opt=needs("operator", rehearses=True))
async def sync_prices(
    request: Http, prices: NamedDependency[Prices], by: NamedDependency[By]
) -> Response[bytes]:
    queried(request, ())
    sent = await body_of(request, wire.PriceSync)
    done = await prices.sync(
        by=by, provider_id=sent.provider_id, dry_run=sent.dry_run or by.rehearsed
    )
    count = Counter(one.result for one in done.verdicts)
    return answer(
        wire.PriceSynced(
            catalogue=done.catalogue,
            dry_run=done.dry_run,
            changed=count["changed"],
            same=count["same"],
            kept=count["kept"],
            unknown=count["unknown"],
            models=[_shown(one) for one in done.verdicts],
        )
    )


def _shown(one: Verdict) -> wire.PriceVerdict:
    return wire.PriceVerdict(
        id=one.after.id,
        provider_id=one.after.provider_id,
        result=one.result,
        reason=one.reason,
        before=shown_model(one.before) if one.result == "changed" else None,
        model=shown_model(one.after),
        dearest_hours=one.dearest_hours,
    )
