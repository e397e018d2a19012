"""Pictures and files as Anthropic takes them; all others are for another provider to serve."""

from binascii import Error as NoBase64
from binascii import a2b_base64

from tokenhub.core.talk import Document, Image
from tokenhub.dialects.translation import Unsayable
from tokenhub.wire import anthropic as wire

_PDF = "application/pdf"
# docs.anthropic.com, "Vision": the pictures that are read. Links are fetched over https only.
_PICTURES = frozenset(("image/jpeg", "image/png", "image/gif", "image/webp"))
_MISNAMED = {"image/jpg": "image/jpeg"}
_SECURE = "https://"


def medium(part: Image | Document) -> wire.Image | wire.Document:
    """The block of a picture or a file. Raises Unsayable."""
    if isinstance(part, Image):
        return _image(part)
    if part.url:
        return wire.Document(_link(part.url, "a document"), part.name)
    if not part.data:
        return wire.Document(wire.Plain(part.text), part.name)
    if _kind(part.media_type) == _PDF:
        return wire.Document(wire.Base64(_PDF, part.data), part.name)
    return wire.Document(wire.Plain(_plain(part)), part.name)


def _image(part: Image) -> wire.Image:
    if part.url:
        return wire.Image(_link(part.url, "an image"))
    kind = _kind(part.media_type)
    kind = _MISNAMED.get(kind, kind)
    if kind not in _PICTURES:
        raise Unsayable(
            f"this provider reads JPEG, PNG, GIF and WebP pictures, and no {kind or 'others'}",
            field="messages",
        )
    return wire.Image(wire.Base64(kind, part.data))


def _link(url: str, what: str) -> wire.Url:
    if not url[: len(_SECURE)].lower() == _SECURE:
        raise Unsayable(
            f"this provider fetches {what} over https only; send an https link or the data itself",
            field="messages",
        )
    return wire.Url(url)


def _plain(part: Document) -> str:
    """The text of a file that is one."""
    try:
        kind = _kind(part.media_type)
        if kind.startswith("text/") or kind == "application/json":
            return a2b_base64(part.data).decode()
    except (NoBase64, UnicodeDecodeError):
        wrong = "not text in UTF-8"
    else:
        wrong = "neither PDF nor text"
    raise Unsayable(
        f"{part.name or 'a file'} is {wrong}; this provider reads no other files",
        field="messages",
    )


def _kind(media_type: str) -> str:
    """The type without its parameters, such as a charset."""
    return media_type.partition(";")[0].strip().lower()
