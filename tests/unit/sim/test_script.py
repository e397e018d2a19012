"""What happens to a request, drawn from seed and number."""

import msgspec

from tokenhub.sim.call import Call, Tool
from tokenhub.sim.fault import NONE, Fault, Status
from tokenhub.sim.profile import Constant, Faults, Latency, Lognormal, Model, Profile
from tokenhub.sim.script import Script

MODEL = Model(id="m", context_tokens=1000)
PROFILE = Profile(
    name="x", dialect="openai", models=(MODEL,), seed=5, answer_tokens=Lognormal(median=30, sigma=1)
)
CALL = Call(model="m", prompt_tokens=10)


def test_the_same_seed_tells_the_same_story() -> None:
    one, other = Script(PROFILE), Script(PROFILE)

    assert [one.turn(CALL, MODEL, n) for n in range(50)] == [
        other.turn(CALL, MODEL, n) for n in range(50)
    ]


def test_another_seed_tells_another_story() -> None:
    other = Script(msgspec.structs.replace(PROFILE, seed=6))

    assert Script(PROFILE).turn(CALL, MODEL, 1).parts != other.turn(CALL, MODEL, 1).parts


def test_faults_come_as_often_as_their_rates_say() -> None:
    script = Script(
        msgspec.structs.replace(PROFILE, faults=Faults(rate_limited=0.2, hang=0.1, cut_ended=0.05))
    )

    drawn = [script.turn(CALL, MODEL, n).fault for n in range(2000)]

    limited = Status(status=429, headers=(("retry-after", "2"),))
    assert 340 < drawn.count(limited) < 460
    assert 140 < drawn.count(Fault.hang()) < 260
    assert 60 < drawn.count(Fault.cut("ended")) < 140
    assert 1220 < drawn.count(NONE) < 1380


def test_every_rate_has_a_fault_of_its_own() -> None:
    faults = set()
    for name in Faults.__struct_fields__:
        always = Faults(**{name: 1.0})
        script = Script(msgspec.structs.replace(PROFILE, faults=always))
        faults.add(script.turn(CALL, MODEL, 1).fault)

    assert len(Faults.__struct_fields__) == len(faults)
    assert NONE not in faults


def test_a_limit_below_the_answer_cuts_it() -> None:
    profile = msgspec.structs.replace(PROFILE, answer_tokens=Constant(value=30))
    call = msgspec.structs.replace(CALL, max_tokens=4)

    cut, whole = (Script(profile).turn(c, MODEL, 1) for c in (call, CALL))

    assert ("length", 4, 4) == (
        cut.finish,
        cut.spent.completion,
        len(cut.parts[0].pieces),
    )
    assert ("stop", 30) == (whole.finish, whole.spent.completion)


def test_an_answer_ends_with_the_models_context() -> None:
    call = msgspec.structs.replace(CALL, prompt_tokens=995)
    profile = msgspec.structs.replace(PROFILE, answer_tokens=Constant(value=30))

    turn = Script(profile).turn(call, MODEL, 1)

    assert ("length", 5) == (turn.finish, turn.spent.completion)


def test_an_answer_may_be_longer_than_the_book() -> None:
    profile = msgspec.structs.replace(PROFILE, answer_tokens=Constant(value=5000))
    model = Model(id="m")

    assert 5000 == len(Script(profile).turn(CALL, model, 1).parts[0].pieces)


def test_a_models_own_speed_stands_instead_of_the_profiles() -> None:
    slow = Latency(first_token_s=Constant(value=2.0), tokens_per_s=10.0)
    model = Model(id="m", latency=slow, answer_tokens=Constant(value=5))

    turn = Script(PROFILE).turn(CALL, model, 1)

    assert (2.0, 0.1, 2.5) == (turn.first_s, turn.gap_s, turn.whole_s())


def test_half_of_lognormal_delays_are_below_the_median() -> None:
    latency = Latency(first_token_s=Lognormal(median=0.4, sigma=0.5))
    script = Script(msgspec.structs.replace(PROFILE, latency=latency))

    delays = sorted(script.turn(CALL, MODEL, n).first_s for n in range(2001))

    assert 0.37 < delays[1000] < 0.43
    assert 0.9 < delays[1980] < 1.7


def test_a_tool_is_called_and_not_text_written() -> None:
    call = msgspec.structs.replace(CALL, tools=(Tool(name="look_up"),))

    turn = Script(PROFILE).turn(call, MODEL, 1)

    assert ("tool", "{}") == (turn.finish, turn.parts[0].text())
