"""A server that has one of everything, for lines that name what is there.

The providers `one` and `openai` with models, the key `k`, a request in the log, the admin token
`alice`, the view `slow`, the alias `fast`, the context `local`, and a vault where it is wanted.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec

from tests.cli.live import Live, living
from tests.support.server import ADMIN_TOKEN

PASSWORD = "correct horse battery"


class Stock(msgspec.Struct, frozen=True, kw_only=True):
    """What nobody chose: the id of the key, the key, and the id of the request."""

    key_id: str
    key: str
    request_id: str

    def filled(self, line: str) -> str:
        """The line with these ids, where it has `k_1` and `req_01a1fdc7`."""
        return line.replace("k_1", self.key_id).replace("req_01a1fdc7", self.request_id)


@contextmanager
def told(home: Path, environment: Mapping[str, str | None]) -> Iterator[Live]:
    """A server that made its token itself, so that this can be rotated."""
    data = home / "data"
    data.mkdir(mode=0o700)
    file = data / ".admin-token"
    file.touch(mode=0o600)
    file.write_text(ADMIN_TOKEN)
    with living(home, environment, ADMIN_TOKEN="") as live:
        yield live


def files(folder: Path) -> None:
    """The files that lines name: passwords, and the admin token."""
    (folder / "password.txt").write_text(f"{PASSWORD}\n")
    (folder / "new.txt").write_text("battery horse correct\n")
    (folder / "token.txt").write_text(f"{ADMIN_TOKEN}\n")


def stock(live: Live, *, alias: bool = True, vault: bool = False) -> Stock:
    """Fill the server. The context needs `token.txt` in this folder."""
    if vault:
        live.run("vault", "init", PASSWORD)
        live.run("vault", "secrets", "set", "ci-token", stdin="a secret")
    live.provider("one", "gpt", "org/small", "large")
    live.provider("openai", "gpt-4o")
    body = {"name": "k", "scopes": ["chat", "plan", "embeddings"]}
    made = msgspec.convert(live.admin("POST", "apikeys", body), dict[str, object])
    key_id, key = str(made["id"]), str(made["key"])
    request_id = live.ask(key=key)
    live.run("token", "create", "--name", "alice")
    live.run("view", "set", "slow", "ms>2000")
    if alias:
        live.run("alias", "set", "fast", "--variant", "gpt=1")
    live.run("context", "add", "local", "--url", live.hub.url, "--token-file", "token.txt", "--use")
    live.let(TOKENHUB_API_KEY=key, TOKEN="a value")
    return Stock(key_id=key_id, key=key, request_id=request_id)
