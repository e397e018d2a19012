import pytest

from tests.support.control import Control


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
async def control():
    return await Control().started()


@pytest.fixture
async def client(control):
    async with control.client() as client:
        yield client
