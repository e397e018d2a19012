"""What values the fields of the log have, for filters that are being written."""

from collections.abc import Mapping, Sequence

from tokenhub.client.calls.observe import log_facets
from tokenhub.client.errors import ClientError
from tokenhub_tui.link import Link

MOST = 50


async def values(link: Link) -> Mapping[str, Sequence[str]]:
    """The most frequent values of each field, the most frequent first; none where nobody tells."""
    try:
        found = await link(log_facets(limit=MOST))
    except ClientError:
        return {}
    return {
        name: [one.name or one.value for one in facet.values]
        for name, facet in found.facets.items()
    }
