"""`/` and the page under `/admin/`, which stands where the dashboard will be. Open to all."""

import base64
import hashlib
from html import escape

from litestar import Response, get
from litestar.di import NamedDependency

from tokenhub.web.auth import OPEN

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 3rem auto; padding: 0 1rem; }
pre { background: #f2f2f2; color: #111; padding: 1rem; overflow-x: auto; }
"""
_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>TokenHub</title><style>{style}</style></head>
<body>
<h1>TokenHub</h1>
<p>This server answers at <strong>{url}</strong>. The dashboard is not there yet;
everything it will show can be seen and changed with <code>tokenhubctl</code>:</p>
<pre>export TOKENHUB_URL={url}
tokenhubctl status
tokenhubctl provider list
tokenhubctl model list
tokenhubctl logs</pre>
<p>It needs the admin token, which lies in the file <code>.admin-token</code> in the server's data
directory unless <code>TOKENHUB_ADMIN_TOKEN</code> sets it.</p>
<p>Applications use <code>{url}/v1</code> as the base URL of any OpenAI SDK, with a key made by
<code>tokenhubctl apikey create</code>.</p>
<p>The documentation is in the folder <code>docs</code> of the source tree.</p>
</body>
</html>
"""


@get("/", opt=OPEN)
async def root() -> Response[bytes]:
    return Response(b"", status_code=302, headers={"location": "/admin/"}, media_type="text/plain")


@get("/admin", opt=OPEN)
async def admin_page(public_url: NamedDependency[str]) -> Response[bytes]:
    page = _PAGE.format(style=_STYLE, url=escape(public_url))
    return Response(page.encode(), media_type="text/html", headers=_locked_down())


def _locked_down() -> dict[str, str]:
    """Nothing but the page's own style, which the policy names by its hash (CSP Level 3)."""
    style = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    return {
        "content-security-policy": (
            f"default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; "
            "form-action 'none'; frame-ancestors 'none'"
        ),
    }
