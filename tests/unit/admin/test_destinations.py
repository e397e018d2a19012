"""Addresses of providers are judged when they are saved, names when they are called."""

import pytest

from tests.support.control import credentials
from tokenhub.admin.changes import By
from tokenhub.admin.providers import ProviderDraft
from tokenhub.core.destinations import Destinations
from tokenhub.core.errors import BadRequest, ProviderFailed
from tokenhub.core.failures import Kind
from tokenhub.ports.provider import UpstreamError

pytestmark = pytest.mark.anyio
BY = By(request_id="req_1")


def draft(*endpoints, base_url="https://api.example.com", **fields):
    several = {"type": "vllm", "endpoints": endpoints} if endpoints else {}
    return ProviderDraft(**{"id": "p", "base_url": base_url, **several, **fields})


@pytest.mark.parametrize(
    ("field", "row"),
    [
        ("base_url", draft(base_url="http://169.254.169.254/latest")),
        ("base_url", draft(base_url="http://192.168.0.7:8000")),
        ("base_url", draft(base_url="http://0xC0A80007:8000")),
        ("base_url", draft(base_url="http://metadata.google.internal/v1")),
        ("base_url", draft(base_url="https://[::ffff:169.254.169.254]/v1")),
        ("endpoints[1]", draft("http://gpu1", "http://[fd00::1]:8000", base_url="")),
    ],
)
async def test_a_provider_at_an_address_that_is_not_allowed_is_not_saved(control, field, row):
    with pytest.raises(BadRequest) as refused:
        await control.providers.put(row, by=BY)

    assert ("address_not_allowed", field) == (refused.value.code, refused.value.field)
    assert str(refused.value).startswith(f"{field}: ")
    assert {} == control.catalog.current.providers


async def test_a_name_is_saved_whatever_it_may_lead_to(control):
    row = await control.providers.put(draft(base_url="http://gpu1:8000"), by=BY)

    assert "http://gpu1:8000" == row.base_url


async def test_what_is_no_more_allowed_can_still_be_switched_off(control):
    """An upgrade, or a shorter list, must not make a row untouchable; a new address is judged."""
    await control.providers.put(draft(base_url="http://10.0.0.7:8000"), by=BY)
    control.allowed.current = Destinations()

    row = await control.providers.update("p", {"enabled": False}, by=BY)
    with pytest.raises(BadRequest, match="TOKENHUB_ALLOWED_PRIVATE_HOSTS"):
        await control.providers.update("p", {"base_url": "http://10.0.0.8:8000"}, by=BY)

    assert row.enabled is False
    assert "10.0.0.7 is a private address" in control.providers.objection(row)[0]


async def test_an_entry_of_the_credentials_file_says_which_setting_it_needs(control):
    file = credentials(
        providers=[
            {"id": "near", "base_url": "http://192.168.0.7:8000"},
            {"id": "far", "base_url": "https://api.example.com"},
        ]
    )

    (message,) = await control.bootstrap.apply(file)

    assert ["far"] == list(control.catalog.current.providers)
    assert message.startswith("providers[0] is left out: base_url: 192.168.0.7 is a private")
    assert "add 192.168.0.7 to TOKENHUB_ALLOWED_PRIVATE_HOSTS" in message


async def test_discovery_that_was_not_let_through_says_why(control):
    await control.providers.put(draft(base_url="http://gpu1:8000"), by=BY)
    control.upstreams.faults["p"] = UpstreamError(
        Kind.UNREACHABLE, message="gpu1 (10.1.1.1) is private", code="address_not_allowed"
    )

    with pytest.raises(ProviderFailed) as failed:
        await control.providers.discover("p")

    assert "address_not_allowed" == failed.value.code
    assert "provider 'p' is not asked: gpu1 (10.1.1.1) is private" == str(failed.value)
