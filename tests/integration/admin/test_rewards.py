import pytest

from tokenhub.core.rewards import Quality

pytestmark = pytest.mark.anyio
PATH = "/admin/v1/rewards"


@pytest.fixture
def judge(control):
    def told(number, **changes):
        given = {
            "request_id": f"req_{number}",
            "provider_id": "p",
            "model_id": "org/m",
            "score": 0.25,
            "task": "code",
            "at": 1_750_000_000.0 + number,
        }
        control.observed.judged(Quality(**given | changes))

    return told


async def test_judgements_are_listed_newest_first_with_real_times_w_83(client, judge):
    for number in range(3):
        judge(number)

    page = (await client.get(PATH, params={"limit": 2})).json()
    rest = (await client.get(PATH, params={"before": page["next"]})).json()

    assert ["req_2", "req_1"] == [row["request_id"] for row in page["rewards"]]
    assert ["req_0"] == [row["request_id"] for row in rest["rewards"]]
    assert (3, None) == (page["total"], rest["next"])
    assert {
        "id": 3,
        "timestamp": "2025-06-15T15:06:42.000Z",
        "request_id": "req_2",
        "model_id": "org/m",
        "provider_id": "p",
        "reward": 0.25,
        "weight": 1.0,
        "source": "caller",
        "task": "code",
    } == page["rewards"][0]


async def test_filters_are_named_and_checked(client, judge):
    judge(1)
    judge(2, source="judge")

    found = (await client.get(PATH, params={"source": "judge"})).json()
    wrong = [
        await client.get(PATH, params=params)
        for params in ({"source": "gossip"}, {"before": "x"}, {"colour": "red"})
    ]

    assert ["req_2"] == [row["request_id"] for row in found["rewards"]]
    assert [400] * 3 == [answer.status_code for answer in wrong]


async def test_arms_tell_what_is_believed_and_on_how_much(client, judge):
    for number in range(20):
        judge(number)

    overall, code = (await client.get(f"{PATH}/arms")).json()["arms"]

    assert ("p/org/m", "p", "org/m", "") == tuple(
        overall[name] for name in ("route", "provider_id", "model_id", "task")
    )
    assert "code" == code["task"]
    for arm in (overall, code):
        assert pytest.approx(arm["mean"]) == arm["alpha"] / (arm["alpha"] + arm["beta"])
        assert arm["low"] < arm["mean"] < arm["high"]
    assert 19 < overall["n"] < 20
    assert overall["mean"] < 0.4


async def test_a_reset_forgets_a_route_or_all_and_keeps_the_list(client, control, judge):
    judge(1)
    judge(2, model_id="other")

    one = await client.post(f"{PATH}/reset", json={"route": "p/org/m"})
    left = (await client.get(f"{PATH}/arms")).json()["arms"]
    every = await client.post(f"{PATH}/reset", json={"all": True})

    assert ["p/org/m"] == one.json()["reset"]
    assert {"p/other"} == {arm["route"] for arm in left}
    assert ["p/other"] == every.json()["reset"]
    assert [] == (await client.get(f"{PATH}/arms")).json()["arms"]
    assert 2 == (await client.get(PATH)).json()["total"]
    assert (await control.reward_store.taught()) == control.observed.lessons.taught


@pytest.mark.parametrize(
    ("body", "status"),
    [({}, 400), ({"all": True, "route": "p/org/m"}, 400), ({"route": "no/such"}, 404)],
)
async def test_a_reset_says_exactly_what_it_means(client, judge, body, status):
    judge(1)

    answer = await client.post(f"{PATH}/reset", json=body)

    assert status == answer.status_code
