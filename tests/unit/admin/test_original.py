"""Rows of the original as ours."""

import math
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.original_db import AT, CREATED, hashed
from tokenhub.admin import original
from tokenhub.core.catalog import Model, Provider
from tokenhub.core.errors import BadRequest
from tokenhub.core.keys import ApiKey
from tokenhub.core.money import nusd
from tokenhub.core.old_keys import imported_id, mark

NOW = 1_800_000_000.0
ID = "0123456789abcdef"
KEY = f"tokenhub_{ID * 4}"
HASH = hashed(KEY)


def a_key_row(**changes):
    row = {"id": ID, "key_hash": HASH, "key_prefix": KEY[:17], "name": "loom"}
    return {**row, "created_at": CREATED, **changes}


def a_model_row(**changes):
    row = {"id": "gpt", "provider_id": "openai", "weight": 5, "max_context_tokens": 4096}
    return {**row, "input_per_1k": 0.0025, "output_per_1k": 0.01, "enabled": 1, **changes}


def a_request_row(**changes):
    row = {"id": 7, "timestamp": AT, "model_id": "gpt", "provider_id": "openai", "mode": "cheap"}
    row |= {"estimated_cost_usd": 0.0012345, "latency_ms": 812, "status_code": 200}
    return {**row, "input_tokens": 100, "output_tokens": 20, "request_id": "a", **changes}


class TestProviders:
    def test_the_address_is_normalised_and_the_vault_noted(self):
        row = {"id": "openai", "type": "", "base_url": "https://api.test/v1/", "enabled": 0}

        found = original.provider({**row, "cred_store": "vault"})

        assert found.sealed
        assert found.row == Provider(
            id="openai",
            base_url="https://api.test",
            endpoints=("https://api.test",),
            enabled=False,
        )

    @pytest.mark.parametrize(
        ("changes", "why"),
        [
            ({"base_url": ""}, "base_url must be given"),
            ({"type": "gemini"}, "type must be"),
            ({"base_url": "https://user:pass@api.test"}, "no user name or password"),
            ({"base_url": b"\xff"}, "cannot be read"),
            ({"id": "a/b"}, "no slash"),
        ],
    )
    def test_one_that_could_not_be_asked_is_refused(self, changes, why):
        row = {"id": "openai", "type": "openai", "base_url": "https://api.test", **changes}

        with pytest.raises(BadRequest, match=why) as caught:
            original.provider(row)

        assert "pass@" not in str(caught.value)


class TestModels:
    def test_prices_become_integers(self):
        model, told = original.model(a_model_row(), provider_type="openai")

        assert [] == told
        assert model == Model(
            id="gpt",
            provider_id="openai",
            weight=5,
            max_context_tokens=4096,
            input_price=2_500_000_000,
            output_price=10_000_000_000,
        )

    @pytest.mark.parametrize(
        ("changes", "kind", "prices", "source"),
        [
            ({"input_per_1k": 0, "output_per_1k": 0}, "openai", (None, None), "unknown"),
            ({"input_per_1k": 0, "output_per_1k": 0}, "vllm", (0, 0), "manual"),
            ({"input_per_1k": 0}, "openai", (0, 10_000_000_000), "manual"),
            ({"pricing_source": "litellm"}, "openai", (2_500_000_000, 10_000_000_000), "catalogue"),
        ],
    )
    def test_a_price_of_nothing_is_one_only_for_servers_of_ones_own(
        self, changes, kind, prices, source
    ):
        model, _ = original.model(a_model_row(**changes), provider_type=kind)

        assert prices == (model.input_price, model.output_price)
        assert source == model.pricing_source

    def test_what_is_different_here_is_told(self):
        row = a_model_row(weight=80, tool_name_map='{"a":"b"}', gemma4_output=1)

        model, told = original.model(row, provider_type="openai")

        assert 10 == model.weight
        assert 3 == len(told)

    @pytest.mark.parametrize(
        "changes",
        [{"input_per_1k": -1.0}, {"output_per_1k": 1e9}, {"weight": "heavy"}, {"id": "a//b"}],
    )
    def test_one_that_makes_no_sense_is_refused(self, changes):
        with pytest.raises(BadRequest):
            original.model(a_model_row(**changes), provider_type="openai")


class TestAliases:
    def test_a_split_is_taken(self):
        row = {"name": "fast", "variants": '[{"model_id":"gpt","weight":3}]', "sticky_by": ""}

        alias = original.alias(row)

        assert ("request", True, 3) == (alias.sticky_by, alias.enabled, alias.variants[0].weight)

    @pytest.mark.parametrize("variants", ["", "{}", "[]", '[{"model_id":"fast"}]', "[1]"])
    def test_one_that_stands_for_nothing_is_refused(self, variants):
        with pytest.raises(BadRequest):
            original.alias({"name": "fast", "variants": variants})


class TestDefaults:
    def test_zeros_say_nothing_as_before(self):
        row = {"default_mode": "cheap", "default_max_budget_usd": 0, "default_max_latency_ms": 0}

        said = original.defaults(row)

        assert ("cheap", 0, 0.0) == (said.mode, said.max_budget_nusd, said.max_latency_s)

    @pytest.mark.parametrize(
        "changes",
        [
            {"default_mode": ""},
            {"default_mode": "turbo"},
            {"default_max_budget_usd": 101.0},
            {"default_max_latency_ms": 300_001},
        ],
    )
    def test_those_that_had_no_effect_or_make_no_sense_are_refused(self, changes):
        with pytest.raises(BadRequest):
            original.defaults({"default_mode": "cheap", **changes})


class TestKeys:
    def test_a_key_waits_under_the_mark_of_its_hash(self):
        found, told = original.key(a_key_row(), now=NOW)

        key = found.key
        assert [] == [text for text in told if "scopes" not in text]
        assert imported_id(ID) == key.id == found.hash.key_id
        assert ID not in key.id
        assert mark(HASH) == key.digest
        assert "tokenhub_01234567..." == key.prefix
        assert datetime(2026, 2, 1, 10, tzinfo=UTC).timestamp() == key.created_at
        assert (ID, HASH) == (found.hash.start, found.hash.hash)

    def test_a_rotated_key_begins_as_its_prefix_says(self):
        found, _ = original.key(a_key_row(id="ffffffffffffffff"), now=NOW)

        assert "01234567" == found.hash.start

    @pytest.mark.parametrize(
        ("text", "scopes"),
        [
            ("", ("chat", "plan", "embeddings")),
            ("[]", ("chat", "plan", "embeddings")),
            ("null", ("chat", "plan", "embeddings")),
            ('["chat","chat","plan"]', ("chat", "plan")),
            ('["chat","admin"]', ("chat",)),
            ('["admin"]', ()),
            ("chat", ()),
            ('{"chat":1}', ()),
        ],
    )
    def test_no_scopes_meant_all_and_unreadable_ones_none(self, text, scopes):
        found, _ = original.key(a_key_row(scopes=text), now=NOW)

        assert scopes == found.key.scopes

    def test_expiry_state_and_rate_are_kept(self):
        row = a_key_row(expires_at="2026-03-01T00:00:00Z", enabled=0, rate_limit_rps=-1)

        found, _ = original.key(row, now=NOW)

        assert datetime(2026, 3, 1, tzinfo=UTC).timestamp() == found.key.expires_at
        assert (False, -1) == (found.key.enabled, found.key.rate_limit_rps)

    @pytest.mark.parametrize(
        ("reset_at", "told"), [("2027-01-10T00:00:00Z", True), ("2026-12-31T23:59:59Z", False)]
    )
    def test_a_budget_that_was_set_back_this_month_is_named(self, reset_at, told):
        row = a_key_row(monthly_budget_usd=5.0, budget_reset_at=reset_at)

        _, differs = original.key(row, now=NOW)  # in January 2027

        assert told == any("set back" in text for text in differs)

    def test_a_budget_is_taken_or_named(self):
        found, told = original.key(a_key_row(monthly_budget_usd=12.5, rotation_days=30), now=NOW)

        for field, value in {"budget_nusd": 12_500_000_000, "rotation_days": 30}.items():
            known = field in ApiKey.__struct_fields__
            assert known == (f"its {field} is not taken" not in told)
            assert not known or value == getattr(found.key, field)

    @pytest.mark.parametrize(
        "changes",
        [
            {"key_hash": ""},
            {"key_hash": HASH.replace("$04$", "$31$")},
            {"key_hash": HASH[:-1]},
            {"key_prefix": "sk-01234567"},
            {"expires_at": "soon"},
            {"monthly_budget_usd": -1.0},
            {"monthly_budget_usd": math.inf},
        ],
    )
    def test_one_that_could_not_be_checked_or_limited_is_refused(self, changes):
        with pytest.raises(BadRequest) as caught:
            original.key(a_key_row(**changes), now=NOW)

        assert HASH[-20:] not in str(caught.value)


class TestRequests:
    def test_request_and_attempt_have_the_same_cost(self):
        found = original.request(a_request_row(api_key_id=ID, alias_from="fast"))

        (attempt,) = found.attempts
        assert 1_234_500 == found.cost_nusd == attempt.cost_nusd
        assert ("imported", "imported", "fast") == (
            found.dialect,
            found.reason,
            found.requested_model,
        )
        assert imported_id(ID) == found.key_id
        assert ("settled", 100, 20, True) == (
            attempt.state,
            attempt.input_tokens,
            attempt.output_tokens,
            attempt.estimated,
        )
        assert (0.812, 0.0) == (found.latency_s, found.overhead_s)

    def test_its_id_sorts_by_its_time_and_is_the_same_each_time(self):
        found = original.request(a_request_row())
        later = original.request(a_request_row(timestamp=AT.replace("06:21:05", "06:21:06")))

        assert found == original.request(a_request_row())
        assert found.request_id < later.request_id
        assert found.request_id != original.request(a_request_row(id=8)).request_id

    def test_a_failure_that_nobody_answered_has_no_attempt(self):
        row = a_request_row(status_code=502, error_class="routing_failure", estimated_cost_usd=0.0)
        del row["model_id"], row["provider_id"]

        found = original.request(row)

        assert () == found.attempts
        assert 0 == found.cost_nusd

    @pytest.mark.parametrize("cost", [None, -1.0, math.inf, 1e300])
    def test_a_cost_that_is_no_amount_is_unknown(self, cost):
        row = {
            name: v for name, v in a_request_row(estimated_cost_usd=cost).items() if v is not None
        }

        assert original.request(row).cost_nusd is None

    @pytest.mark.parametrize(
        "changes", [{"timestamp": "yesterday"}, {"status_code": "ok"}, {"status_code": -1}]
    )
    def test_one_that_cannot_be_read_is_refused(self, changes):
        with pytest.raises(BadRequest):
            original.request(a_request_row(**changes))

    @given(st.floats(min_value=0, max_value=1000))
    def test_each_float_becomes_the_nearest_nano_usd(self, cost):
        found = original.request(a_request_row(estimated_cost_usd=cost))

        assert nusd(cost) == found.cost_nusd
        assert found.cost_nusd == sum(a.cost_nusd for a in found.attempts)


class TestTimes:
    @pytest.mark.parametrize(
        "text",
        [
            "2026-02-22 06:21:05 +0000 UTC",
            "2026-02-22 07:21:05 +0100 CET",
            "2026-02-22 06:21:05 +0000 UTC m=+0.004",
            "2026-02-22T06:21:05Z",
            "2026-02-22T08:21:05+02:00",
            "2026-02-22 06:21:05",
        ],
    )
    def test_each_way_to_write_it_is_read(self, text):
        assert datetime(2026, 2, 22, 6, 21, 5, tzinfo=UTC).timestamp() == original.moment(text)

    def test_fractions_count(self):
        assert pytest.approx(0.123456789, abs=1e-6) == original.moment(AT) % 1

    @pytest.mark.parametrize(
        "text",
        ["", "2026-02-30T00:00:00Z", "0001-01-01T00:00:00Z", "2026-02-22T25:00:00Z", "x" * 99],
    )
    def test_what_is_no_time_is_refused(self, text):
        with pytest.raises(BadRequest):
            original.moment(text)

    @given(st.text(max_size=40))
    def test_no_text_does_worse_than_be_refused(self, text):
        with suppress(BadRequest):
            assert 0 <= original.moment(text)


def test_no_value_of_a_row_does_worse_than_be_refused():
    """Whatever SQLite holds in a column."""
    odd = [None, -1, 0, 1 << 62, 1.5, math.inf, "", "x", "\0", "\ufffd", b"\xff", "9" * 400]
    rows = {
        original.provider: {"id": "a", "type": "openai", "base_url": "https://a.test"},
        original.alias: {"name": "a", "variants": '[{"model_id":"b"}]'},
        original.defaults: {"default_mode": "cheap", "default_max_budget_usd": 1.0},
        original.request: a_request_row(),
        lambda row: original.key(row, now=NOW): a_key_row(scopes="", rate_limit_rps=1),
        lambda row: original.model(row, provider_type="openai"): a_model_row(),
    }
    for take, good in rows.items():
        take(good)
        for column in good:
            for value in odd:
                with suppress(BadRequest):
                    take({**good, column: value})
