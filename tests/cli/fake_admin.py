"""A small admin API on a real loopback socket, for commands to talk to.

It keeps what it is given and remembers what was sent. It checks nothing: that is the work of the
server's own tests. It is for what a real server cannot be made to do (a broken trail, an answer
that is not TokenHub's), and for what is to be seen of a request or of a row that is just so;
whether a command does what it says is tried at the real one (live.py).
"""

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "t0ken-of-the-fake"
KEY = "tokenhub_0123456789abcdefghijklmnopqrstuvwABCDEF"


class Sent(NamedTuple):
    method: str
    path: str
    query: dict[str, list[str]]
    body: Any
    if_match: str | None


class FakeAdmin:
    """`sent` is what came in. `answers` overrides: (method, path) to (status, body)."""

    def __init__(self) -> None:
        self.sent: list[Sent] = []
        self.answers: dict[tuple[str, str], tuple[int, Any]] = {}
        self.rows: dict[str, dict[str, dict[str, Any]]] = {
            "providers": {},
            "models": {},
            "keys": {},
        }
        self.logs: list[dict[str, Any]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def last(self) -> Sent:
        return self.sent[-1]

    def add_provider(self, name: str, /, **fields: Any) -> None:
        row = {"type": "openai", "base_url": "https://p.example", "endpoints": [], "enabled": True}
        given = {"cred_store": "none", "credential": "none", "source": "api", "version": 1}
        self.rows["providers"][name] = {"id": name, **row, **given, **fields}

    def add_model(self, name: str, /, **fields: Any) -> None:
        row = {"provider_id": "p", "weight": 1, "max_context_tokens": 0, "enabled": True}
        given = {"input_per_1k": None, "output_per_1k": None, "pricing_source": "manual"}
        more = {"source": "api", "version": 1}
        self.rows["models"][name] = {"id": name, **row, **given, **more, **fields}

    def add_key(self, name: str, /, **fields: Any) -> None:
        row = {"key_prefix": "tokenhub_0123...CDEF", "scopes": ["chat"], "enabled": True}
        given = {"created_at": "2026-02-03T04:05:06Z", "expires_at": None, "version": 1}
        more = {"rate_limit_rps": 0, "directives": True}
        self.rows["keys"][name] = {"id": name, "name": name, **row, **given, **more, **fields}

    def answer(self, sent: Sent, token: str) -> tuple[int, Any]:
        if found := self.answers.get((sent.method, sent.path)):
            return found
        if sent.path == "/healthz":
            return 200, {"status": "ok", "adapters": 1, "models": 2}
        if sent.path == "/readyz":
            return 200, {"status": "ready"}
        if token != f"Bearer {TOKEN}":
            return problem(401, "invalid_admin_token", "the admin token is wrong")
        _, _, path = sent.path.partition("/admin/v1/")
        noun, _, name = path.partition("/")
        if noun in {"providers", "models", "apikeys"}:
            return self._row(noun.replace("apikeys", "keys"), unquote(name), sent)
        return 200, self._other(path, sent)

    def _row(self, kind: str, name: str, sent: Sent) -> tuple[int, Any]:
        rows = self.rows[kind]
        if sent.method == "POST":
            return 200, self._created(kind, sent.body)
        if not name or name.endswith("/discover"):
            return 200, self._listed(kind, name)
        if name not in rows:
            return problem(404, "not_found", f"there is no {kind[:-1]} {name}")
        if sent.method == "DELETE":
            del rows[name]
            return 200, {"ok": True}
        if sent.method == "PATCH":
            rows[name] |= {"version": rows[name]["version"] + 1, **sent.body}
            return 200, self._done(kind, rows[name])
        return 200, rows[name]

    def _listed(self, kind: str, name: str) -> dict[str, Any]:
        if name:
            found = [{"id": "a-model", "registered": True}, {"id": "b", "registered": False}]
            return {"provider_id": name.removesuffix("/discover"), "models": found, "total": 2}
        rows = list(self.rows[kind].values())
        items = "keys" if kind == "keys" else "items"
        return {items: rows, "total": len(rows), "limit": 1000, "offset": 0}

    def _created(self, kind: str, body: dict[str, Any]) -> dict[str, Any]:
        if kind == "keys":
            name = body.get("name", "rotated")
            self.add_key("k1", name=name)
            return {"ok": True, "key": KEY, "id": "k1", "prefix": KEY[:13]} | {
                "name": name,
                "scopes": ["chat"],
                "warning": "store this key now",
                "former_until": "2026-02-04T04:05:06Z" if body.get("overlap") == "24h" else None,
            }
        fields = {name: value for name, value in body.items() if name not in {"id", "api_key"}}
        fields.pop("autoload_models", None)
        (self.add_provider if kind == "providers" else self.add_model)(body["id"], **fields)
        return self._done(kind, self.rows[kind][body["id"]])

    def _done(self, kind: str, row: dict[str, Any]) -> dict[str, Any]:
        extra = {"cred_store": row["cred_store"], "note": ""} if kind == "providers" else {}
        shown = {name: value for name, value in row.items() if name != "api_key"}
        if isinstance(shown.get("scopes"), str):
            shown["scopes"] = json.loads(shown["scopes"])
        return {"ok": True, kind[:-1]: shown, **extra}

    def _other(self, path: str, sent: Sent) -> Any:
        if path == "info":
            about = {"version": "9.9.9", "url": self.url, "uptime_s": 62.0}
            return {**about, "sqlite_version": "3", "providers": 1, "models": 2}
        if path == "logs":
            return {"logs": self.logs, "total": len(self.logs), "limit": 50, "offset": 0} | {
                "next": None
            }
        if path == "engine/models":
            models = list(self.rows["models"].values())
            adapters = {"adapters": ["p"], "adapter_info": []}
            return {"models": models, "total": len(models), "limit": 1000, "offset": 0, **adapters}
        config = {"default_mode": "normal", "default_max_budget_usd": 0.05}
        return config | {"default_max_latency_ms": 120000, "version": 3} | (sent.body or {})

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def __getattr__(self, name: str) -> Callable[[], None]:
                """One answer for all of do_GET, do_POST and so on."""
                if name.startswith("do_"):
                    return self._answer
                raise AttributeError(name)

            def _answer(self) -> None:
                parts = urlsplit(self.path)
                raw = self.rfile.read(int(self.headers.get("content-length", 0)))
                body = json.loads(raw) if raw else None
                if_match = self.headers.get("if-match")
                sent = Sent(self.command, parts.path, parse_qs(parts.query), body, if_match)
                fake.sent.append(sent)
                status, answer = fake.answer(sent, self.headers.get("authorization", ""))
                content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("X-Request-ID", "req-of-header")
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """Keep stderr for the command under test."""

        return Handler


def problem(status: int, code: str, detail: str, **more: Any) -> tuple[int, dict[str, Any]]:
    body = {"type": "about:blank", "title": code, "status": status, "detail": detail}
    return status, body | {"code": code, "error": detail, "request_id": "req-7", **more}
