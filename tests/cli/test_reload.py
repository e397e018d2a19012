"""`tokenhubctl reload`: its lines, of changes that the fake tells at will.

tests/cli/commands/test_server.py has a real server read its settings again.
"""

from tests.cli.conftest import Run
from tests.cli.fake_admin import FakeAdmin

HOSTS = {
    "name": "TOKENHUB_ALLOWED_PRIVATE_HOSTS",
    "before": "",
    "after": "localhost,127.0.0.1/32",
    "restart": False,
}
PORT = {
    "name": "TOKENHUB_LISTEN_ADDR",
    "before": "127.0.0.1:8080",
    "after": ":9090",
    "restart": True,
}


def test_each_change_is_a_line(run: Run, admin: FakeAdmin) -> None:
    answer = {"changes": [HOSTS, PORT], "notes": ["the credentials file is not there"]}
    admin.answers["POST", "/admin/v1/reload"] = 200, answer

    result = run("reload")

    assert [
        "TOKENHUB_ALLOWED_PRIVATE_HOSTS: localhost,127.0.0.1/32, was (empty); from now on",
        "TOKENHUB_LISTEN_ADDR: :9090, was 127.0.0.1:8080; from the next start on",
    ] == result.stdout.splitlines()
    assert "note: the credentials file is not there\n" == result.stderr
    assert "setting/TOKENHUB_LISTEN_ADDR" in run("reload", "-o", "name").stdout


def test_where_nothing_has_changed_it_says_so(run: Run, admin: FakeAdmin) -> None:
    admin.answers["POST", "/admin/v1/reload"] = 200, {"changes": [], "notes": []}

    assert "read again: no setting has changed\n" == run("reload").stdout
    assert "" == run("reload", "-o", "value").stdout
