"""Every rule of deploy/prometheus-alerts.yml fires on what it is for, and is quiet on a good day.

The series are what the server's own metrics collect, once a minute: a rule that names a metric or
a label that is not shown cannot fire here. They are given to an evaluator of our own, and to
promtool where that is installed (of Prometheus; Debian has both in the package `prometheus`).
"""

import json
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest
import yaml

from tests.support.promql import Query, firing
from tokenhub.adapters.telemetry.families import BY_NAME
from tokenhub.adapters.telemetry.metrics import Metrics, Readings
from tokenhub.core.outcome import Attempt, Outcome
from tokenhub.core.waits import Waits

FILE = Path(__file__).parents[3] / "deploy/prometheus-alerts.yml"
(GROUP,) = yaml.safe_load(FILE.read_text(encoding="utf-8"))["groups"]
RULES = {rule["alert"]: rule for rule in GROUP["rules"]}
ORIGINAL = {
    "HighErrorRate", "CriticalErrorRate", "HighLatency", "ProviderDown", "CostSpike",
    "NoTraffic", "HighRateLimiting",
}  # fmt: skip
# A good while, then what the alert is for.
GOOD, BAD = 70, 27
PROMTOOL = shutil.which("promtool")


class Day:
    """A server whose minutes pass when a test says so."""

    def __init__(self):
        self.waits, self.commits = Waits(), Waits()
        self.fields = {
            "queue_waits": self.waits,
            "commit_waits": self.commits,
            "stores": {"ledger": True, "detail": True},
            "store_faults": {"ledger": 0, "detail": 0},
            "dropped": {"decision": 0},
            "providers": {"p": 2},
            "version": "1",
        }
        self.metrics = Metrics(lambda: Readings(**self.fields))
        self.there = True

    def served(
        self,
        count,
        *,
        kind="",
        latency_s=0.3,
        first_s=0.2,
        cost_nusd=1000,
        state="",
        status=502,
        skipped=(),
    ):
        for _ in range(count):
            self.metrics.record(
                Outcome(
                    request_id="r",
                    at=0.0,
                    key_id="k",
                    dialect="openai",
                    requested_model="",
                    mode="normal",
                    reason="",
                    model_id="m",
                    provider_id="p",
                    status=status if kind else 200,
                    error_class=kind,
                    latency_s=latency_s,
                    upstream_s=latency_s,
                    first_token_s=first_s,
                    skipped=skipped,
                    attempts=(
                        Attempt(
                            number=1,
                            provider_id="p",
                            model_id="m",
                            state=state or ("voided" if kind else "settled"),
                            kind=kind,
                            cost_nusd=cost_nusd,
                        ),
                    ),
                )
            )
            self.waits.note(0.0002)
            self.commits.note(0.005)

    def count(self, name, by):
        self.fields[name] = self.fields.get(name, 0) + by

    def waited(self, waits, wait_s, count):
        for _ in range(count):
            waits.note(wait_s)


def failing(part):
    def minute(day):
        day.served(100 - part)
        day.served(part, kind="overloaded")

    return minute


def misused(day):
    """Callers hang up, and send what no provider takes."""
    day.served(40)
    day.served(30, kind="client_gone", status=499)
    day.served(30, kind="upstream_refused", status=400)


def closed(day):
    day.served(50)
    day.fields["providers"] = {"p": 0}


def refusing(day):
    """All calls fail, and somebody else answers: no request does."""
    day.served(2, kind="overloaded")


def full(file):
    def minute(day):
        day.served(50)
        day.fields["stores"] = {"ledger": True, "detail": True} | {file: False}

    return minute


def losing(day):
    day.served(50)
    day.fields["dropped"] = {"decision": day.fields["dropped"]["decision"] + 5}


def keyless(day):
    day.served(50, skipped=(("q/m", "credential_out"),))


def counted(name, by):
    def minute(day):
        day.served(50)
        day.count(name, by)

    return minute


def locked(day):
    day.served(50)
    day.fields["vault_locked"] = True


def gone(day):
    day.there = False


# What happens in each minute that the alert is for.
BAD_MINUTES = {
    "HighErrorRate": failing(10),
    "CriticalErrorRate": failing(40),
    "HighLatency": lambda day: day.served(100, latency_s=20.0),
    "ProviderDown": closed,
    "CostSpike": lambda day: day.served(100, cost_nusd=50_000),
    "NoTraffic": lambda _: None,
    "HighRateLimiting": counted("addresses_refused", 2000),
    "TokenHubAbsent": gone,
    "LedgerNotWritable": full("ledger"),
    "DetailNotWritable": full("detail"),
    "DetailLost": losing,
    "Overload": counted("overload_refused", 500),
    "SlowToBegin": lambda day: (day.served(50), day.waited(day.waits, 0.5, 10)),
    "SlowCommits": lambda day: (day.served(50), day.waited(day.commits, 1.0, 10)),
    "SlowFirstToken": lambda day: day.served(100, first_s=12.0),
    "UnsettledCalls": lambda day: (
        day.served(80),
        day.served(20, kind="timeout", state="unknown"),
    ),
    "NoCredential": keyless,
    "VaultLocked": locked,
}
# A second way for a rule to fire.
OTHER_WAYS = {"ProviderDown": refusing}


@cache
def scraped(minute):
    """All series of a good time and of these minutes after it, None where nothing was scraped."""
    day, series = Day(), {}
    for t in range(GOOD + BAD):
        if t < GOOD:
            day.served(50)
        else:
            minute(day)
        if not day.there:
            continue
        for sample in (sample for family in day.metrics.collect() for sample in family.samples):
            key = (sample.name, tuple(sorted(sample.labels.items())))
            series.setdefault(key, [None] * (GOOD + BAD))[t] = float(sample.value)
    return series


def told(series, tmp_path, alert):
    """What promtool says of a rule: nothing in the good time, and that it fires at the end."""
    shown = [
        {
            "series": f"{name}{{{','.join(f'{k}={json.dumps(v)}' for k, v in labels)}}}",
            "values": " ".join("_" if v is None else repr(v) for v in samples),
        }
        for (name, labels), samples in series.items()
    ]

    def expected(minute, samples):
        return {
            "expr": f'count(ALERTS{{alertname="{alert}",alertstate="firing"}}) > 0',
            "eval_time": f"{minute}m",
            "exp_samples": [{"labels": "{}", "value": samples}] if samples else [],
        }

    test = {
        "rule_files": [str(FILE)],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": shown,
                "promql_expr_test": [expected(GOOD - 1, 0), expected(GOOD + BAD - 1, 1)],
            }
        ],
    }
    file = tmp_path / "test.yml"
    file.write_text(yaml.safe_dump(test), encoding="utf-8")
    assert PROMTOOL is not None
    return subprocess.run(
        [PROMTOOL, "test", "rules", str(file)], check=False, capture_output=True, text=True
    )


WAYS = [
    *(pytest.param(alert, minute, id=alert) for alert, minute in BAD_MINUTES.items()),
    *(pytest.param(alert, minute, id=f"{alert}, else") for alert, minute in OTHER_WAYS.items()),
]


def test_the_originals_alerts_are_there_and_each_has_a_way_to_fire():
    assert set() == ORIGINAL - RULES.keys()
    assert RULES.keys() == BAD_MINUTES.keys()
    assert {"warning", "critical"} == {rule["labels"]["severity"] for rule in RULES.values()}


@pytest.mark.parametrize(("alert", "minute"), WAYS)
def test_a_rule_is_quiet_on_a_good_day_and_fires_on_what_it_is_for(alert, minute):
    fired = firing(RULES[alert], scraped(minute), GOOD + BAD)

    assert set() == {t for t in fired if t < GOOD}
    assert GOOD + BAD - 1 in fired


@pytest.mark.parametrize("alert", ["HighErrorRate", "CriticalErrorRate"])
def test_what_callers_do_wrong_wakes_nobody(alert):
    assert set() == set(firing(RULES[alert], scraped(misused), GOOD + BAD))


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed")
@pytest.mark.parametrize(("alert", "minute"), WAYS)
def test_promtool_finds_the_same(alert, minute, tmp_path):
    done = told(scraped(minute), tmp_path, alert)

    assert 0 == done.returncode, done.stdout + done.stderr


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed")
def test_promtool_accepts_the_file():
    done = subprocess.run(
        [str(PROMTOOL), "check", "rules", str(FILE)], check=False, capture_output=True, text=True
    )

    assert 0 == done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("alert", RULES)
def test_a_rule_asks_for_metrics_and_labels_that_there_are(alert):
    def selectors(tree):
        if isinstance(tree, tuple) and tree[:1] == ("select",):
            yield tree
        elif isinstance(tree, tuple | list):
            for one in tree:
                yield from selectors(one)

    for _, name, matchers, _ in selectors(Query(RULES[alert]["expr"])._tree):
        family = BY_NAME[name.removesuffix("_bucket")]
        assert {label for label, _, _ in matchers} <= set(family.labels)
