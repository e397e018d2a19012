"""`/admin/v1/apikeys`."""

import hashlib
from typing import Any

from litestar import Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import UNSET

from tokenhub.admin.changes import By
from tokenhub.admin.keys import Keys
from tokenhub.core.ask import Wish
from tokenhub.core.catalog import MAX_BUDGET_NUSD, MAX_LATENCY_S
from tokenhub.core.grants import Grant
from tokenhub.core.keys import ApiKey
from tokenhub.core.money import NANO, nusd
from tokenhub.web.amounts import dollars
from tokenhub.web.auth import needs
from tokenhub.web.body import Http, body_of
from tokenhub.web.paging import page_of, queried
from tokenhub.web.patching import given
from tokenhub.web.tags import answer, if_match
from tokenhub.web.times import utc
from tokenhub.wire import keys as wire
from tokenhub.wire.catalog import Done


@get("/apikeys", opt=needs("viewer"))
async def list_keys(request: Http, keys: NamedDependency[Keys]) -> Response[bytes]:
    page = page_of(queried(request, ("limit", "offset")))
    rows = keys.every()
    found = wire.ApiKeyPage(
        keys=[shown(row) for row in page.cut(rows)],
        total=len(rows),
        limit=page.limit,
        offset=page.offset,
    )
    # Keys are not in the catalog, so the list's version is made from those of its rows.
    versions = " ".join(f"{row.id}:{row.version}" for row in rows)
    return answer(found, version=hashlib.sha256(versions.encode()).hexdigest()[:16])


@get("/apikeys/{key_id:str}", opt=needs("viewer"))
async def get_key(
    request: Http, key_id: FromPath[str], keys: NamedDependency[Keys]
) -> Response[bytes]:
    queried(request, ())
    row = keys.get(key_id)
    return answer(shown(row), version=row.version)


@post("/apikeys", opt=needs("owner"))
async def create_key(
    request: Http, keys: NamedDependency[Keys], by: NamedDependency[By]
) -> Response[bytes]:
    queried(request, ())
    sent = await body_of(request, wire.ApiKeyCreate)
    issued = await keys.create(
        name=sent.name,
        scopes=sent.scopes,
        expires_in=sent.expires_in,
        rate_limit_rps=sent.rate_limit_rps,
        directives=sent.directives,
        grant=_grant(sent),
        by=by,
    )
    row = issued.key
    told = wire.ApiKeyIssued(
        key=issued.secret, id=row.id, prefix=row.prefix, name=row.name, scopes=list(row.scopes)
    )
    return answer(told, version=row.version)


@patch("/apikeys/{key_id:str}", opt=needs("owner"))
async def patch_key(
    request: Http, key_id: FromPath[str], keys: NamedDependency[Keys], by: NamedDependency[By]
) -> Response[bytes]:
    queried(request, ())
    sent = given(await body_of(request, wire.ApiKeyPatch))
    if "max_budget_usd" in sent:
        sent["max_budget_nusd"] = _budget(sent.pop("max_budget_usd"))
    if "max_latency_ms" in sent:
        sent["max_latency_s"] = _latency(sent.pop("max_latency_ms"))
    row = await keys.update(key_id, sent, by=by, expected=if_match(request))
    return answer(wire.ApiKeyDone(key=shown(row)), version=row.version)


@delete("/apikeys/{key_id:str}", status_code=200, opt=needs("owner"))
async def delete_key(
    request: Http, key_id: FromPath[str], keys: NamedDependency[Keys], by: NamedDependency[By]
) -> Response[bytes]:
    queried(request, ())
    await keys.delete(key_id, by=by, expected=if_match(request))
    return answer(Done())


def shown(row: ApiKey) -> wire.ApiKey:
    policy = row.grant.policy
    latency_s = policy.max_latency_s
    return wire.ApiKey(
        id=row.id,
        name=row.name,
        key_prefix=row.prefix,
        scopes=list(row.scopes),
        created_at=utc(row.created_at),
        expires_at=None if row.expires_at is None else utc(row.expires_at),
        enabled=row.enabled,
        rate_limit_rps=row.rate_limit_rps,
        directives=row.directives,
        version=row.version,
        allowed_models=list(row.grant.models),
        allowed_providers=list(row.grant.providers),
        mode=policy.mode,
        max_budget_usd=dollars(policy.max_budget_nusd),
        max_latency_ms=None if latency_s is None else round(latency_s * 1000),
        min_weight=policy.min_weight,
    )


def _grant(sent: wire.ApiKeyCreate) -> Grant:
    models, providers = sent.allowed_models, sent.allowed_providers
    mode, min_weight = sent.mode, sent.min_weight
    return Grant(
        models=() if models is UNSET else tuple(models),
        providers=() if providers is UNSET else tuple(providers),
        policy=Wish(
            mode=None if mode is UNSET else mode,
            max_budget_nusd=_budget(sent.max_budget_usd),
            max_latency_s=_latency(sent.max_latency_ms),
            min_weight=None if min_weight is UNSET else min_weight,
        ),
    )


def _budget(budget_usd: Any) -> int | None:
    """Bounds are checked before the conversion, which the largest floats would break."""
    if budget_usd is None or budget_usd is UNSET:
        return None
    if not 0 < budget_usd <= MAX_BUDGET_NUSD // NANO:
        return -1  # refused with the bounds, as any number out of them
    return max(1, nusd(budget_usd))


def _latency(latency_ms: Any) -> float | None:
    if latency_ms is None or latency_ms is UNSET:
        return None
    return latency_ms / 1000 if 0 < latency_ms <= MAX_LATENCY_S * 1000 else -1.0
