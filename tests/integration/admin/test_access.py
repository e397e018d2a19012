import re

import pytest

from tests.support.control import TOKEN, URL
from tokenhub.web.app import build

pytestmark = pytest.mark.anyio
PROBES = {"/healthz", "/readyz", "/metrics"}
SESSION = "/admin/v1/session"
OPEN = {"/", "/admin", SESSION, *PROBES}


def routes(control):
    """Every method of every route, with a path that matches it."""
    for route in build(control.parts()).routes:
        path = re.sub(r"\{[^}]+\}", "x", route.path)
        for method in sorted(route.methods):
            yield method, route.path, path


async def test_every_route_is_closed_unless_it_is_listed_here(control):
    answered = {}
    async with control.client(token=None) as client:
        for method, template, path in routes(control):
            answer = await client.request(method, path)
            answered[method, template] = answer

    opened = {template for (_, template), answer in answered.items() if answer.status_code != 401}
    assert OPEN == opened
    for (method, template), answer in answered.items():
        if template in PROBES or (template in OPEN and method in {"GET", "DELETE"}):
            continue
        if (method, template) == ("POST", SESSION):
            assert 415 == answer.status_code
            continue
        assert 401 == answer.status_code
        assert "Bearer" == answer.headers["www-authenticate"]
        assert "missing admin token" == answer.json()["error"]


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("missing admin token", {}),
        ("missing admin token", {"authorization": "Basic abc"}),
        ("missing admin token", {"authorization": "Bearer "}),
        ("missing admin token", {"x-api-key": TOKEN}),
        ("invalid admin token", {"authorization": "Bearer nope"}),
        ("invalid admin token", {"authorization": f"Bearer {TOKEN}x"}),
        ("invalid admin token", {"authorization": f"Bearer {TOKEN[:-1]}"}),
    ],
)
async def test_whoever_has_no_token_is_told_so(control, text, header):
    async with control.client(token=None) as client:
        answer = await client.get("/admin/v1/info", headers=header)

    assert (401, text, text) == (
        answer.status_code,
        answer.json()["detail"],
        answer.json()["error"],
    )


@pytest.mark.parametrize("path", ["//admin/v1/info", "/admin/v1/info/", "/admin%2fv1/info"])
async def test_no_spelling_of_a_path_gets_around_the_guard(control, path):
    async with control.client(token=None) as client:
        answer = await client.get(f"{URL}{path}")

    assert 401 == answer.status_code


async def test_a_query_holds_no_token(control):
    async with control.client(token=None) as client:
        assert 401 == (await client.get(f"/admin/v1/info?token={TOKEN}")).status_code


async def test_a_new_token_holds_at_once(client, control):
    control.token.current = "tha_another-token-of-some-length"

    assert 401 == (await client.get("/admin/v1/info")).status_code


async def test_an_empty_token_opens_nothing(control):
    control.token.current = ""
    async with control.client(token=None) as client:
        answer = await client.get("/admin/v1/info", headers={"authorization": "Bearer "})

    assert 401 == answer.status_code


async def test_a_body_is_not_read_before_the_token(control):
    async with control.client(token=None) as client:
        answer = await client.post("/admin/v1/providers", content=b"x" * 11_000_000)

    assert 401 == answer.status_code
