import pytest

pytestmark = pytest.mark.anyio
TOKENS = "/admin/v1/tokens"
SESSION = "/admin/v1/session"


@pytest.fixture
async def alice(client):
    return (await client.post(TOKENS, json={"name": "alice", "role": "operator"})).json()


async def test_a_token_is_shown_once_and_listed_without_itself(client, alice):
    listed = (await client.get(TOKENS)).json()
    one = await client.get(f"{TOKENS}/alice")

    assert alice["token"].startswith("tha_")
    assert alice["warning"].startswith("store this token now")
    assert (2, ["admin", "alice"]) == (listed["total"], [t["name"] for t in listed["tokens"]])
    assert one.json() == listed["tokens"][1]
    assert f'"{one.json()["version"]}"' == one.headers["etag"]
    assert alice["token"] not in str(listed)
    assert {"id", "name", "role", "token_prefix", "created_at", "expires_at", "version"} | {
        "last_used_at",
        "rotated_until",
    } == one.json().keys()


async def test_the_list_has_pages_and_a_version_of_its_own(client, alice):
    page = await client.get(TOKENS, params={"limit": 1, "offset": 1})
    tag = page.headers["etag"]
    await client.patch(f"{TOKENS}/alice", json={"role": "viewer"})
    after = await client.get(TOKENS)

    assert (["alice"], 2) == ([t["name"] for t in page.json()["tokens"]], page.json()["total"])
    assert tag != after.headers["etag"]


@pytest.mark.parametrize(
    "body",
    [
        {"role": "root"},
        {"name": "admin"},
        {"name": ""},
        {"expires_in": "soon"},
        {"role": None},
        {"id": "tok_2"},
        {"digest": "x"},
        {"token": "x" * 40},
        {"version": 7},
        {"last_used_at": "now"},
        {"previous": "x"},
    ],
)
async def test_only_what_may_be_changed_is_changed(client, alice, control, body):
    before = control.tokens.get("alice")

    answer = await client.patch(f"{TOKENS}/alice", json=body)

    assert 400 == answer.status_code
    assert before == control.tokens.get("alice")


@pytest.mark.parametrize("body", [{}, {"name": "alice"}, {"name": "b", "role": "root"}])
async def test_a_new_token_needs_a_name_of_its_own_and_a_role(client, alice, body):
    answer = await client.post(TOKENS, json=body)

    assert answer.status_code in {400, 409}


async def test_a_rotation_may_come_without_a_body_and_has_an_overlap_then(client, alice):
    new = await client.post(f"{TOKENS}/alice/rotate")

    assert (200, True) == (new.status_code, new.json()["rotated_until"] is not None)
    for token in (alice["token"], new.json()["token"]):
        answer = await client.get(SESSION, headers={"authorization": f"Bearer {token}"})
        assert "alice" == answer.json()["name"]


@pytest.mark.parametrize("overlap", ["", "soon", "-1h"])
async def test_an_overlap_is_a_duration(client, alice, overlap):
    answer = await client.post(f"{TOKENS}/alice/rotate", json={"overlap": overlap})

    assert (400, "#/overlap") == (answer.status_code, answer.json()["errors"][0]["pointer"])


async def test_a_change_of_an_old_version_is_refused(client, alice):
    stale = {"if-match": '"0"'}

    for answer in (
        await client.patch(f"{TOKENS}/alice", json={"role": "owner"}, headers=stale),
        await client.post(f"{TOKENS}/alice/rotate", headers=stale),
        await client.delete(f"{TOKENS}/alice", headers=stale),
    ):
        assert 412 == answer.status_code


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
async def test_a_token_that_is_not_there_is_not_found(client, method):
    body = {"json": {"role": "owner"}} if method == "PATCH" else {}

    assert 404 == (await client.request(method, f"{TOKENS}/mallory", **body)).status_code


async def test_the_first_token_is_rotated_by_the_originals_route(client, control):
    chosen = await client.post("/admin/v1/admin-token/rotate", json={"token": "x" * 40})

    assert (200, "x" * 40) == (chosen.status_code, control.token.current)
    assert 401 == (await client.get(TOKENS)).status_code


@pytest.mark.parametrize("token", ["x" * 15, "with spaces in between it"])
async def test_a_first_token_that_cannot_serve_is_refused_and_not_repeated(client, token):
    answer = await client.post("/admin/v1/admin-token/rotate", json={"token": token})

    assert (400, "admin_token_refused") == (answer.status_code, answer.json()["code"])
    assert token not in answer.text


@pytest.mark.parametrize(
    ("status", "body"),
    [(401, {}), (401, {"token": ""}), (401, {"token": "wrong"}), (400, {"token": 7})],
)
async def test_a_session_begins_with_a_token_alone(control, status, body):
    async with control.client(token=None) as client:
        answer = await client.post(SESSION, json=body)

    assert status == answer.status_code
    assert "set-cookie" not in answer.headers


async def test_who_comes_with_a_token_is_told_who_they_are(client, alice):
    mine = {"authorization": f"Bearer {alice['token']}"}

    told = (await client.get(SESSION, headers=mine)).json()

    assert {"authenticated": True, "name": "alice", "role": "operator"} == told


async def test_a_question_about_a_session_does_not_lengthen_it(client, control):
    await client.post(SESSION)
    del client.headers["authorization"]
    first = (await client.get(SESSION)).json()
    control.clock.unix_s += 60
    second = (await client.get(SESSION)).json()
    await client.get("/admin/v1/info")
    third = (await client.get(SESSION)).json()

    assert first["idle_at"] == second["idle_at"] < third["idle_at"]
    assert first["expires_at"] == third["expires_at"]
