"""`/admin/v1/apikeys`."""

import hashlib
from typing import Any

from litestar import Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import UNSET

from tokenhub.admin.changes import By
from tokenhub.admin.keys import MAX_MONTHLY_NUSD, Issued, Keys
from tokenhub.core.ask import Wish
from tokenhub.core.catalog import MAX_BUDGET_NUSD, MAX_LATENCY_S
from tokenhub.core.credentials import due_at
from tokenhub.core.grants import Grant
from tokenhub.core.keys import ApiKey
from tokenhub.core.money import NANO, nusd, usd
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
        keys=[shown(row, keys) for row in page.cut(rows)],
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
    return answer(shown(row, keys), version=row.version)


@post("/apikeys", opt=needs("owner", rehearses=True))
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
        budget_nusd=monthly(sent.monthly_budget_usd),
        tokens_per_minute=0 if sent.tokens_per_minute is UNSET else sent.tokens_per_minute,
        concurrency=0 if sent.concurrency is UNSET else sent.concurrency,
        rotation_days=0 if sent.rotation_days is UNSET else sent.rotation_days,
        judged=sent.judged is not False,
        by=by,
    )
    return _issued(issued, keys, by)


@post("/apikeys/{key_id:str}/rotate", opt=needs("owner", rehearses=True))
async def rotate_key(
    request: Http, key_id: FromPath[str], keys: NamedDependency[Keys], by: NamedDependency[By]
) -> Response[bytes]:
    """The original's clients send no body."""
    queried(request, ())
    empty = request.headers.get("content-length", "0") == "0"
    bare = empty and "transfer-encoding" not in request.headers
    sent = wire.ApiKeyRotate() if bare else await body_of(request, wire.ApiKeyRotate)
    expected = if_match(request)
    issued = await keys.rotate(key_id, overlap=sent.overlap, by=by, expected=expected)
    return _issued(issued, keys, by)


@patch("/apikeys/{key_id:str}", opt=needs("owner", rehearses=True))
async def patch_key(
    request: Http, key_id: FromPath[str], keys: NamedDependency[Keys], by: NamedDependency[By]
) -> Response[bytes]:
    queried(request, ())
    sent = given(await body_of(request, wire.ApiKeyPatch))
    if "max_budget_usd" in sent:
        sent["max_budget_nusd"] = budget(sent.pop("max_budget_usd"))
    if "max_latency_ms" in sent:
        sent["max_latency_s"] = latency(sent.pop("max_latency_ms"))
    if "monthly_budget_usd" in sent:
        sent["budget_nusd"] = monthly(sent.pop("monthly_budget_usd"))
    row = await keys.update(key_id, sent, by=by, expected=if_match(request))
    return answer(wire.ApiKeyDone(key=shown(row, keys)), version=row.version)


@post("/apikeys/{key_id:str}/paid", status_code=200, opt=needs("owner", rehearses=True))
async def pay_key(
    request: Http, key_id: FromPath[str], keys: NamedDependency[Keys], by: NamedDependency[By]
) -> Response[bytes]:
    queried(request, ())
    row = await keys.paid(key_id, by=by)
    return answer(wire.ApiKeyDone(key=shown(row, keys)), version=row.version)


@delete("/apikeys/{key_id:str}", status_code=200, opt=needs("owner", rehearses=True))
async def delete_key(
    request: Http, key_id: FromPath[str], keys: NamedDependency[Keys], by: NamedDependency[By]
) -> Response[bytes]:
    queried(request, ())
    await keys.delete(key_id, by=by, expected=if_match(request))
    return answer(Done())


def shown(row: ApiKey, keys: Keys) -> wire.ApiKey:
    policy = row.grant.policy
    latency_s = policy.max_latency_s
    credentials = keys.credentials(row)
    used = [one.last_used_at for one in credentials if one.last_used_at is not None]
    return wire.ApiKey(
        id=row.id,
        name=row.name,
        key_prefix=row.prefix,
        scopes=list(row.scopes),
        created_at=utc(row.created_at),
        expires_at=_time(row.expires_at),
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
        monthly_budget_usd=usd(row.budget_nusd or 0),
        budget_reset_at=_time(row.budget_reset_at),
        current_spend_usd=None if row.budget_nusd is None else usd(keys.spent_nusd(row)),
        tokens_per_minute=row.tokens_per_minute,
        concurrency=row.concurrency,
        rotation_days=row.rotation_days,
        judged=row.judged,
        rotation=keys.rotation(row),
        rotation_due_at=_time(due_at(row.issued_at, row.rotation_days)),
        last_used_at=_time(max(used, default=None)),
        credentials=[
            wire.Credential(
                prefix=one.prefix,
                issued_at=utc(one.issued_at),
                expires_at=_time(one.expires_at),
                last_used_at=_time(one.last_used_at),
            )
            for one in credentials
        ],
    )


def _issued(issued: Issued, keys: Keys, by: By) -> Response[bytes]:
    row = issued.key
    former = keys.credentials(row)[1:]
    ends = [one.expires_at for one in former if one.expires_at is not None]
    told = wire.ApiKeyIssued(
        key="" if by.rehearsed else issued.secret,
        id=row.id,
        prefix=row.prefix,
        name=row.name,
        scopes=list(row.scopes),
        former_until=_time(max(ends, default=None)),
    )
    if by.rehearsed:
        told.warning = "a dry run makes no key"
    if not row.scopes:
        told.warning += "; it has no scopes, so that it opens nothing"
    return answer(told, version=row.version)


def _time(at: float | None) -> str | None:
    return None if at is None else utc(at)


def _grant(sent: wire.ApiKeyCreate) -> Grant:
    models, providers = sent.allowed_models, sent.allowed_providers
    mode, min_weight = sent.mode, sent.min_weight
    return Grant(
        models=() if models is UNSET else tuple(models),
        providers=() if providers is UNSET else tuple(providers),
        policy=Wish(
            mode=None if mode is UNSET else mode,
            max_budget_nusd=budget(sent.max_budget_usd),
            max_latency_s=latency(sent.max_latency_ms),
            min_weight=None if min_weight is UNSET else min_weight,
        ),
    )


def budget(budget_usd: Any) -> int | None:
    """The most that a request may cost; None is no limit, -1 one that is refused.

    Bounds are checked before the conversion, which the largest floats would break.
    """
    if budget_usd is None or budget_usd is UNSET:
        return None
    if not 0 < budget_usd <= MAX_BUDGET_NUSD // NANO:
        return -1  # refused with the bounds, as any number out of them
    return max(1, nusd(budget_usd))


def monthly(budget_usd: Any) -> int | None:
    """0 is no limit, as in the original. Of anything out of bounds -1, which is refused."""
    if budget_usd is UNSET or budget_usd == 0:
        return None
    if not 0 < budget_usd <= MAX_MONTHLY_NUSD // NANO:
        return -1
    return max(1, nusd(budget_usd))


def latency(latency_ms: Any) -> float | None:
    """The longest that a request may take, in seconds; the same for what is out of bounds."""
    if latency_ms is None or latency_ms is UNSET:
        return None
    return latency_ms / 1000 if 0 < latency_ms <= MAX_LATENCY_S * 1000 else -1.0
