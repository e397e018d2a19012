"""The profile file: what it may hold, and what it says when it is wrong."""

from pathlib import Path

import msgspec
import pytest

from tokenhub.sim import profile
from tokenhub.sim.profile import Constant, Lognormal

SMALL = b'{"name": "x", "dialect": "vllm", "models": [{"id": "m"}]%b}'


def test_a_short_file_is_a_whole_profile() -> None:
    read = profile.decode(SMALL % b"")

    assert "vllm" == read.dialect
    assert Constant(value=0.0) == read.latency.first_token_s
    assert 128_000 == read.models[0].context_tokens


def test_latency_is_a_distribution_by_its_type() -> None:
    raw = b', "latency": {"first_token_s": {"type": "lognormal", "median": 0.4, "sigma": 0.3}}'

    assert Lognormal(median=0.4, sigma=0.3) == profile.decode(SMALL % raw).latency.first_token_s


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (b', "speed": 3', "unknown field `speed`"),
        (b', "faults": {"hangs": 0.1}', "unknown field `hangs` - at `$.faults`"),
        (b', "faults": {"hang": 1.5}', "at `$.faults.hang`"),
        (b', "faults": {"hang": 0.7, "reset": 0.7}', "add up to 1.4"),
        (b', "tools": "sometimes"', "at `$.tools`"),
        (b', "name": "\xff"', "not UTF-8"),
        (b",", "malformed"),
    ],
)
def test_a_wrong_file_is_refused_with_the_field(more: bytes, said: str) -> None:
    with pytest.raises(msgspec.DecodeError) as caught:
        profile.decode(SMALL % more)

    assert said in str(caught.value)


def test_a_model_given_twice_is_named() -> None:
    raw = b'{"name": "x", "dialect": "openai", "models": [{"id": "m"}, {"id": "m"}]}'

    with pytest.raises(msgspec.ValidationError, match="given twice: m"):
        profile.decode(raw)


SHIPPED = (
    *sorted(Path(profile.__file__).with_name("profiles").glob("*.json")),
    Path(__file__).parents[3] / "benchmarks" / "instant.json",
)


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_every_shipped_profile_is_read(file: Path) -> None:
    read = profile.decode(file.read_bytes())

    assert read == profile.decode(msgspec.json.encode(read))
