"""Pictures and files in requests: whether they are what they say, and how the answer names them."""

import base64
import binascii

IMAGES = ("image/jpeg", "image/png", "image/gif", "image/webp")
# First bytes of each kind (PNG: RFC 2083, JPEG: ITU T.81, GIF89a, RIFF as WebP uses it, PDF).
SIGNS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"RIFF", "image/webp"),
    (b"%PDF-", "application/pdf"),
)


def decoded(data: str) -> bytes | None:
    """The bytes behind base64 text, or None where it is not base64 or is nothing."""
    try:
        return base64.b64decode(data, validate=True) or None
    except (binascii.Error, ValueError):
        return None


def kind(content: bytes) -> str:
    """The media type that the first bytes tell, empty where they tell none."""
    return next((name for sign, name in SIGNS if content.startswith(sign)), "")


def data_url(url: str) -> tuple[str, str] | None:
    """Media type and base64 text of a `data:` URL (RFC 2397), or None for anything else."""
    head, comma, data = url.partition(",")
    if not comma or not head.startswith("data:") or not head.endswith(";base64"):
        return None
    return head.removeprefix("data:").removesuffix(";base64").partition(";")[0], data


def named(media_type: str, content: bytes) -> str:
    """How the answer names what came: `image/png of 70 bytes`."""
    return f"{media_type} of {len(content)} bytes"
