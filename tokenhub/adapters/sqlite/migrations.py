"""The tables, and how a file comes to have them.

`tokenhub.sqlite` holds configuration, keys, audit, the request log and the ledger;
`telemetry.sqlite` beside it holds detail that may be lost in a power cut. All tables are STRICT.
Times are Unix milliseconds, durations microseconds, money nano-USD (NULL where unknown), lists
JSON.

A step is never changed once released: the next change is a new step at the end.
"""

import sqlite3
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from tokenhub.adapters.sqlite import chain
from tokenhub.core.errors import Unavailable


class Step(msgspec.Struct, frozen=True):
    """One migration: it runs in one transaction together with its record.

    `then` comes after the statements, for what SQL has no words for.
    """

    name: str
    statements: tuple[str, ...]
    then: Callable[[sqlite3.Connection], None] | None = None


class Schema(msgspec.Struct, frozen=True):
    """The steps that one kind of file has gone through, in order."""

    name: str
    steps: tuple[Step, ...]

    def missing(self, conn: sqlite3.Connection, path: Path) -> list[str]:
        """The steps that a file has not gone through yet, by name.

        Raises Unavailable where the file has steps that we do not know: a newer version wrote
        them, and writing as of old could lose what they keep.
        """
        known = [step.name for step in self.steps]
        applied = self.applied(conn)
        if newer := [name for name in applied if name not in known]:
            raise Unavailable(
                f"{path} was written by a newer TokenHub (it has {', '.join(newer)!r}); "
                "install that version, or put a backup from before the upgrade in its place with "
                '"tokenhub restore"',
                code="database_newer",
            )
        return [name for name in known if name not in applied]

    def apply(self, conn: sqlite3.Connection, path: Path) -> None:
        """Take the steps that are missing. The caller holds the file's lock.

        Raises Unavailable as `missing` does.
        """
        if self.missing(conn, path):
            self._migrate(conn)

    def applied(self, conn: sqlite3.Connection) -> list[str]:
        """The names that sqlite-utils recorded, read without it: its import takes half a second."""
        table = "SELECT 1 FROM sqlite_schema WHERE name = '_sqlite_migrations'"
        if conn.execute(table).fetchone() is None:
            return []
        names = conn.execute(
            "SELECT name FROM _sqlite_migrations WHERE migration_set = ? ORDER BY id", (self.name,)
        )
        return [name for (name,) in names]

    def triggers(self, applied: Iterable[str]) -> dict[str, str]:
        """What a file that has gone through these steps has for triggers: name and statement."""
        done, found = set(applied), {}
        for step in self.steps:
            for words in (statement.split() for statement in step.statements):
                if step.name in done and words[:2] == ["CREATE", "TRIGGER"]:
                    found[words[2]] = " ".join(words)
        return found

    def _migrate(self, conn: sqlite3.Connection) -> None:
        # Imported here, since it loads numpy, and a file that is up to date needs neither.
        from sqlite_utils import Database, Migrations  # noqa: PLC0415

        migrations = Migrations(self.name)
        for step in self.steps:

            def take(db: Database, step: Step = step) -> None:
                for statement in step.statements:
                    db.execute(statement)
                if step.then is not None:
                    step.then(conn)

            migrations(name=step.name)(take)
        migrations.apply(Database(conn, execute_plugins=False))


# Request ids begin with the time, so both tables of the journal grow at one end, a page of the log
# is a stretch of the primary key, and no further index is needed. WITHOUT ROWID keeps a row in one
# b-tree, so a commit writes fewer pages: 77 us of CPU for a commit of one request in a thread of
# its own, against 83 with a rowid and an index; with 32 requests in a commit both take 7 us each.
TOKENHUB = Schema(
    "tokenhub",
    (
        Step(
            "0001 catalog, keys, audit, journal",
            (
                """
                CREATE TABLE meta (
                    name TEXT PRIMARY KEY,
                    value INTEGER NOT NULL
                ) STRICT, WITHOUT ROWID
                """,
                "INSERT INTO meta (name, value) VALUES ('catalog', 0), ('keys', 0), ('probes', 0)",
                """
                CREATE TABLE providers (
                    id TEXT PRIMARY KEY,
                    type TEXT NOT NULL,
                    base_url TEXT NOT NULL,
                    endpoints TEXT NOT NULL,
                    enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
                    cred_store TEXT NOT NULL,
                    source TEXT NOT NULL,
                    version INTEGER NOT NULL
                ) STRICT, WITHOUT ROWID
                """,
                """
                CREATE TABLE models (
                    provider_id TEXT NOT NULL REFERENCES providers (id) ON DELETE CASCADE,
                    id TEXT NOT NULL,
                    weight INTEGER NOT NULL,
                    max_context_tokens INTEGER NOT NULL,
                    input_price INTEGER,
                    output_price INTEGER,
                    enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
                    pricing_source TEXT NOT NULL,
                    source TEXT NOT NULL,
                    version INTEGER NOT NULL,
                    PRIMARY KEY (provider_id, id)
                ) STRICT, WITHOUT ROWID
                """,
                """
                CREATE TABLE routing_defaults (
                    one INTEGER PRIMARY KEY CHECK (one = 1),
                    mode TEXT NOT NULL,
                    max_budget_nusd INTEGER,
                    max_latency_us INTEGER NOT NULL,
                    version INTEGER NOT NULL
                ) STRICT
                """,
                """
                CREATE TABLE api_keys (
                    id TEXT PRIMARY KEY,
                    name TEXT NOT NULL,
                    digest BLOB NOT NULL UNIQUE,
                    prefix TEXT NOT NULL,
                    scopes TEXT NOT NULL,
                    created_at_ms INTEGER NOT NULL,
                    expires_at_ms INTEGER,
                    enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
                    version INTEGER NOT NULL
                ) STRICT, WITHOUT ROWID
                """,
                """
                CREATE TABLE audit_log (
                    id INTEGER PRIMARY KEY AUTOINCREMENT,
                    at_ms INTEGER NOT NULL,
                    action TEXT NOT NULL,
                    resource TEXT NOT NULL,
                    actor TEXT NOT NULL,
                    request_id TEXT NOT NULL,
                    detail TEXT NOT NULL
                ) STRICT
                """,
                """
                CREATE TABLE requests (
                    request_id TEXT PRIMARY KEY,
                    at_ms INTEGER NOT NULL,
                    key_id TEXT NOT NULL,
                    dialect TEXT NOT NULL,
                    requested_model TEXT NOT NULL,
                    mode TEXT NOT NULL,
                    reason TEXT NOT NULL,
                    model_id TEXT NOT NULL,
                    provider_id TEXT NOT NULL,
                    status INTEGER NOT NULL,
                    error_class TEXT NOT NULL,
                    stream INTEGER NOT NULL,
                    latency_us INTEGER NOT NULL,
                    upstream_us INTEGER NOT NULL,
                    cost_nusd INTEGER
                ) STRICT, WITHOUT ROWID
                """,
                """
                CREATE TABLE attempts (
                    request_id TEXT NOT NULL,
                    number INTEGER NOT NULL,
                    provider_id TEXT NOT NULL,
                    model_id TEXT NOT NULL,
                    state TEXT NOT NULL,
                    kind TEXT NOT NULL,
                    status INTEGER NOT NULL,
                    latency_us INTEGER NOT NULL,
                    input_tokens INTEGER NOT NULL,
                    output_tokens INTEGER NOT NULL,
                    cost_nusd INTEGER,
                    estimated INTEGER NOT NULL,
                    PRIMARY KEY (request_id, number)
                ) STRICT, WITHOUT ROWID
                """,
            ),
        ),
        Step(
            "0002 probes",
            (
                "CREATE TABLE probes (id INTEGER PRIMARY KEY, filler BLOB NOT NULL) STRICT",
                "DELETE FROM meta WHERE name = 'probes'",
            ),
        ),
        Step(
            "0003 claims",
            (
                """
                CREATE TABLE claims (
                    scope BLOB PRIMARY KEY,
                    fingerprint BLOB NOT NULL,
                    state TEXT NOT NULL,
                    request_id TEXT NOT NULL,
                    replaced TEXT NOT NULL,
                    at_ms INTEGER NOT NULL
                ) STRICT, WITHOUT ROWID
                """,
                "CREATE INDEX claims_at ON claims (at_ms)",
            ),
        ),
        Step(
            "0004 rate and directives of a key",
            (
                "ALTER TABLE api_keys ADD COLUMN rate_limit_rps INTEGER NOT NULL DEFAULT 0",
                """
                ALTER TABLE api_keys ADD COLUMN
                    directives INTEGER NOT NULL DEFAULT 1 CHECK (directives IN (0, 1))
                """,
            ),
        ),
        Step(
            "0005 aliases",
            (
                """
                CREATE TABLE aliases (
                    name TEXT PRIMARY KEY,
                    variants TEXT NOT NULL,
                    enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
                    sticky_by TEXT NOT NULL,
                    version INTEGER NOT NULL
                ) STRICT, WITHOUT ROWID
                """,
            ),
        ),
        Step(
            "0006 lists and policy of a key",
            (
                "ALTER TABLE api_keys ADD COLUMN allowed_models TEXT NOT NULL DEFAULT '[]'",
                "ALTER TABLE api_keys ADD COLUMN allowed_providers TEXT NOT NULL DEFAULT '[]'",
                "ALTER TABLE api_keys ADD COLUMN mode TEXT",
                "ALTER TABLE api_keys ADD COLUMN max_budget_nusd INTEGER",
                "ALTER TABLE api_keys ADD COLUMN max_latency_ms INTEGER",
                "ALTER TABLE api_keys ADD COLUMN min_weight INTEGER",
            ),
        ),
        Step(
            "0007 kept catalogs",
            (
                "CREATE TABLE catalog_versions (version INTEGER PRIMARY KEY) STRICT",
                """
                CREATE TABLE catalog_rows (
                    kind TEXT NOT NULL,
                    key TEXT NOT NULL,
                    valid_from INTEGER NOT NULL,
                    valid_to INTEGER,
                    content TEXT NOT NULL,
                    PRIMARY KEY (kind, key, valid_from)
                ) STRICT, WITHOUT ROWID
                """,
                "CREATE INDEX catalog_rows_open ON catalog_rows (kind, key) WHERE valid_to IS NULL",
            ),
        ),
        Step(
            "0008 orchestrations",
            (
                "ALTER TABLE requests ADD COLUMN parent_id TEXT NOT NULL DEFAULT ''",
                # Of steps only, so that other requests do not pay for it.
                "CREATE INDEX requests_parent ON requests (parent_id) WHERE parent_id <> ''",
                """
                CREATE TABLE orchestrations (
                    id TEXT PRIMARY KEY,
                    at_ms INTEGER NOT NULL,
                    key_id TEXT NOT NULL,
                    dialect TEXT NOT NULL,
                    mode TEXT NOT NULL,
                    status TEXT NOT NULL,
                    iterations INTEGER NOT NULL,
                    steps INTEGER NOT NULL,
                    stream INTEGER NOT NULL,
                    estimate_nusd INTEGER,
                    cost_nusd INTEGER,
                    error_class TEXT NOT NULL,
                    latency_us INTEGER NOT NULL
                ) STRICT, WITHOUT ROWID
                """,
            ),
        ),
        Step(
            "0009 prices and tokens by class",
            (
                "ALTER TABLE models ADD COLUMN cached_price INTEGER",
                "ALTER TABLE models ADD COLUMN cache_write_price INTEGER",
                "ALTER TABLE models ADD COLUMN cache_write_1h_price INTEGER",
                "ALTER TABLE models ADD COLUMN reasoning_price INTEGER",
                "ALTER TABLE models ADD COLUMN tiers TEXT NOT NULL DEFAULT '[]'",
                # `manual` was also the word of a price that nobody had given.
                """
                UPDATE models SET pricing_source = 'unknown' WHERE pricing_source = 'manual'
                    AND input_price IS NULL AND output_price IS NULL
                """,
                "ALTER TABLE attempts ADD COLUMN cached_tokens INTEGER",
                "ALTER TABLE attempts ADD COLUMN cache_write_tokens INTEGER",
                "ALTER TABLE attempts ADD COLUMN cache_write_1h_tokens INTEGER",
                "ALTER TABLE attempts ADD COLUMN reasoning_tokens INTEGER",
            ),
        ),
        Step(
            "0010 ledger",
            (
                "ALTER TABLE attempts ADD COLUMN at_ms INTEGER NOT NULL DEFAULT 0",
                "ALTER TABLE attempts ADD COLUMN key_id TEXT NOT NULL DEFAULT ''",
                """
                UPDATE attempts SET at_ms = r.at_ms, key_id = r.key_id
                    FROM requests r WHERE r.request_id = attempts.request_id
                """,
                """
                CREATE TABLE ledger_totals (
                    day INTEGER NOT NULL,
                    key_id TEXT NOT NULL,
                    provider_id TEXT NOT NULL,
                    model_id TEXT NOT NULL,
                    attempts INTEGER NOT NULL,
                    settled INTEGER NOT NULL,
                    voided INTEGER NOT NULL,
                    unknown INTEGER NOT NULL,
                    unpriced INTEGER NOT NULL,
                    input_tokens INTEGER NOT NULL,
                    output_tokens INTEGER NOT NULL,
                    cost_nusd INTEGER NOT NULL,
                    unknown_nusd INTEGER NOT NULL,
                    pruned_attempts INTEGER NOT NULL DEFAULT 0,
                    pruned_nusd INTEGER NOT NULL DEFAULT 0,
                    PRIMARY KEY (day, key_id, provider_id, model_id)
                ) STRICT, WITHOUT ROWID
                """,
                """
                INSERT INTO ledger_totals (day, key_id, provider_id, model_id, attempts, settled,
                    voided, unknown, unpriced, input_tokens, output_tokens, cost_nusd, unknown_nusd)
                SELECT at_ms / 86400000 AS day, key_id, provider_id, model_id, count(*),
                    sum(state = 'settled'), sum(state = 'voided'), sum(state = 'unknown'),
                    sum(cost_nusd IS NULL), sum(input_tokens), sum(output_tokens),
                    coalesce(sum(cost_nusd), 0),
                    coalesce(sum(CASE WHEN state = 'unknown' THEN cost_nusd END), 0)
                FROM attempts GROUP BY day, key_id, provider_id, model_id
                """,
                # Where the rows are, so that whatever writes them keeps the sums right: the
                # journal, a recovery and an import.
                """
                CREATE TRIGGER attempts_counted AFTER INSERT ON attempts BEGIN
                    INSERT INTO ledger_totals (day, key_id, provider_id, model_id, attempts,
                        settled, voided, unknown, unpriced, input_tokens, output_tokens, cost_nusd,
                        unknown_nusd)
                    VALUES (NEW.at_ms / 86400000, NEW.key_id, NEW.provider_id, NEW.model_id, 1,
                        NEW.state = 'settled', NEW.state = 'voided', NEW.state = 'unknown',
                        NEW.cost_nusd IS NULL, NEW.input_tokens, NEW.output_tokens,
                        coalesce(NEW.cost_nusd, 0),
                        iif(NEW.state = 'unknown', coalesce(NEW.cost_nusd, 0), 0))
                    ON CONFLICT (day, key_id, provider_id, model_id) DO UPDATE SET
                        attempts = attempts + 1,
                        settled = settled + excluded.settled,
                        voided = voided + excluded.voided,
                        unknown = unknown + excluded.unknown,
                        unpriced = unpriced + excluded.unpriced,
                        input_tokens = input_tokens + excluded.input_tokens,
                        output_tokens = output_tokens + excluded.output_tokens,
                        cost_nusd = cost_nusd + excluded.cost_nusd,
                        unknown_nusd = unknown_nusd + excluded.unknown_nusd;
                END
                """,
                # What was spent stays spent when its rows are removed.
                """
                CREATE TRIGGER attempts_pruned AFTER DELETE ON attempts BEGIN
                    UPDATE ledger_totals SET
                        pruned_attempts = pruned_attempts + 1,
                        pruned_nusd = pruned_nusd + coalesce(OLD.cost_nusd, 0)
                    WHERE day = OLD.at_ms / 86400000 AND key_id = OLD.key_id
                        AND provider_id = OLD.provider_id AND model_id = OLD.model_id;
                END
                """,
                """
                CREATE TABLE intents (
                    request_id TEXT NOT NULL,
                    leg INTEGER NOT NULL,
                    at_ms INTEGER NOT NULL,
                    key_id TEXT NOT NULL,
                    dialect TEXT NOT NULL,
                    requested_model TEXT NOT NULL,
                    mode TEXT NOT NULL,
                    stream INTEGER NOT NULL,
                    parent_id TEXT NOT NULL,
                    provider_id TEXT NOT NULL,
                    model_id TEXT NOT NULL,
                    input_tokens INTEGER NOT NULL,
                    output_tokens INTEGER NOT NULL,
                    reserved_nusd INTEGER,
                    PRIMARY KEY (request_id, leg)
                ) STRICT, WITHOUT ROWID
                """,
                """
                CREATE TRIGGER requests_ended AFTER INSERT ON requests BEGIN
                    DELETE FROM intents WHERE request_id = NEW.request_id;
                END
                """,
                "ALTER TABLE api_keys ADD COLUMN budget_nusd INTEGER",
                "ALTER TABLE api_keys ADD COLUMN budget_reset_at_ms INTEGER",
                "ALTER TABLE api_keys ADD COLUMN paid_month INTEGER NOT NULL DEFAULT 0",
                "ALTER TABLE api_keys ADD COLUMN paid_nusd INTEGER NOT NULL DEFAULT 0",
            ),
        ),
        Step(
            "0011 credentials and limits of a key",
            (
                "ALTER TABLE api_keys ADD COLUMN tokens_per_minute INTEGER NOT NULL DEFAULT 0",
                "ALTER TABLE api_keys ADD COLUMN concurrency INTEGER NOT NULL DEFAULT 0",
                "ALTER TABLE api_keys ADD COLUMN rotation_days INTEGER NOT NULL DEFAULT 0",
                "ALTER TABLE api_keys ADD COLUMN rotated_at_ms INTEGER",
                # One row for each credential of a key; `expires_at_ms` is NULL of the last one,
                # which the key's own row names.
                """
                CREATE TABLE key_credentials (
                    digest BLOB PRIMARY KEY,
                    key_id TEXT NOT NULL,
                    prefix TEXT NOT NULL,
                    issued_at_ms INTEGER NOT NULL,
                    expires_at_ms INTEGER,
                    last_used_at_ms INTEGER
                ) STRICT, WITHOUT ROWID
                """,
                "CREATE INDEX key_credentials_key ON key_credentials (key_id)",
                """
                INSERT INTO key_credentials (digest, key_id, prefix, issued_at_ms)
                    SELECT digest, id, prefix, created_at_ms FROM api_keys
                """,
            ),
        ),
        Step(
            "0012 vault",
            (
                "INSERT INTO meta (name, value) VALUES ('vault', 0)",
                """
                CREATE TABLE vault_meta (
                    one INTEGER PRIMARY KEY CHECK (one = 1),
                    vault_id BLOB NOT NULL,
                    format INTEGER NOT NULL,
                    epoch INTEGER NOT NULL,
                    manifest BLOB NOT NULL,
                    created_at_ms INTEGER NOT NULL,
                    rotated_at_ms INTEGER NOT NULL
                ) STRICT
                """,
                """
                CREATE TABLE vault_slots (
                    kind TEXT PRIMARY KEY,
                    kdf TEXT NOT NULL,
                    passes INTEGER NOT NULL,
                    memory_kib INTEGER NOT NULL,
                    lanes INTEGER NOT NULL,
                    salt BLOB NOT NULL,
                    commitment BLOB NOT NULL,
                    wrapped BLOB NOT NULL,
                    epoch INTEGER NOT NULL,
                    created_at_ms INTEGER NOT NULL
                ) STRICT, WITHOUT ROWID
                """,
                """
                CREATE TABLE vault_ring (
                    id INTEGER PRIMARY KEY,
                    wrapped BLOB NOT NULL,
                    used INTEGER NOT NULL,
                    created_at_ms INTEGER NOT NULL,
                    retired_at_ms INTEGER
                ) STRICT
                """,
                """
                CREATE TABLE vault_secrets (
                    name TEXT PRIMARY KEY,
                    version INTEGER NOT NULL,
                    key_id INTEGER NOT NULL,
                    purpose TEXT NOT NULL,
                    nonce BLOB NOT NULL,
                    sealed BLOB NOT NULL,
                    created_at_ms INTEGER NOT NULL
                ) STRICT, WITHOUT ROWID
                """,
                """
                CREATE TABLE vault_tries (
                    one INTEGER PRIMARY KEY CHECK (one = 1),
                    failures INTEGER NOT NULL,
                    last_at_ms INTEGER NOT NULL
                ) STRICT
                """,
                """
                CREATE TABLE sealed_answers (
                    scope BLOB PRIMARY KEY,
                    owner TEXT NOT NULL,
                    key_id INTEGER NOT NULL,
                    nonce BLOB NOT NULL,
                    sealed BLOB NOT NULL,
                    size INTEGER NOT NULL,
                    at_ms INTEGER NOT NULL
                ) STRICT, WITHOUT ROWID
                """,
                # Covers the limits: no answer is read to add up their sizes.
                "CREATE INDEX sealed_answers_owner ON sealed_answers (owner, at_ms, size)",
                "CREATE INDEX sealed_answers_at ON sealed_answers (at_ms, size)",
            ),
        ),
        Step(
            "0013 admin access",
            (
                "INSERT INTO meta (name, value) VALUES ('tokens', 0)",
                """
                CREATE TABLE admin_tokens (
                    id TEXT PRIMARY KEY,
                    name TEXT NOT NULL UNIQUE,
                    role TEXT NOT NULL CHECK (role IN ('viewer', 'operator', 'owner')),
                    digest BLOB NOT NULL UNIQUE,
                    prefix TEXT NOT NULL,
                    created_at_ms INTEGER NOT NULL,
                    expires_at_ms INTEGER,
                    last_used_at_ms INTEGER,
                    previous BLOB,
                    previous_until_ms INTEGER NOT NULL,
                    version INTEGER NOT NULL
                ) STRICT, WITHOUT ROWID
                """,
                # No reference to admin_tokens: the token of the data directory has no row.
                """
                CREATE TABLE admin_sessions (
                    digest BLOB PRIMARY KEY,
                    token_id TEXT NOT NULL,
                    binding BLOB NOT NULL,
                    created_at_ms INTEGER NOT NULL,
                    seen_at_ms INTEGER NOT NULL,
                    address TEXT NOT NULL
                ) STRICT, WITHOUT ROWID
                """,
            ),
        ),
        Step("0014 audit chain", chain.CREATE, chain.adopt),
        Step(
            "0015 import",
            (
                """
                CREATE TABLE imported (
                    kind TEXT NOT NULL,
                    name TEXT NOT NULL,
                    at_ms INTEGER NOT NULL,
                    PRIMARY KEY (kind, name)
                ) STRICT, WITHOUT ROWID
                """,
                """
                CREATE TABLE imported_keys (
                    key_id TEXT PRIMARY KEY,
                    start TEXT NOT NULL,
                    hash TEXT NOT NULL
                ) STRICT, WITHOUT ROWID
                """,
            ),
        ),
        Step(
            "0016 learning",
            (
                "ALTER TABLE requests ADD COLUMN task TEXT NOT NULL DEFAULT ''",
                """
                CREATE TABLE lessons (
                    one INTEGER PRIMARY KEY CHECK (one = 1),
                    at_ms INTEGER NOT NULL,
                    taught TEXT NOT NULL
                ) STRICT
                """,
                """
                CREATE TABLE rewards (
                    id INTEGER PRIMARY KEY AUTOINCREMENT,
                    at_ms INTEGER NOT NULL,
                    request_id TEXT NOT NULL,
                    provider_id TEXT NOT NULL,
                    model_id TEXT NOT NULL,
                    score REAL NOT NULL,
                    weight REAL NOT NULL,
                    source TEXT NOT NULL,
                    task TEXT NOT NULL
                ) STRICT
                """,
                "CREATE INDEX rewards_request ON rewards (request_id)",
                "CREATE INDEX rewards_model ON rewards (model_id, id)",
            ),
        ),
        Step(
            "0017 feedback",
            (
                # What a source said last of a request's answer. It goes with its request.
                """
                CREATE TABLE feedback (
                    request_id TEXT NOT NULL,
                    source TEXT NOT NULL CHECK (source IN
                        ('caller', 'operator', 'judge', 'schema', 'tool_call', 'retry')),
                    provider_id TEXT NOT NULL,
                    model_id TEXT NOT NULL,
                    task TEXT NOT NULL,
                    score REAL NOT NULL CHECK (score BETWEEN 0 AND 1),
                    weight REAL NOT NULL CHECK (weight > 0),
                    label TEXT NOT NULL,
                    comment TEXT NOT NULL,
                    key_id TEXT NOT NULL,
                    at_ms INTEGER NOT NULL,
                    PRIMARY KEY (request_id, source)
                ) STRICT, WITHOUT ROWID
                """,
                """
                ALTER TABLE api_keys ADD COLUMN
                    judged INTEGER NOT NULL DEFAULT 1 CHECK (judged IN (0, 1))
                """,
            ),
        ),
        # What the log is searched by (searching.py). A kind is one combination of what requests are
        # told apart by: a few thousand, however long the log is. The hours say how many requests
        # of each kind began in each, so that counts, charts and facets read no rows, and a search
        # only those hours that have what it looks for. Triggers, so that whatever writes or prunes
        # rows keeps the counts right; kinds that no hour has are deleted by retention.py.
        Step(
            "0018 log indexes",
            (
                """
                CREATE TABLE log_kinds (
                    kind INTEGER PRIMARY KEY,
                    key_id TEXT NOT NULL,
                    model_id TEXT NOT NULL,
                    provider_id TEXT NOT NULL,
                    mode TEXT NOT NULL,
                    status INTEGER NOT NULL,
                    error_class TEXT NOT NULL,
                    UNIQUE (key_id, model_id, provider_id, mode, status, error_class)
                ) STRICT
                """,
                """
                CREATE TABLE log_hours (
                    hour INTEGER NOT NULL,
                    kind INTEGER NOT NULL,
                    requests INTEGER NOT NULL,
                    PRIMARY KEY (hour, kind)
                ) STRICT, WITHOUT ROWID
                """,
                # Whether a kind has any hour yet: asked when old requests are deleted.
                "CREATE INDEX log_hours_by_kind ON log_hours (kind)",
                """
                INSERT INTO log_kinds (key_id, model_id, provider_id, mode, status, error_class)
                    SELECT DISTINCT key_id, model_id, provider_id, mode, status, error_class
                    FROM requests
                """,
                """
                INSERT INTO log_hours (hour, kind, requests)
                    SELECT at_ms / 3600000, kind, count(*) FROM requests JOIN log_kinds
                        USING (key_id, model_id, provider_id, mode, status, error_class)
                    GROUP BY 1, 2
                """,
                """
                CREATE TRIGGER requests_indexed AFTER INSERT ON requests BEGIN
                    INSERT OR IGNORE INTO log_kinds
                        (key_id, model_id, provider_id, mode, status, error_class)
                    VALUES (NEW.key_id, NEW.model_id, NEW.provider_id, NEW.mode, NEW.status,
                        NEW.error_class);
                    INSERT INTO log_hours (hour, kind, requests)
                    SELECT NEW.at_ms / 3600000, kind, 1 FROM log_kinds
                        WHERE key_id = NEW.key_id AND model_id = NEW.model_id
                            AND provider_id = NEW.provider_id AND mode = NEW.mode
                            AND status = NEW.status AND error_class = NEW.error_class
                    ON CONFLICT (hour, kind) DO UPDATE SET requests = requests + 1;
                END
                """,
                """
                CREATE TRIGGER requests_unindexed AFTER DELETE ON requests BEGIN
                    UPDATE log_hours SET requests = requests - 1
                    WHERE hour = OLD.at_ms / 3600000 AND kind = (SELECT kind FROM log_kinds
                        WHERE key_id = OLD.key_id AND model_id = OLD.model_id
                            AND provider_id = OLD.provider_id AND mode = OLD.mode
                            AND status = OLD.status AND error_class = OLD.error_class);
                    DELETE FROM log_hours
                    WHERE requests = 0 AND hour = OLD.at_ms / 3600000
                        AND kind = (SELECT kind FROM log_kinds
                        WHERE key_id = OLD.key_id AND model_id = OLD.model_id
                            AND provider_id = OLD.provider_id AND mode = OLD.mode
                            AND status = OLD.status AND error_class = OLD.error_class);
                END
                """,
            ),
        ),
        # How long charts go back, in days; the points themselves are telemetry.
        Step("0019 series", ("INSERT INTO meta (name, value) VALUES ('series_days', 90)",)),
        Step(
            "0020 views",
            (
                "INSERT INTO meta (name, value) VALUES ('views', 0)",
                """
                CREATE TABLE views (
                    name TEXT PRIMARY KEY,
                    filter TEXT NOT NULL,
                    columns TEXT NOT NULL,
                    version INTEGER NOT NULL
                ) STRICT, WITHOUT ROWID
                """,
            ),
        ),
    ),
)

TELEMETRY = Schema(
    "telemetry",
    (
        Step(
            "0001 decisions",
            (
                """
                CREATE TABLE decisions (
                    request_id TEXT PRIMARY KEY,
                    at_ms INTEGER NOT NULL,
                    record TEXT NOT NULL
                ) STRICT, WITHOUT ROWID
                """,
            ),
        ),
        Step(
            "0002 checksums, and the catalogs that are named",
            (
                "ALTER TABLE decisions ADD COLUMN checksum INTEGER",
                """
                CREATE TABLE decision_catalogs (
                    version INTEGER PRIMARY KEY,
                    last_at_ms INTEGER NOT NULL
                ) STRICT
                """,
            ),
        ),
        # Times are Unix seconds here. A row has a kilobyte or several: in a table of its own order,
        # new ones are at the end, and no page is split.
        Step(
            "0003 series",
            (
                """
                CREATE TABLE series (
                    step_s INTEGER NOT NULL,
                    cut TEXT NOT NULL,
                    at INTEGER NOT NULL,
                    sums BLOB NOT NULL,
                    latencies BLOB NOT NULL,
                    firsts BLOB NOT NULL,
                    UNIQUE (step_s, cut, at)
                ) STRICT
                """,
                "CREATE TABLE series_marks (step_s INTEGER PRIMARY KEY, until INTEGER) STRICT",
            ),
        ),
    ),
)
