"""What bad input gets on the admin routes: the right 4xx as a problem that names the field."""

import pytest

from tests.support.control import TOKEN, Control
from tokenhub.core.errors import Unavailable
from tokenhub.web.app import build

pytestmark = pytest.mark.anyio
PATH = "/admin/v1/providers"
JSON = {"content-type": "application/json"}
DEEP = b'{"id": ' + b"[" * 1000 + b"]" * 1000 + b"}"


@pytest.mark.parametrize(
    ("expected", "pointer", "body", "headers"),
    [
        ((400, "invalid_json"), None, b"{", JSON),
        ((400, "invalid_json"), None, b"", JSON),
        ((400, "invalid_json"), None, b'{"id": "p"} {}', JSON),
        ((400, "invalid_utf8"), None, b'{"id": "\xff"}', JSON),
        ((400, "invalid_type"), "#/id", DEEP, JSON),
        ((400, "invalid_type"), None, b"[]", JSON),
        ((400, "invalid_type"), None, b"null", JSON),
        ((400, "invalid_type"), "#/id", b"{}", JSON),
        ((400, "invalid_type"), "#/id", b'{"id": 5}', JSON),
        ((400, "invalid_type"), "#/endpoints/0", b'{"id": "p", "endpoints": [1]}', JSON),
        ((400, "invalid_type"), "#/cred_store", b'{"id": "p", "cred_store": "vault"}', JSON),
        ((400, "invalid_request"), "#/base_url", b'{"id": "p"}', JSON),
        ((415, "unsupported_media_type"), None, b'{"id": "p"}', {}),
        ((415, "unsupported_media_type"), None, b'{"id": "p"}', {"content-type": "text/plain"}),
        (
            (415, "unsupported_media_type"),
            None,
            b'{"id": "p"}',
            {**JSON, "content-encoding": "gzip"},
        ),
        ((413, "request_too_large"), None, b" " * (10 * 1024 * 1024 + 1), JSON),
    ],
)
async def test_bad_bodies(client, expected, pointer, body, headers):
    answer = await client.post(PATH, content=body, headers=headers)

    problem = answer.json()
    assert expected == (answer.status_code, problem["code"])
    assert "application/problem+json" == answer.headers["content-type"]
    assert [pointer] if pointer else [] == [e["pointer"] for e in problem.get("errors", [])]
    assert problem["detail"] == problem["error"] != ""
    assert answer.headers["x-request-id"] == problem["request_id"]


async def test_a_wrong_field_is_told_in_the_words_of_the_data_plane(client):
    answer = await client.post(PATH, json={"id": 5})

    assert "id: Expected `str`, got `int`" == answer.json()["detail"]


async def test_a_thousand_levels_in_a_field_that_takes_anything(client):
    nested = b'{"providers": ' + b"[" * 5000 + b"]" * 5000 + b"}"

    answer = await client.post("/admin/v1/apikeys", content=nested, headers=JSON)

    assert (400, "application/problem+json") == (
        answer.status_code,
        answer.headers["content-type"],
    )


async def test_a_body_that_comes_in_pieces_has_the_same_limit(client):
    async def pieces():
        for _ in range(11):
            yield b" " * 1024 * 1024

    answer = await client.post(PATH, content=pieces(), headers=JSON)

    assert (413, "request_too_large") == (answer.status_code, answer.json()["code"])


async def test_a_caller_who_leaves_in_the_middle_is_no_failure_of_ours(control, caplog):
    sent = []

    async def receive():
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    headers = {**JSON, "authorization": f"Bearer {TOKEN}", "host": "localhost"}
    scope = {
        "type": "http",
        "method": "POST",
        "path": PATH,
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }

    await build(control.parts())(scope, receive, send)

    assert 400 == sent[0]["status"]
    assert [] == caplog.records


async def test_a_charset_beside_the_content_type_is_fine(client):
    answer = await client.post(
        PATH,
        content=b'{"id": "p", "base_url": "http://h"}',
        headers={"content-type": "Application/JSON; charset=utf-8"},
    )

    assert 200 == answer.status_code


@pytest.mark.parametrize("path", [PATH, "/admin/v1/models", "/admin/v1/apikeys", "/admin/v1/logs"])
@pytest.mark.parametrize(
    ("field", "query"),
    [
        ("limit", "limit=0"),
        ("limit", "limit=1001"),
        ("limit", "limit=10abc"),
        ("limit", "limit="),
        ("limit", "limit=-1"),
        ("limit", "limit=%D9%A3"),
        ("limit", "limit=1&limit=2"),
        ("offset", "offset=-1"),
        ("offset", "offset=99999999999999999999"),
        ("ofset", "ofset=1"),
    ],
)
async def test_bad_query_parameters_name_themselves(client, path, field, query):
    answer = await client.get(f"{path}?{query}")

    assert (400, f"#/{field}") == (answer.status_code, answer.json()["errors"][0]["pointer"])


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("application/problem+json", "/admin/v1/nothing"),
        ("application/problem+json", "/nothing"),
        ("application/problem+json", "/schema"),
        ("application/json", "/v1/nothing"),
        ("application/json", "/v1/messages"),
    ],
)
async def test_an_unknown_path_is_a_404_in_the_dialect_of_its_family(client, kind, path):
    answer = await client.get(path)

    body = answer.json()
    assert (404, kind) == (answer.status_code, answer.headers["content-type"])
    shape = {"/v1/nothing": "error", "/v1/messages": "type"}.get(path, "title")
    assert shape in body
    assert (path == "/v1/messages") == (body.get("type") == "error")


async def test_a_wrong_method_is_a_405_with_what_is_allowed(client):
    answer = await client.put(PATH, json={})

    assert (405, "method_not_allowed") == (answer.status_code, answer.json()["code"])
    assert "GET, OPTIONS, POST" == answer.headers["allow"]


async def test_a_host_that_is_none_is_a_400(client):
    answer = await client.get(PATH, headers={"host": "x/healthz?"})

    assert (400, "application/problem+json") == (
        answer.status_code,
        answer.headers["content-type"],
    )


async def test_several_entity_tags_are_refused(client):
    answer = await client.delete(f"{PATH}/p", headers={"if-match": '"1", "2"'})

    assert (400, "#/If-Match") == (answer.status_code, answer.json()["errors"][0]["pointer"])


async def test_our_own_bug_is_a_500_without_its_words(caplog):
    control = await Control().started()

    def fail():
        raise ValueError("sk-secret of a stack")

    control.providers.every = fail
    async with control.client() as client:
        answer = await client.get(PATH)

    assert (500, "internal_error") == (answer.status_code, answer.json()["code"])
    assert "sk-secret" not in answer.text
    assert "Traceback" not in answer.text
    assert answer.json()["request_id"] == caplog.records[-1].request_id


async def test_a_store_that_cannot_write_is_a_503(client, control):
    async def fail(*_args, **_kwargs):
        raise Unavailable("the disk is full", code="database_unusable")

    control.catalog_store.put_provider = fail

    answer = await client.post(PATH, json={"id": "p", "base_url": "http://h"})

    assert (503, "database_unusable") == (answer.status_code, answer.json()["code"])
