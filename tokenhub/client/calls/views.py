"""Calls about saved views."""

from tokenhub.client.call import Call, item, query
from tokenhub.wire.catalog import Done
from tokenhub.wire.views import View, ViewPage, ViewPut

VIEWS = "/admin/v1/views"


def list_views(*, limit: int | None = None, offset: int | None = None) -> Call[ViewPage]:
    """Views by name."""
    return Call(method="GET", path=VIEWS, query=query(limit=limit, offset=offset), returns=ViewPage)


def get_view(name: str) -> Call[View]:
    return Call(method="GET", path=item(VIEWS, name), returns=View)


def put_view(name: str, view: ViewPut, *, if_match: int | None = None) -> Call[View]:
    """Create or replace one."""
    return Call(method="PUT", path=item(VIEWS, name), body=view, if_match=if_match, returns=View)


def delete_view(name: str, *, if_match: int | None = None) -> Call[Done]:
    return Call(method="DELETE", path=item(VIEWS, name), if_match=if_match, returns=Done)
