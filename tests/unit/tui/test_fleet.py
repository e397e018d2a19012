"""The fleet as rows, and what is told of each."""

from typing import Any

import msgspec
import pytest

from tokenhub.filters import parse
from tokenhub.wire.aliases import Alias, Variant
from tokenhub.wire.catalog import EnginePage, Model, Provider
from tokenhub.wire.health import Health
from tokenhub.wire.replay import ReplayResult
from tokenhub.wire.routing import RoutingConfig
from tokenhub.wire.stats import Stats
from tokenhub_tui.state import fleet
from tokenhub_tui.state.cells import natural
from tokenhub_tui.state.fleet import ALIASES, FIELDS, MODELS, PROVIDERS, ROUTING, Fleet
from tokenhub_tui.state.fleet_forms import (
    alias_fields,
    alias_put,
    hour_under,
    model_fields,
    model_new,
    model_patch,
    provider_patch,
    routing_put,
)
from tokenhub_tui.state.form import first

NOW = 1_000_000.0


def provider(name: str, **given: Any) -> Provider:
    row = {
        "id": name,
        "type": "openai",
        "base_url": f"https://{name}.example",
        "endpoints": [],
        "enabled": True,
        "cred_store": "vault",
        "credential": "present",
        "source": "api",
        "version": 1,
    }
    return msgspec.convert({**row, **given}, Provider)


def model(provider_id: str, name: str, **given: Any) -> Model:
    row = {
        "id": name,
        "provider_id": provider_id,
        "weight": 5,
        "max_context_tokens": 8000,
        "input_per_1k": 0.0025,
        "output_per_1k": None,
        "enabled": True,
        "pricing_source": "catalogue",
        "source": "credentials",
        "version": 1,
    }
    return msgspec.convert({**row, **given}, Model)


def standing(state: str, **given: Any) -> dict[str, Any]:
    return {
        "state": state,
        "total_requests": 9,
        "total_errors": 1,
        "consec_errors": 0,
        "avg_latency_ms": 12.0,
        "last_error": "",
        "last_error_time": None,
        "last_success_at": None,
        "cooldown_until": None,
        **given,
    }


def engine(*models: Model) -> EnginePage:
    return EnginePage(
        models=list(models), total=len(models), limit=1000, offset=0, adapters=[], adapter_info=[]
    )


def stats() -> Stats:
    one = {
        "window": "1h",
        "provider_id": "one",
        "model_id": None,
        "request_count": 1200,
        "error_count": 120,
        "error_rate": 0.1,
        "avg_latency_ms": 1.0,
        "p50_latency_ms": 1.0,
        "p95_latency_ms": 1240.0,
        "p99_latency_ms": 1.0,
        "first_token_count": 0,
        "avg_first_token_ms": None,
        "p50_first_token_ms": None,
        "p95_first_token_ms": None,
        "p99_first_token_ms": None,
        "total_cost_usd": 1.9,
        "unpriced": 0,
        "input_tokens": 0,
        "output_tokens": 0,
        "total_tokens": 0,
        "rps": 0.3,
        "errors_by_class": {},
    }
    none: dict[str, Any] = {"global": None, "by_api_key": {}, "by_mode": {}}
    kept = {
        "by_provider": {"1h": [one]},
        "by_model": {"1h": [{**one, "provider_id": None, "model_id": "gpt"}]},
    }
    return msgspec.convert({**none, **kept}, Stats)


def known() -> Fleet:
    gpt, small = model("one", "gpt"), model("two", "org/small", weight=3)
    routes = [{**standing("healthy"), "route": "one/gpt", "model_id": "gpt"}]
    small_route = {**standing("healthy"), "route": "two/org/small", "model_id": "org/small"}
    rows = [
        {**standing("healthy"), "provider_id": "one", "probe": None, "routes": routes},
        {**standing("down"), "provider_id": "two", "probe": None, "routes": [small_route]},
    ]
    return Fleet(
        providers=[
            provider("one"),
            provider("two", credential="locked", endpoints=["http://a", "http://b"], base_url=""),
            provider("three", enabled=False, cred_store="none", credential="none"),
        ],
        models=[gpt, small],
        engine=engine(gpt, small),
        health=msgspec.convert({"providers": rows}, Health),
        stats=stats(),
        aliases=[
            Alias(
                name="fast",
                variants=[Variant(model_id="gpt", weight=9), Variant(model_id="gone", weight=1)],
                enabled=True,
                sticky_by="api_key",
                version=4,
            )
        ],
        routing=RoutingConfig(
            default_mode="normal", default_max_budget_usd=None, default_max_latency_ms=1, version=1
        ),
    )


def texts(tab: str, of: Fleet, **given: Any) -> dict[str, dict[str, str]]:
    names = [one.id for one in fleet.COLUMNS[tab]]
    return {
        row.id: dict(zip(names, map(natural, row.cells), strict=True))
        for row in fleet.rows(of, tab, now=NOW, **given)
    }


def test_it_is_counted_down_only_while_something_rests() -> None:
    until = "1970-01-12T13:46:50Z"
    routes = [{"route": "one/gpt", "model_id": "gpt", **standing("down", cooldown_until=until)}]
    providers = [{"provider_id": "one", "probe": None, "routes": routes, **standing("healthy")}]
    of = Fleet(health=msgspec.convert({"providers": providers}, Health))

    assert of.rests(NOW)
    assert not of.rests(NOW + 60)
    assert not Fleet().rests(NOW)


def test_rows_are_counted_without_a_filter() -> None:
    of = Fleet(models=[model("one", "gpt"), model("two", "gpt")], providers=[provider("one")])

    assert [1, 2, 0, 0] == [fleet.count(of, tab) for tab in (PROVIDERS, MODELS, ALIASES, ROUTING)]
    assert ["one/gpt"] == [fleet.route(one) for one in of.models_of("one")]


def test_a_provider_tells_its_key_state_traffic_and_source() -> None:
    rows = texts(PROVIDERS, known())

    assert {
        "id": "one", "type": "openai", "url": "https://one.example", "key": "vault",
        "models": "1", "state": "✓ healthy", "req": "1,200", "p95": "1.2s", "err": "10.0%",
        "src": "db",
    } == rows["one"]  # fmt: skip
    assert ("http://a +1", "! locked", "✗ down") == tuple(
        rows["two"][name] for name in ("url", "key", "state")
    )
    assert ("none", "○ off") == (rows["three"]["key"], rows["three"]["state"])


def test_a_model_tells_prices_their_source_and_the_weight_on_its_way() -> None:
    rows = texts(MODELS, known(), pending={"two/org/small": 7})

    gpt, small = rows["one/gpt"], rows["two/org/small"]
    assert ("$0.0025", "?", "list", "file") == (
        gpt["in"], gpt["out"], gpt["price"], gpt["src"],
    )  # fmt: skip
    assert ("5", "→ 7") == (gpt["weight"], small["weight"])
    # A healthy route at a provider that is down cannot be asked.
    assert "✗ prov. down" == small["state"]


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        ([], "the router does not have it"),
        ([model("one", "gpt", weight=8)], "the router still has weight 8"),
        ([model("one", "gpt")], ""),
    ],
)
def test_what_the_router_sees_otherwise_is_marked_with_the_reason(
    seen: list[Model], why: str
) -> None:
    of = msgspec.structs.replace(known(), engine=engine(*seen, model("two", "org/small")))

    told = fleet.detail(of, MODELS, "one/gpt", NOW)

    assert why == fleet.aside(of, of.models[0])
    assert bool(why) == texts(MODELS, of)["one/gpt"]["state"].startswith("≠")
    assert bool(why) == (f"≠ {why}" == told[0][0])


def test_rows_are_filtered_and_sorted_by_what_they_mean() -> None:
    wanted = parse("key:locked models>=1", fields=FIELDS[PROVIDERS])
    rows = fleet.rows(known(), PROVIDERS, now=NOW)

    assert ["two"] == list(texts(PROVIDERS, known(), wanted=wanted))
    by_p95 = fleet.ordered(rows, PROVIDERS, "p95", down=True)
    assert "one" == by_p95[0].id
    by_id = fleet.ordered(rows, PROVIDERS, "id", down=False)
    assert ["one", "three", "two"] == [row.id for row in by_id]


def test_a_deletion_says_what_goes_with_it() -> None:
    effect = fleet.effect(known(), PROVIDERS, "one")

    assert "goes with it: gpt" in effect
    assert "1,200 requests went there in the last hour" in effect
    assert "Aliases that name it: fast" in effect
    assert "requests for the name are refused" in fleet.effect(known(), ALIASES, "fast")


def test_an_alias_tells_its_shares_and_what_is_gone() -> None:
    told = fleet.detail(known(), ALIASES, "fast", NOW)

    assert "gpt 90% · gone 10%" == texts(ALIASES, known())["fast"]["variants"]
    assert ("✗ not in the catalog: gone", "bad") in told


def test_a_provider_lists_its_models_as_they_stand() -> None:
    told = fleet.detail(known(), PROVIDERS, "two", NOW)
    many = [model("one", f"m{n}") for n in range(45)]
    more = fleet.detail(Fleet(providers=[provider("one")], models=many), PROVIDERS, "one", NOW)

    assert ("org/small  ✗ prov. down · weight 3 · $0.0025 and ? per 1k", "bad") in told
    assert ("… and 5 more: enter lists them all", "dim") == more[-1]


def test_the_defaults_are_rows_with_what_they_mean() -> None:
    rows = texts(ROUTING, known())

    assert "no limit" == rows["default_max_budget_usd"]["value"]
    assert fleet.detail(known(), ROUTING, "default_mode", NOW)


def test_a_form_sends_what_was_changed_and_no_empty_secret() -> None:
    patch = model_patch({"weight": 9, "input_per_1k": None, "max_context_tokens": None})

    assert {"weight": 9, "input_per_1k": None, "max_context_tokens": 0} == msgspec.to_builtins(
        patch
    )
    assert {"enabled": False} == msgspec.to_builtins(
        provider_patch({"api_key": "", "enabled": False})
    )


def test_a_new_model_leaves_out_what_is_empty() -> None:
    values = {**first(model_fields(None, ["one"])), "id": "gpt", "weight": 5}

    sent = msgspec.to_builtins(model_new(values))

    assert "input_per_1k" not in sent
    assert ("gpt", "one", 5) == (sent["id"], sent["provider_id"], sent["weight"])


def test_an_alias_is_sent_as_it_is_written_and_faults_name_the_field() -> None:
    values = {**first(alias_fields(known().aliases[0])), "variants": ("a=b=2", "small")}

    sent = alias_put(values)

    assert [("a=b", 2), ("small", 1)] == [(one.model_id, one.weight) for one in sent.variants]
    with pytest.raises(msgspec.ValidationError, match="variants"):
        alias_put({**values, "variants": ("gpt=much",)})


def test_a_budget_of_nothing_is_not_taken_for_the_environments() -> None:
    values = {
        "default_mode": "cheap", "default_max_budget_usd": 0.0, "default_max_latency_ms": 9,
    }  # fmt: skip

    with pytest.raises(msgspec.ValidationError, match="default_max_budget_usd"):
        routing_put(values)
    assert routing_put({**values, "default_max_budget_usd": None}).default_max_budget_usd is None


def test_other_defaults_tell_what_the_last_hour_would_have_come_to() -> None:
    nothing: dict[str, Any] = {
        "requests": 0, "effective": 0.0, "support": 0.0, "mean": None, "low": None, "high": None,
        "snips": None, "refused": "",
    }  # fmt: skip
    replayed = {
        "policy": {}, "decided": 9, "refused": 31,
        **dict.fromkeys(("quality", "failures", "latency_ms", "cost_usd"), nothing),
        "shares": [{"route": "one/gpt", "was": 0.9, "would": 0.4}],
    }  # fmt: skip
    was = {"judged": 0, "quality": None, "failures": None, "latency_ms": None, "cost_usd": None}
    result = msgspec.convert(
        {
            "requests": 40, "left_out": 0, "since": "", "until": "", "was": was,
            "policies": [replayed],
        },
        ReplayResult,
    )  # fmt: skip

    assert (
        "Of the last hour's 40 requests, 31 would have been refused; one/gpt 90% → 40%."
        == hour_under(result)
    )
