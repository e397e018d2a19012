"""Every route and every role. The table is made from the routes themselves, so that none is left
out; what a route needs is in its mark, and what this page expects of it is written here again.
"""

import re

import pytest

from tests.support.control import Control
from tokenhub.admin.changes import By
from tokenhub.app import front
from tokenhub.core.access import ROLES, allows
from tokenhub.web import auth
from tokenhub.web.app import application, build
from tokenhub.web.front import GUARDS

pytestmark = pytest.mark.anyio
SAME = {"sec-fetch-site": "same-origin", "content-type": "application/json"}
# What an owner alone may do; all else that changes something is an operator's.
OWNERS = tuple(
    f"/admin/v1/{noun}"
    for noun in (
        "apikeys", "tokens", "admin-token", "vault", "audit",
        "backup", "config", "import", "ledger", "reload", "tsdb/retention",
    )
)  # fmt: skip
# Reading that is not for viewers, and what asks with a body but changes nothing.
NOT_FOR_VIEWERS = {
    "/admin/v1/providers/{provider_id:str}/discover": "operator",
    "/admin/v1/tokens": "owner",
    "/admin/v1/tokens/{token_id:str}": "owner",
    "/admin/v1/vault/secrets": "owner",
    "/admin/v1/vault/secrets/{key:path}": "owner",
    "/admin/v1/backups": "owner",
}
FOR_VIEWERS = {("POST", f"/admin/v1/routing/{what}") for what in ("replay", "simulate")}
ANYBODY = {"/", "/admin", "/admin/v1/session", "/healthz", "/readyz", "/metrics"}


def routes():
    """Method, template and marks of every route; OPTIONS are the framework's own."""
    for route in build(Control().parts()).routes:
        for method in sorted(route.methods):
            handler, _ = route.route_handler_map[method]
            own = method != "OPTIONS" or handler.http_methods != {"OPTIONS"}
            yield method, route.path, dict(handler.opt) if own else None


def expected(method, template):
    """Who may call a route, by the rules of this page."""
    if template in ANYBODY:
        return auth.ANYBODY
    if (method, template) in FOR_VIEWERS:
        return "viewer"
    if method in {"GET", "HEAD"}:
        return NOT_FOR_VIEWERS.get(template, "viewer")
    return "owner" if template.startswith(OWNERS) else "operator"


EVERY = [(method, template, marks) for method, template, marks in routes() if marks is not None]


def named(value):
    return value if isinstance(value, str) else ""


@pytest.mark.parametrize(("method", "template", "marks"), EVERY, ids=named)
def test_a_route_says_who_may_use_it(method, template, marks):
    assert expected(method, template) == auth.who(marks)


def test_every_route_of_the_front_door_says_who_may_use_it():
    assert GUARDS.keys() == front(Control().parts())._routes.keys()


@pytest.fixture
async def holders():
    """A server with a token and a session for each role."""
    control = await Control().started()
    bearers, cookies = {}, {}
    for role in ROLES:
        issued = await control.tokens.create(name=f"a-{role}", role=role, by=By())
        started = await control.sessions.begin(issued.token, by=By())
        bearers[role] = {"authorization": f"Bearer {issued.secret}"}
        cookies[role] = {**SAME, "cookie": f"th_admin={started.session_id}"}
    return control, bearers, cookies


async def test_every_route_with_every_role(holders):
    control, bearers, cookies = holders
    wrong = []
    asked = 0
    async with control.client(token=None) as client:
        for method, template, marks in EVERY:
            path = re.sub(r"\{[^}]+\}", "x", template)
            needed = auth.who(marks)
            if needed == auth.ANYBODY:
                continue
            for role in (None, *ROLES):
                for headers in ({},) if role is None else (bearers[role], cookies[role]):
                    answer = await client.request(method, path, headers=headers)
                    asked += 1
                    refused = answer.status_code in {401, 403}
                    if role is None:
                        right = 401 == answer.status_code
                    elif allows(role, needed):
                        right = not refused
                    else:
                        right = "insufficient_role" == answer.json()["code"]
                    if refused:
                        right = right and answer.headers["content-type"].endswith("problem+json")
                    if not right:
                        wrong.append((method, template, role, answer.status_code))

    assert [] == wrong
    assert 7 * sum(auth.who(marks) != auth.ANYBODY for _, _, marks in EVERY) == asked


async def test_a_route_without_a_mark_is_refused_to_everybody(holders):
    control, bearers, _ = holders
    app = application()

    from litestar import get  # noqa: PLC0415 - a route that nobody marked

    @get("/admin/v1/forgotten")
    async def forgotten() -> str:
        return "told"

    app.register(forgotten)
    for headers, status in ((bearers["owner"], 403), ({}, 401)):
        async with control.client(token=None, app=app) as client:
            answer = await client.get("/admin/v1/forgotten", headers=headers)
        assert (status, "problem") == (
            answer.status_code,
            answer.headers["content-type"].partition("+")[0].rpartition("/")[2],
        )
        assert "told" not in answer.text


async def test_methods_of_a_route_are_told_to_whoever_is_in(holders):
    control, bearers, _ = holders
    async with control.client(token=None) as client:
        answer = await client.options("/admin/v1/tokens", headers=bearers["viewer"])
        stranger = await client.options("/admin/v1/tokens")

    assert (204, 401) == (answer.status_code, stranger.status_code)


async def test_nobody_raises_their_own_rights(holders):
    control, bearers, _ = holders
    mine = next(row.id for row in control.tokens.every() if row.name == "a-operator")
    async with control.client(token=None) as client:
        for method, path, body in (
            ("PATCH", f"tokens/{mine}", {"role": "owner"}),
            ("POST", "tokens", {"name": "other", "role": "owner"}),
            ("POST", f"tokens/{mine}/rotate", {}),
            ("POST", "admin-token/rotate", {}),
            ("POST", "apikeys", {"name": "mine", "scopes": ["*"]}),
        ):
            answer = await client.request(
                method, f"/admin/v1/{path}", json=body, headers=bearers["operator"]
            )
            assert (403, "insufficient_role") == (answer.status_code, answer.json()["code"])

    assert "operator" == control.tokens.get(mine).role


async def test_a_change_names_who_made_it_and_from_where(holders):
    control, bearers, cookies = holders
    async with control.client(token=None) as client:
        for headers in (bearers["operator"], cookies["operator"]):
            sent = {"id": "p", "base_url": "http://h"}
            await client.post("/admin/v1/providers", json=sent, headers=headers)

    assert ["a-operator"] * 2 == [entry.actor for entry in control.catalog_store.audit]
