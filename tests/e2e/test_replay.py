"""A log that callers have judged, replayed under other policies."""

import pytest

from tests.support.server import running
from tokenhub.sim.app import Sim
from tokenhub.sim.profile import Constant, Model, Profile

pytestmark = pytest.mark.anyio
COUNT = 160
WORTH = {"small": 0.4, "large": 0.9}


def profile(name):
    return Profile(
        name="simulated",
        dialect="openai",
        models=(Model(id=name),),
        answer_tokens=Constant(value=5),
    )


async def test_what_callers_judged_is_what_a_replay_tells_of_other_policies(tmp_path):
    """The router tries both; the answers of one of them are liked better, and cost more."""
    async with (
        running(tmp_path, EXPLORATION_TEMP="5") as hub,
        Sim(profile("small")) as small,
        Sim(profile("large")) as large,
    ):
        await hub.provider("one", small)
        await hub.provider("two", large)
        await hub.model("small", "one", weight=2)
        await hub.model("large", "two", weight=9, input_per_1k=0.02, output_per_1k=0.04)
        headers = {"x-api-key": await hub.key()}
        chosen = {"small": 0, "large": 0}
        for _ in range(COUNT):
            body = {"messages": [{"role": "user", "content": "Hi"}]}
            answer = await hub.http.post("/v1/chat", json=body, headers=headers)
            model = answer.headers["x-tokenhub-model"]
            chosen[model] += 1
            told = await hub.http.post(
                "/v1/feedback",
                json={"request_id": answer.headers["x-request-id"], "score": WORTH[model]},
                headers=headers,
            )
            assert told.status_code in {200, 201, 202}, told.text

        found = await hub.admin(
            "POST",
            "routing/replay",
            {"policies": [{"mode": "cheap"}, {"mode": "high_confidence"}], "temperature": 0},
        )

    assert (COUNT, COUNT) == (found["requests"], found["was"]["judged"])
    assert min(chosen.values()) > COUNT // 5
    cheap, sure = found["policies"]
    assert WORTH["small"] == pytest.approx(cheap["quality"]["mean"], abs=0.05)
    assert WORTH["large"] == pytest.approx(sure["quality"]["mean"], abs=0.05)
    assert cheap["cost_usd"]["mean"] < found["was"]["cost_usd"] < sure["cost_usd"]["mean"]
    assert 0.0 == cheap["failures"]["mean"]
