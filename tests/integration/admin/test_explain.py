"""A decision in words, and computed again: over the same parts that serve an operator."""

import msgspec
import pytest

from tests.support.builders import a_model, a_policy, a_provider, an_intent, signals
from tests.support.old_record import an_old_record
from tokenhub.core.aliases import Alias, Variant, stands_for
from tokenhub.core.decide import Record, decide
from tokenhub.core.errors import TokenHubError
from tokenhub.core.outcome import Attempt, Outcome
from tokenhub.core.refusal import refused
from tokenhub.core.scoring import Weights
from tokenhub.ports.stores import Audit

pytestmark = pytest.mark.anyio
PATH = "/admin/v1/routing/explain"
AUDIT = Audit(action="put", resource="here", actor="admin", at=1.0)
ID = "req_1/step"


@pytest.fixture(autouse=True)
async def _catalog(control):
    """A catalog that the decisions below are taken over."""
    store = control.catalog_store
    for name in "ab":
        await store.put_provider(a_provider(name), AUDIT)
    await store.put_models(
        [
            a_model("big", "a", weight=9, max_context_tokens=8_000),
            a_model("big", "b", weight=9, per_1k=None, max_context_tokens=8_000),
            a_model("small", "a", weight=2, max_context_tokens=2_000),
        ],
        AUDIT,
    )
    halves = (Variant(model_id="big"), Variant(model_id="small"))
    await store.put_alias(Alias(name="fast", variants=halves), AUDIT)


@pytest.fixture
def request_of(control):
    """A request with its decision on record, and what came of it."""

    async def one(intent=None, seen=None, *, record=None, **fields):
        catalog = await control.catalog_store.load()
        if record is None:
            try:
                record = decide(intent or an_intent(), catalog, seen or signals(), 7).record
            except TokenHubError as error:
                record = refused(intent, catalog.version, seed=7, error=error)
        usual = {
            "request_id": ID,
            "at": 1_750_000_000.0,
            "key_id": "key_1",
            "dialect": "openai",
            "requested_model": "big",
            "mode": "normal",
            "reason": "routed-weight-9",
        }
        await control.journal.record(Outcome(**usual | fields))
        control.journal.explain(ID, 1_750_000_000.0, record)
        return record

    return one


@pytest.fixture
def explained(client):
    async def one(request_id=ID, **query):
        answer = await client.get(f"{PATH}/{request_id}", params=query)
        assert 200 == answer.status_code, answer.text
        return answer.json()

    return one


def call(number, provider_id, **fields):
    usual = {"model_id": "big", "state": "settled", "status": 200, "latency_s": 0.25}
    return Attempt(number=number, provider_id=provider_id, **usual | fields)


async def test_each_candidate_has_its_rank_and_the_sum_of_its_score(request_of, explained):
    seen = signals({"a/big": (0.5, 0.1)})
    record = await request_of(an_intent(input_tokens=1_000), seen)

    told = (await explained())["explanation"]

    places = told["candidates"]
    assert [one.route for one in record.candidates] == [place["route"] for place in places]
    for place, one in zip(places, record.candidates, strict=True):
        parts = place["parts"]
        total = parts["cost"] + parts["latency"] + parts["failure"] - parts["weight"]
        assert one.score == pytest.approx(total)
        assert f"score {one.score:.4f} = 0.25 x cost " in place["why"]
    unknown = next(place["why"] for place in places if place["route"] == "b/big")
    assert "its price is unknown and counts as the dearest" in unknown
    assert "nobody has timed it" in unknown


async def test_each_candidate_tells_what_it_was_expected_to_write_and_cost(request_of, explained):
    await request_of(seen=signals({"a/big": (3.0, 0.0, 40)}))

    told = (await explained())["explanation"]

    ends = {place["route"]: place["why"].rpartition("; ")[2] for place in told["candidates"]}
    assert {
        "a/big": "estimated at 40 tokens out, for USD 0.00108",
        "a/small": "estimated at 512 tokens out, for USD 0.002024",
        "b/big": "estimated at 512 tokens out",
    } == ends


async def test_each_route_that_was_left_out_has_its_numbers_in_words(request_of, explained):
    policy = a_policy(max_budget_nusd=1_000_000)
    seen = signals(closed={"b": ("cooling_down", 1.5)})
    await request_of(an_intent(policy=policy, input_tokens=1_800), seen)

    told = (await explained())["explanation"]

    assert {
        "a/big": "it would cost USD 0.002824, and the budget is USD 0.001",
        "a/small": "it would need 2070 tokens of context, and has 2000",
        "b/big": "it has throttled us, and opens in 1500 ms",
    } == {one["route"]: one["why"] for one in told["skipped"]}


async def test_a_refusal_tells_why_nobody_was_asked(request_of, explained):
    seen = signals(without="ab")
    await request_of(an_intent("big"), seen, status=503, error_class="no_provider_available")

    found = await explained(verify="true")

    told = found["explanation"]
    assert (
        "Nobody was asked: of 3 routes none could answer, and the caller was told "
        "no_provider_available (503)."
    ) == told["summary"]
    assert ["its provider's key is missing"] * 3 == [one["why"] for one in told["skipped"]]
    assert ["The end was no_provider_available, status 503."] == told["happened"]
    assert ([], "no_provider_available") == (
        found["decision"]["candidates"],
        found["decision"]["error"],
    )
    assert found["verified"] is True


async def test_the_policy_tells_where_it_came_from(request_of, explained):
    origin = {"mode": "request", "max_budget_usd": "directive"}
    policy = a_policy(mode="cheap", max_budget_nusd=50_000_000, origin=origin)
    await request_of(an_intent(policy=policy))

    told = (await explained())["explanation"]["policy"]

    assert [
        ("mode", "cheap", "the request"),
        ("max_budget_usd", "USD 0.05", "a directive in its text"),
        ("max_latency_ms", "120000 ms", "the routing defaults"),
        ("min_weight", "0", "the routing defaults"),
    ] == [(one["field"], one["value"], one["origin"]) for one in told]


async def test_what_happened_leads_from_the_first_call_to_the_answer(request_of, explained):
    calls = (
        call(1, "a", state="voided", kind="overloaded", status=503),
        call(2, "b", input_tokens=10, output_tokens=5, cost_nusd=None, estimated=True),
    )
    seen = signals({"a/big": (0.1, 0.0), "b/big": (0.9, 0.5)})
    await request_of(
        an_intent("big"), seen, provider_id="b", model_id="big", attempts=calls, reason="failover"
    )

    told = (await explained())["explanation"]

    assert (
        "a/big was chosen out of 3: it is what was asked for, and it had the best score. "
        "b/big answered in its place."
    ) == told["summary"]
    assert [
        "1. a/big brought no answer after 250 ms (overloaded, status 503); nothing is charged.",
        (
            "2. b/big answered after 250 ms: 10 tokens in, 5 out, counted by us, "
            "at an unknown price."
        ),
        "The caller was answered with status 200.",
    ] == told["happened"]


async def test_who_was_passed_over_is_named(request_of, explained):
    calls = (call(1, "a", model_id="small"),)
    record = await request_of(an_intent("big"), provider_id="a", model_id="small", attempts=calls)

    told = (await explained())["explanation"]

    passed = [one.route for one in record.candidates if one.route != "a/small"]
    assert f"Ranked higher and not called: {', '.join(passed)}." in told["happened"][1]


async def test_a_call_that_broke_off_or_may_be_billed_says_so(request_of, explained):
    calls = (
        call(1, "a", state="unknown", kind="timeout", status=0, cost_nusd=2_000_000),
        call(2, "b", kind="lost", cost_nusd=1_000_000),
    )
    await request_of(provider_id="b", model_id="big", attempts=calls, error_class="upstream_lost")

    told = (await explained())["explanation"]

    assert "it may be billed, and is charged at the estimate, for USD 0.002." in told["happened"][0]
    assert "broke off after 250 ms (lost); what had come is charged" in told["happened"][1]


async def test_a_request_that_nobody_answered_is_not_answered_by_who_was_asked_last(
    request_of, explained
):
    calls = (call(1, "a", state="voided", kind="overloaded", status=503),)
    await request_of(
        provider_id="a", model_id="big", attempts=calls, error_class="upstream_overloaded"
    )

    told = (await explained())["explanation"]

    assert told["summary"].endswith("Nobody answered, and the caller was told upstream_overloaded.")


async def test_calls_that_nobody_waited_for_say_why(request_of, explained):
    calls = (
        call(1, "a", state="unknown", kind="hedge_lost", status=0, cost_nusd=2_000_000),
        call(2, "b"),
        call(3, "a", state="unknown", kind="client_gone", status=0, cost_nusd=2_000_000),
        call(4, "a", state="unknown", kind="internal_error", status=0, cost_nusd=2_000_000),
    )
    await request_of(provider_id="b", model_id="big", attempts=calls)

    told = (await explained())["explanation"]["happened"]

    end = "it may be billed, and is charged at the estimate, for USD 0.002."
    assert f"1. a/big was given up after 250 ms, since another call had answered; {end}" == told[0]
    assert f"3. a/big was given up after 250 ms, since the caller had left; {end}" == told[2]
    assert "4. a/big was given up after 250 ms, since something in TokenHub is broken" in told[3]


async def test_an_alias_is_told_with_what_it_stood_for(control, request_of, explained):
    alias = (await control.catalog_store.load()).aliases["fast"]
    model_id = stands_for(alias, request_id=ID, key_id="key_1", turn=0).model_id
    intent = an_intent(model_id, alias="fast", substitute="same-model")
    await request_of(intent, requested_model="fast")

    found = await explained(verify="true")

    assert (
        f"The caller asked for fast; fast is an alias, and stood for {model_id}; only other "
        "providers of the same model may take its place."
    ) == found["explanation"]["asked"]
    assert found["verified"] is True


async def test_an_alias_that_stands_for_another_is_found(control, request_of, explained):
    alias = (await control.catalog_store.load()).aliases["fast"]
    model_id = stands_for(alias, request_id=ID, key_id="key_1", turn=0).model_id
    (other,) = {"big", "small"} - {model_id}
    await request_of(an_intent(other, alias="fast"))

    found = await explained(verify="true")

    assert [f'hint: stored "{other}", the alias stands for "{model_id}"'] == found["differences"]


async def test_the_last_resort_and_the_callers_list_are_told(request_of, explained):
    seen = signals(closed={"a": ("health_down", 2.0)})
    await request_of(an_intent("small", fallbacks=("big",)), seen)

    told = (await explained())["explanation"]

    assert ["b/big", "a/small", "a/big"] == [place["route"] for place in told["candidates"]]
    assert told["candidates"][0]["why"].startswith("it is number 2 of the caller's list; score")
    assert told["candidates"][1]["why"].startswith(
        "it was down for 2000 ms yet, and comes after all that were not; it is what was asked for"
    )
    assert "in this order and no others: big" in told["asked"]


@pytest.fixture
def summary(request_of, explained):
    """Why the first was chosen, and what stands beside it."""

    async def one(intent, seen=None):
        await request_of(intent, seen)
        told = (await explained())["explanation"]
        _, _, because = told["summary"].partition(": ")
        return because.partition(". ")[0], told["candidates"][0]["why"]

    return one


async def test_a_draw_is_not_told_as_the_best_score(summary):
    arms = {"a/small": (0.95, 0.01), "a/big": (0.1, 0.01), "b/big": (0.1, 0.01)}

    because, why = await summary(an_intent(policy=a_policy(mode="thompson")), signals(arms=arms))

    assert "its draw was the largest" == because
    assert why.startswith("its draw is 0.")
    assert ", of Beta(450.3, 23.7)" in why
    assert "that is a quality of 0.950 give or take 0.010" in why
    assert "; for comparison, score" in why


async def test_exploration_is_told_with_the_place_by_score(request_of, explained, control):
    catalog = await control.catalog_store.load()
    intent = an_intent(temperature=5.0)
    seeds = [s for s in range(50) if decide(intent, catalog, signals(), s).record.explored == 2]
    record = decide(intent, catalog, signals(), seeds[0]).record
    await request_of(record=record)

    told = (await explained())["explanation"]

    assert (
        "a draw took number 3 by score, so that others than the best are tried" in told["summary"]
    )
    assert told["candidates"][0]["why"].startswith("its place was 3, and a draw has put it first")


async def test_who_is_too_slow_is_told_so_with_the_limit(request_of, explained):
    slow = signals({"a/big": (9.0, 0.0), "b/big": (9.0, 0.0)})
    await request_of(an_intent(policy=a_policy(max_latency_s=5.0)), slow)

    told = (await explained())["explanation"]

    assert "it had the best score of those that are quick enough." in told["summary"]
    assert told["candidates"][1]["why"].startswith(
        "it usually takes longer than 5000 ms, and comes after those that do not; score"
    )


async def test_a_last_resort_is_no_promise_of_who_opens_first(summary):
    closed = {"a": ("health_down", 2.0), "b": ("health_down", 9.0)}

    because, _ = await summary(an_intent(), signals(closed=closed))

    assert "all that could answer were down" == because


async def test_the_model_of_a_named_route_is_told_elsewhere(summary):
    closed = {"a": ("cooling_down", 2.0)}

    because, why = await summary(an_intent("a/big"), signals(closed=closed))

    assert "it is the model that was asked for, at another provider" == because
    assert why.startswith("it is the model that was asked for, at another provider; score")


async def test_own_weights_and_the_lists_of_a_key_are_told(request_of, explained):
    origin = {"weights": "header"}
    policy = a_policy(weights=Weights(0.5, 0.0, 0.25, 0.25), origin=origin)
    lists = {"allowed_models": ("big", "gpt-*"), "allowed_providers": ("a",)}
    await request_of(an_intent(policy=policy, **lists))

    told = (await explained())["explanation"]

    assert {
        "field": "weights",
        "value": "cost 0.5, latency 0, failure 0.25, weight 0.25",
        "origin": "a header of the request",
    } in told["policy"]
    assert "The API key may use these models alone: big, gpt-*." in told["notes"]
    assert "The API key may use these providers alone: a." in told["notes"]


async def test_without_verify_nothing_is_said_of_it(request_of, explained):
    await request_of()

    assert {"request", "decision", "explanation"} == set(await explained())


async def test_a_decision_that_comes_out_the_same_is_verified(request_of, explained):
    await request_of(an_intent(), signals({"a/big": (0.1 + 0.2, 1 / 3)}))

    found = await explained(verify="true")

    assert (True, [], "computed again, it is the same to the last bit") == (
        found["verified"],
        found["differences"],
        found["reason"],
    )


async def test_the_catalog_of_then_counts_and_not_that_of_now(control, request_of, explained):
    await request_of()
    await control.catalog_store.delete_provider("a", AUDIT)

    assert (await explained(verify="true"))["verified"] is True


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ((b'"seed":7', b'"seed":6'), "record: it is not as it was written"),
        ((b'"propensity":1.0', b'"propensity":0.5'), "propensity: stored 0.5, computed 1.0"),
        ((b'"mode":"normal"', b'"mode":"nirmal"'), "record: no decision can be taken from it"),
        ((b'"candidates"', b'"candidatas"'), "record: it is not as it was written"),
    ],
)
async def test_a_byte_that_was_changed_in_a_record_is_found(
    control, request_of, explained, change, difference
):
    await request_of(an_intent(), signals({"a/big": (0.3, 0.1), "b/big": (0.5, 0.0)}))
    written = control.journal._decisions[ID]
    assert 1 == written.count(change[0])

    control.journal._decisions[ID] = written.replace(*change)
    found = await explained(verify="true")

    assert (False, "it comes out differently") == (found["verified"], found["reason"])
    assert found["differences"][0].startswith("record: it is not as it was written")
    assert any(line.startswith(difference) for line in found["differences"])


async def test_a_catalog_that_was_changed_is_found(control, request_of, explained):
    await request_of()
    versions = control.catalog_store._versions
    now = max(versions)
    models = {**versions[now].models, ("a", "big"): a_model("big", "a", weight=8)}

    versions[now] = type(versions[now]).build(
        version=now, providers=versions[now].providers.values(), models=models.values()
    )
    found = await explained(verify="true")

    assert found["verified"] is False
    assert any(".weight: stored 9, computed 8" in line for line in found["differences"])


async def test_a_catalog_that_is_not_kept_leaves_it_unknown(control, request_of, explained):
    await request_of()
    control.catalog_store._versions.clear()

    found = await explained(verify="true")

    assert (None, []) == (found["verified"], found["differences"])
    assert found["reason"].startswith("the catalog of version ")


async def test_a_record_from_before_leaves_it_unknown(request_of, explained):
    record = await request_of()
    before = msgspec.structs.replace(record, reserved_tokens=None)
    assert isinstance(before, Record)
    await request_of(record=before, request_id="req_2")

    assert (await explained(verify="true"))["verified"] is None


async def test_a_lost_record_leaves_it_unknown_and_the_row_explained(
    control, request_of, explained
):
    await request_of(attempts=(call(1, "a"),), provider_id="a", model_id="big")
    control.journal._decisions.clear()

    found = await explained(verify="true")

    assert (None, None) == (found["verified"], found["decision"])
    assert "not on record" in found["explanation"]["summary"]
    assert 2 == len(found["explanation"]["happened"])


async def test_a_request_that_was_refused_before_its_route_says_so(control, explained):
    await control.journal.record(
        Outcome(
            request_id="req_9",
            at=1.0,
            key_id="key_1",
            dialect="openai",
            requested_model="",
            mode="",
            reason="",
            status=400,
            error_class="invalid_request",
        )
    )

    told = (await explained("req_9"))["explanation"]

    assert "refused before a route was looked for (invalid_request)" in told["summary"]
    assert "The caller named no model." == told["asked"]


@pytest.mark.parametrize("query", [{"verify": "perhaps"}, {"verified": "true"}])
async def test_a_question_that_is_not_understood_is_a_400(client, request_of, query):
    await request_of()

    assert 400 == (await client.get(f"{PATH}/{ID}", params=query)).status_code


async def test_an_unknown_request_is_a_404(client):
    answer = await client.get(f"{PATH}/req_9")

    assert (404, "not_found") == (answer.status_code, answer.json()["code"])


async def test_the_request_itself_is_found_by_an_id_with_a_slash(client, request_of):
    await request_of()

    found = (await client.get(f"/admin/v1/requests/{ID}")).json()

    assert (ID, 0) == (found["request_id"], found["decision"]["reserved_tokens"])


async def test_a_draw_of_before_the_router_learned_is_shown_and_left_unverified(
    control, request_of, explained
):
    version = (await control.catalog_store.load()).version
    await request_of(record=an_old_record(version), mode="thompson")

    found = await explained(verify="true")

    assert {"a/big": (12.5, 3.25), "b/big": (1.0, 1.0), "a/small": (4.75, 2.5)} == {
        one["route"]: (one["sample"]["alpha"], one["sample"]["beta"])
        for one in found["decision"]["candidates"]
    }
    first = found["decision"]["candidates"][0]["sample"]
    assert (0.8518080731246288, None, None) == (first["draw"], first["quality"], first["price"])
    why = found["explanation"]["candidates"][0]["why"]
    assert "its draw is 0.8518, of Beta(12.5, 3.25); that is what its cost, its time and" in why
    assert (None, []) == (found["verified"], found["differences"])
    assert "drawn by a rule that this version has not" in str(found)


async def test_a_draw_of_before_that_was_changed_is_found_out(control, request_of, explained):
    version = (await control.catalog_store.load()).version
    await request_of(record=an_old_record(version), mode="thompson")
    control.journal._checksums[ID] += 1

    assert (await explained(verify="true"))["verified"] is False


async def test_a_request_with_a_draw_of_before_has_its_decision(control, client, request_of):
    version = (await control.catalog_store.load()).version
    await request_of(record=an_old_record(version), request_id="req_2", mode="thompson")
    control.journal.explain("req_2", 1.0, an_old_record(version))

    found = (await client.get("/admin/v1/requests/req_2")).json()

    assert 0.6173541556932917 == found["decision"]["propensity"]
    assert 3 == len([one for one in found["decision"]["candidates"] if one["sample"]])
