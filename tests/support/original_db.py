"""A database as the original leaves it behind, vault blob included (original-behaviour 5 and 7).

with an_original(tmp_path / "old.sqlite") as old:
    old.provider("openai", base_url="https://api.test/v1", cred_store="vault")
    old.model("gpt", "openai")
    key = old.key("loom")
    old.vault("a password", {"provider:openai:api_key": "sk-1"})

As a program it fills one and prints the keys: `python tests/support/original_db.py PATH PASSWORD`.
"""

import base64
import hashlib
import json
import os
import sqlite3
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import bcrypt
from argon2.low_level import Type, hash_secret_raw
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

# The original's last, from the table of its schema.
TABLES = """
CREATE TABLE schema_migrations (version INTEGER PRIMARY KEY, name TEXT, applied_at TEXT);
CREATE TABLE providers (
    id TEXT PRIMARY KEY, type TEXT, enabled BOOLEAN DEFAULT 1, base_url TEXT DEFAULT '',
    cred_store TEXT DEFAULT 'none');
CREATE TABLE models (
    id TEXT PRIMARY KEY, provider_id TEXT REFERENCES providers (id) ON DELETE CASCADE,
    weight INTEGER DEFAULT 1, max_context_tokens INTEGER DEFAULT 4096,
    input_per_1k REAL DEFAULT 0, output_per_1k REAL DEFAULT 0, enabled BOOLEAN DEFAULT 1,
    pricing_source TEXT DEFAULT 'manual', tool_name_map TEXT DEFAULT '{}',
    gemma4_output BOOLEAN DEFAULT 0);
CREATE TABLE request_logs (
    id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp DATETIME, model_id TEXT, provider_id TEXT,
    mode TEXT DEFAULT '', estimated_cost_usd REAL, latency_ms INTEGER,
    status_code INTEGER DEFAULT 200, error_class TEXT DEFAULT '', request_id TEXT DEFAULT '',
    api_key_id TEXT DEFAULT '', input_tokens INTEGER DEFAULT 0, output_tokens INTEGER DEFAULT 0,
    total_tokens INTEGER DEFAULT 0, alias_from TEXT DEFAULT '');
CREATE TABLE reward_logs (id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp TEXT, reward REAL);
CREATE TABLE audit_logs (
    id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp DATETIME, action TEXT, resource TEXT DEFAULT '',
    detail TEXT DEFAULT '', request_id TEXT DEFAULT '');
CREATE TABLE api_keys (
    id TEXT PRIMARY KEY, key_hash TEXT, key_prefix TEXT, name TEXT,
    scopes TEXT DEFAULT '["chat","plan"]', created_at TEXT, last_used_at TEXT, expires_at TEXT,
    rotation_days INTEGER DEFAULT 0, enabled INTEGER DEFAULT 1, monthly_budget_usd REAL DEFAULT 0,
    rate_limit_rps INTEGER DEFAULT 0, budget_reset_at TEXT);
CREATE TABLE vault_blob (id INTEGER PRIMARY KEY CHECK (id = 1), salt BLOB, data TEXT DEFAULT '{}');
CREATE TABLE routing_config (
    id INTEGER PRIMARY KEY CHECK (id = 1), default_mode TEXT DEFAULT 'normal',
    default_max_budget_usd REAL DEFAULT 0.05, default_max_latency_ms INTEGER DEFAULT 20000);
CREATE TABLE model_aliases (
    name TEXT PRIMARY KEY, variants TEXT, enabled BOOLEAN DEFAULT 1, created_at TEXT,
    updated_at TEXT, sticky_by TEXT DEFAULT '');
CREATE TABLE tsdb_points (
    id INTEGER PRIMARY KEY AUTOINCREMENT, ts INTEGER, metric TEXT, model_id TEXT DEFAULT '',
    provider_id TEXT DEFAULT '', value REAL);
"""
AT = "2026-02-22 06:21:05.123456789 +0000 UTC"
CREATED = "2026-02-01T10:00:00Z"
# The original's cost is 10. The cheapest that there is makes tests quick, and checks the same.
COST = 4
SALT = b"of every original"[:16]


class Original:
    """What the original's operator and callers do to it."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        self.conn = conn
        self._keys = 0

    def row(self, table: str, **values: object) -> None:
        names, marks = ", ".join(values), ", ".join("?" * len(values))
        self.conn.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(values.values()))

    def provider(self, provider_id: str, **values: object) -> None:
        self.row("providers", **{"id": provider_id, "type": "openai", **values})

    def model(self, model_id: str, provider_id: str, **values: object) -> None:
        prices = {"input_per_1k": 0.001, "output_per_1k": 0.002}
        self.row("models", **{"id": model_id, "provider_id": provider_id, **prices, **values})

    def alias(self, name: str, variants: Mapping[str, int], **values: object) -> None:
        split = json.dumps([{"model_id": m, "weight": w} for m, w in variants.items()])
        times = {"created_at": CREATED, "updated_at": CREATED}
        self.row("model_aliases", **{"name": name, "variants": split, **times, **values})

    def key(self, name: str, *, rotated: bool = False, cost: int = COST, **values: object) -> str:
        """A new key; a rotated one has the id of the key before it."""
        self._keys += 1
        digits = hashlib.sha256(f"{name} {self._keys}".encode()).hexdigest()
        former = hashlib.sha256(digits.encode()).hexdigest()
        key = f"tokenhub_{digits}"
        row = {
            "id": (former if rotated else digits)[:16],
            "key_hash": hashed(key, cost=cost),
            "key_prefix": key[:17],
            "name": name,
            "created_at": CREATED,
        }
        self.row("api_keys", **{**row, **values})
        return key

    def request(self, **values: object) -> None:
        row = {
            "timestamp": AT,
            "model_id": "gpt",
            "provider_id": "openai",
            "estimated_cost_usd": 0.0012345,
            "latency_ms": 812,
            "request_id": "host/abcdefghij-000001",
            "input_tokens": 100,
            "output_tokens": 20,
            "total_tokens": 120,
        }
        self.row("request_logs", **{**row, **values})

    def vault(self, password: str, secrets: Mapping[str, str], *, damaged: str = "") -> None:
        """The vault's row; the entry named `damaged` was written under another password."""
        keys = {name: password if name != damaged else f"not {password}" for name in secrets}
        data = {name: sealed(secrets[name], keys[name]) for name in secrets}
        self.row("vault_blob", id=1, salt=SALT, data=json.dumps(data))


@contextmanager
def an_original(path: Path, *, wal: bool = True) -> Iterator[Original]:
    """A database of the original that is open, as it is while the original runs."""
    conn = sqlite3.connect(path, isolation_level=None)
    try:
        if wal:
            conn.execute("PRAGMA journal_mode=WAL")
        conn.executescript(TABLES)
        conn.execute("INSERT INTO schema_migrations VALUES (1, 'base tables', ?)", (CREATED,))
        yield Original(conn)
    finally:
        conn.close()


def hashed(key: str, *, cost: int = COST) -> str:
    """bcrypt of the hex SHA-256 of the key, in Go's variant of the format."""
    digest = hashlib.sha256(key.encode()).hexdigest().encode()
    return bcrypt.hashpw(digest, bcrypt.gensalt(cost, prefix=b"2a")).decode()


def sealed(secret: str, password: str) -> str:
    """AES-256-GCM under Argon2id of the password: base64 of nonce, ciphertext and tag."""
    nonce = os.urandom(12)
    box = nonce + AESGCM(_stretched(password)).encrypt(nonce, secret.encode(), None)
    return base64.b64encode(box).decode()


@cache  # a quarter second each, and the passwords of tests are few
def _stretched(password: str) -> bytes:
    return hash_secret_raw(
        password.encode(),
        SALT,
        time_cost=3,
        memory_cost=64 * 1024,
        parallelism=4,
        hash_len=32,
        type=Type.ID,
    )


def filled(
    old: Original, password: str, *, base_url: str = "https://api.test/v1"
) -> dict[str, str]:
    """Something of each kind; gives the keys by their names."""
    old.provider("openai", base_url=base_url, cred_store="vault")
    old.provider("local", type="vllm", base_url="http://gpu1:8000", enabled=0)
    old.model("gpt", "openai", weight=5, max_context_tokens=128_000)
    old.model("org/small", "openai", weight=3)
    old.model("llama", "local", input_per_1k=0, output_per_1k=0)
    old.alias("fast", {"gpt": 1, "org/small": 3}, sticky_by="api_key")
    old.row("routing_config", id=1, default_mode="cheap", default_max_budget_usd=0.25)
    keys = {
        "loom": old.key("loom"),
        "host-local": old.key("host-local", scopes=""),
        "rotated": old.key("rotated", rotated=True, scopes='["chat"]'),
        "off": old.key("off", enabled=0),
    }
    for number in range(3):
        old.request(request_id=f"host/abcdefghij-{number:06d}", api_key_id=keys["loom"][9:25])
    old.request(
        model_id=None,
        provider_id=None,
        estimated_cost_usd=0,
        status_code=502,
        error_class="routing_failure",
        input_tokens=0,
        output_tokens=0,
    )
    old.row("audit_logs", timestamp=AT, action="vault.unlock")
    old.vault(password, {"provider:openai:api_key": "sk-upstream-1", "secret:other": "x"})
    return keys


if __name__ == "__main__":
    with an_original(Path(sys.argv[1])) as made:
        for named, secret in filled(made, sys.argv[2]).items():
            print(named, secret)
