import pytest

pytestmark = pytest.mark.anyio


async def test_a_backup_is_made_and_listed(client, control):
    made = (await client.post("/admin/v1/backup")).json()
    control.clock.unix_s += 60
    await client.post("/admin/v1/backup")

    page = (await client.get("/admin/v1/backups?limit=1&offset=1")).json()

    assert {"ok": True, "backup": page["items"][0]} == made
    assert (2, 1, 1) == (page["total"], page["limit"], page["offset"])
    assert {
        "name": "backup-1",
        "path": "/backups/backup-1",
        "made_at": "2025-06-15T15:06:40.000Z",
        "reason": "asked for",
        "bytes": 4096,
        "took_ms": 0,
        "files": [{"name": "tokenhub.sqlite", "bytes": 4096, "sha256": "0" * 64}],
    } == made["backup"]
    assert ["backup.create"] * 2 == [entry.action for entry in control.backup_store.audit]


async def test_a_backup_that_cannot_be_made_says_why(client, control):
    control.backup_store.fault = "no backup was made: free some room"

    answer = await client.post("/admin/v1/backup")

    assert (503, "backup_failed", "no backup was made: free some room") == (
        answer.status_code,
        answer.json()["code"],
        answer.json()["detail"],
    )


@pytest.mark.parametrize("call", [("POST", "backup"), ("GET", "backups")])
async def test_a_parameter_that_is_not_known_is_refused(client, call):
    method, path = call

    answer = await client.request(method, f"/admin/v1/{path}?to=/etc")

    assert 400 == answer.status_code
