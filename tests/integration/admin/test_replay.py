"""What other policies would have made of the log, as an operator asks it."""

import asyncio
from random import Random

import msgspec
import pytest
from msgspec.structs import replace

from tests.support.builders import a_model, a_policy, a_provider, an_intent, signals
from tests.support.old_record import an_old_record
from tokenhub.admin.replay import Replay
from tokenhub.core.decide import decide
from tokenhub.core.ids import request_id
from tokenhub.ports.stores import Audit
from tokenhub.ports.traffic import Past

pytestmark = pytest.mark.anyio
PATH = "/admin/v1/routing/replay"
AUDIT = Audit(action="put", resource="here", actor="admin", at=1.0)
COUNT = 1200
CHEAP, GOOD = "here/cheap", "here/good"
# What answers are worth, and how often there is none.
WORTH = {CHEAP: 0.7, GOOD: 0.9}
FAILS = {CHEAP: 0.2, GOOD: 0.05}
COST = {CHEAP: 1_000_000, GOOD: 9_000_000}


@pytest.fixture(autouse=True)
async def catalog(control):
    await control.catalog_store.put_provider(a_provider("here"), AUDIT)
    models = [
        a_model("cheap", "here", weight=2, per_1k=(0.001, 0.001)),
        a_model("good", "here", weight=9, per_1k=(0.009, 0.009)),
        a_model("mute", "here", weight=1, per_1k=None, enabled=False),
    ]
    return await control.catalog_store.put_models(models, AUDIT)


@pytest.fixture
def logged(control, catalog):
    """So many requests of the last day, as this policy routed them."""

    def one(count=COUNT, *, temperature=1.0, mode="normal", judged=True, **fields):
        draw = Random(5)
        arms = {CHEAP: (0.75, 0.07), GOOD: (0.88, 0.05)}
        policy = a_policy(mode=mode)
        for number in range(count):
            intent = replace(
                an_intent(),
                policy=policy,
                temperature=temperature,
                input_tokens=500,
                output_tokens=500,
                **fields,
            )
            record = decide(intent, catalog, signals(arms=arms), draw.getrandbits(50)).record
            route = record.candidates[0].route
            failed = draw.random() < FAILS[route]
            quality = min(1.0, max(0.0, draw.gauss(WORTH[route], 0.05)))
            control.traffic.rows.append(
                Past(
                    request_id=request_id(control.clock.now() - 60 * (number + 1), number),
                    status=502 if failed else 200,
                    latency_s=2.0 if route == GOOD else 0.5,
                    cost_nusd=0 if failed else COST[route],
                    decision=msgspec.json.encode(record),
                    quality=quality if judged and not failed else None,
                )
            )

    return one


async def asked(client, *policies, **fields):
    answer = await client.post(PATH, json={"policies": list(policies), **fields})
    assert 200 == answer.status_code, answer.text
    return answer.json()


def holds(estimate, truth):
    return estimate["low"] <= truth <= estimate["high"]


async def test_policies_are_judged_by_what_came_of_their_choices(client, logged):
    logged()

    found = await asked(client, {"mode": "cheap"}, {"mode": "high_confidence"}, temperature=0)

    assert (COUNT, 0) == (found["requests"], found["left_out"])
    cheap, sure = found["policies"]
    assert [CHEAP, GOOD] == [one["shares"][0]["route"] for one in (cheap, sure)]
    for told, route, latency_ms in ((cheap, CHEAP, 500.0), (sure, GOOD, 2000.0)):
        assert holds(told["quality"], WORTH[route])
        assert holds(told["failures"], FAILS[route])
        assert told["latency_ms"]["mean"] == pytest.approx(latency_ms, rel=0.01)
        assert told["cost_usd"]["mean"] == pytest.approx(
            COST[route] * (1 - FAILS[route]) / 1e9, rel=0.1
        )
    was = found["was"]
    assert cheap["quality"]["mean"] < was["quality"] < sure["quality"]["mean"]
    assert cheap["cost_usd"]["mean"] < was["cost_usd"] < sure["cost_usd"]["mean"]


async def test_what_the_policy_does_not_say_is_as_it_was(client, logged):
    logged(temperature=1.0)

    [same] = (await asked(client, {}))["policies"]

    assert same["quality"]["effective"] > 0.9 * same["quality"]["requests"]
    for share in same["shares"]:
        assert share["was"] == pytest.approx(share["would"], abs=0.05)


@pytest.mark.parametrize("mode", ["vote", "refine"])
async def test_a_policy_of_several_steps_is_refused_and_not_taken_for_a_single_one(
    client, logged, mode
):
    logged(3)

    answer = await client.post(PATH, json={"policies": [{"mode": mode}]})

    assert 400 == answer.status_code
    assert "answers one request by several" in answer.json()["error"]


async def test_one_replay_runs_at_a_time(client, control, logged, monkeypatch):
    """Each holds its records in memory, so that many at once would be more than there is."""
    logged(3)
    read, inside, most = control.traffic.between, 0, 0

    async def between(since, until, *, limit):
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        for _ in range(50):
            await asyncio.sleep(0)
        inside -= 1
        return await read(since, until, limit=limit)

    monkeypatch.setattr(control.traffic, "between", between)

    await asyncio.gather(*[asked(client, {"mode": "cheap"}) for _ in range(4)])

    assert 1 == most


async def test_the_loop_goes_on_while_records_are_read(control, logged):
    """The log of the fake is there at once: any turn that others get is while they are decoded."""
    logged(3)
    replay, turns = (
        Replay(traffic=control.traffic, catalogs=control.catalog_store, clock=control.clock),
        [],
    )
    asyncio.get_running_loop().call_soon(turns.append, 1)

    rows, _ = await replay.read(0.0, control.clock.now(), limit=10)

    assert (3, [1]) == (len(rows), turns)


async def test_a_log_that_never_tried_the_other_refuses_to_guess(client, logged):
    """Greedy routing knows its own choices only; costs are known without a trial."""
    logged(temperature=0.0, mode="cheap")

    [told] = (await asked(client, {"mode": "high_confidence"}))["policies"]

    assert (0.0, None) == (told["quality"]["effective"], told["quality"]["mean"])
    assert "say nothing" in told["quality"]["refused"]
    assert told["cost_usd"]["mean"] > 0


async def test_a_log_without_judgements_says_nothing_of_quality(client, logged):
    logged(judged=False)

    found = await asked(client, {"mode": "cheap"})

    assert (0, None) == (found["was"]["judged"], found["was"]["quality"])
    [told] = found["policies"]
    assert (0, None) == (told["quality"]["requests"], told["quality"]["mean"])
    assert told["failures"]["mean"] is not None


async def test_draws_are_replayed_from_what_was_known_then(client, logged):
    logged(300, mode="thompson", temperature=0.0)

    [told] = (await asked(client, {"mode": "thompson"}))["policies"]

    assert 300 == told["decided"]
    for share in told["shares"]:
        assert share["was"] == pytest.approx(share["would"], abs=0.1)


async def test_draws_over_a_log_that_kept_nothing_to_draw_from_are_refused(client, logged):
    logged(100)

    [told] = (await asked(client, {"mode": "thompson"}))["policies"]

    assert (0, 100) == (told["decided"], told["refused"])
    assert told["quality"]["refused"]
    assert told["cost_usd"]["refused"]


async def test_a_policy_under_which_nobody_may_answer_would_have_refused(client, logged):
    logged(80)

    [told] = (await asked(client, {"min_weight": 10}))["policies"]

    assert (0, 80) == (told["decided"], told["refused"])


async def test_what_cannot_be_decided_again_is_left_out(client, control, logged):
    """Of another version's record, of a catalog that is gone, and requests that were at fault."""
    logged(60)
    rows = control.traffic.rows
    gone = msgspec.json.decode(rows[1].decision) | {"catalog_version": 99}
    rows[0] = replace(rows[0], decision=b"{}")
    rows[1] = replace(rows[1], decision=msgspec.json.encode(gone))
    rows[2] = replace(rows[2], status=400)

    found = await asked(client, {"mode": "cheap"})

    assert (57, 3) == (found["requests"], found["left_out"])


async def test_times_and_a_limit_choose_what_is_read(client, logged):
    logged(100)

    recent = await asked(client, {}, since="10m")
    newest = await asked(client, {}, limit=7)
    older = await asked(client, {}, since="1h", until="30m")

    assert (10, 7, 30) == (recent["requests"], newest["requests"], older["requests"])


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"policies": []}, "policies"),
        ({"policies": [{}] * 17}, "policies"),
        ({"policies": [{"mode": "psychic"}]}, "policy.mode"),
        ({"policies": [{}], "limit": 0}, "limit"),
        ({"policies": [{}], "temperature": -1}, "temperature"),
        ({"policies": [{}], "since": "yesterday"}, "since"),
        ({"policies": [{}], "until": "x"}, "until"),
        ({"policies": [{}], "since": "1h", "until": "2h"}, "since"),
    ],
)
async def test_bad_questions_name_the_field(client, body, field):
    answer = await client.post(PATH, json=body)

    assert 400 == answer.status_code
    assert f"#/{field.replace('.', '/')}" == answer.json()["errors"][0]["pointer"]


async def test_draws_of_before_the_router_learned_count_for_policies_that_do_not_draw(
    control, client, catalog
):
    """Their propensity is on record; what a draw of today would need to know is not."""
    record = an_old_record(catalog.version)
    first, second, _ = record["candidates"]
    record["candidates"] = [[CHEAP, *first[1:]], [GOOD, *second[1:]]]
    for number in range(60):
        control.traffic.rows.append(
            Past(
                request_id=request_id(control.clock.now() - number - 1, number),
                status=200,
                latency_s=0.5,
                cost_nusd=1,
                decision=msgspec.json.encode(record),
                quality=1.0,
            )
        )

    found = await asked(client, {"mode": "cheap"}, {"mode": "thompson"})

    assert (60, 0) == (found["requests"], found["left_out"])
    assert [(60, 0), (0, 60)] == [(one["decided"], one["refused"]) for one in found["policies"]]
