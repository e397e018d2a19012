"""What the tests of /v1/plan share: asking, and adding the ledger up by hand."""

import json
import sqlite3
from contextlib import closing

HELLO = [{"role": "user", "content": "Hello"}]
MODES = {
    "planning": {"mode": "planning"},
    "none": {},
    "adversarial": {"mode": "adversarial", "iterations": 2},
    "plan-only": {"mode": "adversarial", "return_plan_only": True},
    "vote": {"mode": "vote"},
    "refine": {"mode": "refine"},
}
STEPS = {"planning": 1, "none": 1, "adversarial": 5, "plan-only": 1, "vote": 4, "refine": 3}
NANO = 1_000_000_000


def ledger(folder, parent_id):
    """The rows of the ledger under a parent: state and cost in nano-USD of each."""
    with closing(sqlite3.connect(folder / "data" / "tokenhub.sqlite")) as conn:
        return conn.execute(
            "SELECT state, attempts.cost_nusd FROM attempts JOIN requests USING (request_id) "
            "WHERE parent_id = ? ORDER BY request_id, number",
            (parent_id,),
        ).fetchall()


async def assert_adds_up(hub, folder, told):
    """The answer's cost is the sum of its ledger rows: in SQLite, in the log and in the record."""
    parent = told["orchestration_id"]
    total = sum(cost for _, cost in ledger(folder, parent))
    record = await hub.admin("GET", f"orchestrations/{parent}")
    rows = await hub.logs(parent_id=parent)
    attempts = [attempt for row in rows for attempt in row["attempts"]]
    assert total == nusd(told["estimated_cost_usd"]) == nusd(record["cost_usd"])
    assert total == sum(nusd(attempt["cost_usd"]) for attempt in attempts)
    assert total == sum(nusd(step["cost_usd"]) for step in told["steps"])
    asked = {step["request_id"] for step in told["steps"]} - {""}
    assert asked == {row["request_id"] for row in rows}
    assert asked == {step["request_id"] for step in record["steps"]}
    assert len(asked) == record["step_count"]
    return record


def nusd(usd):
    return round(usd * NANO)


def events(text):
    """The events of a stream: name and data of each."""
    found = []
    for event in text.strip().split("\n\n"):
        if event.startswith(":"):
            continue
        lines = dict(line.split(": ", 1) for line in event.split("\n"))
        found.append((lines.get("event", ""), json.loads(lines["data"])))
    return found
