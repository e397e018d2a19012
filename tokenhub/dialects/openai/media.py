"""Pictures and files in OpenAI's format: data URLs (RFC 2397) and links."""

import base64
from urllib.parse import unquote_to_bytes

from tokenhub.core.errors import BadRequest
from tokenhub.core.talk import Document, Image
from tokenhub.dialects.translation import Unsayable
from tokenhub.wire import openai as wire

# Not registered, but sent by many; Anthropic refuses it.
_NAMES = {"image/jpg": "image/jpeg"}
# A file without a type is what OpenAI takes first of all.
_PDF = "application/pdf"


def image(part: wire.Content, *, field: str) -> Image:
    """A picture. Raises BadRequest for what is neither a link nor a data URL."""
    given = part.image_url
    if given is None:
        raise BadRequest(f"{field}.image_url is required", field=f"{field}.image_url")
    url, detail = (given, "") if isinstance(given, str) else (given.url, given.detail or "")
    if url[:5].lower() == "data:":
        media_type, data = _data_url(url, field=f"{field}.image_url.url")
        return Image(media_type=_NAMES.get(media_type, media_type), data=data, detail=detail)
    if _is_link(url):
        return Image(url=url, detail=detail)
    raise BadRequest(
        f"{field}.image_url.url must be an http, https or data URL", field=f"{field}.image_url.url"
    )


def document(part: wire.Content, *, field: str) -> Document:
    """A file that came along. Raises Unsayable for one that lies at the vendor's."""
    file = part.file or wire.File()
    data, name = file.file_data or "", file.filename or ""
    if not data and file.file_id:
        raise Unsayable(
            f"{field}.file.file_id names a file at another vendor; send file_data instead",
            field=f"{field}.file.file_id",
        )
    if not data:
        raise BadRequest(f"{field}.file.file_data is required", field=f"{field}.file.file_data")
    if _is_link(data):
        return Document(url=data, name=name)
    if data[:5].lower() != "data:":
        return Document(media_type=_PDF, data=data, name=name)
    media_type, data = _data_url(data, field=f"{field}.file.file_data")
    return Document(media_type=media_type or _PDF, data=data, name=name)


def write_image(image: Image) -> wire.Content:
    url = image.url or f"data:{image.media_type};base64,{image.data}"
    return wire.Content(
        type="image_url", image_url=wire.ImageURL(url=url, detail=image.detail or None)
    )


def write_document(document: Document) -> wire.Content:
    """A file part; plain text as text, under its name. Raises Unsayable for a link."""
    if document.url:
        raise Unsayable(
            "a document given by its url cannot be sent to this provider; send its data instead",
            field="messages",
        )
    if not document.data:
        head = f"{document.name}\n\n" if document.name else ""
        return wire.Content(type="text", text=head + document.text)
    data = f"data:{document.media_type};base64,{document.data}"
    # OpenAI wants a name with the data.
    name = document.name or "document.pdf"
    return wire.Content(type="file", file=wire.File(file_data=data, filename=name))


def _is_link(url: str) -> bool:
    return url[:8].lower().startswith(("http://", "https://"))


def _data_url(url: str, *, field: str) -> tuple[str, str]:
    """The media type, without parameters, and the data in base64."""
    head, comma, data = url[5:].partition(",")
    if not comma:
        raise BadRequest(f"{field} is no data URL: it has no comma", field=field)
    media_type, *parameters = head.split(";")
    if "base64" not in (parameter.strip().lower() for parameter in parameters):
        data = base64.b64encode(unquote_to_bytes(data)).decode()
    return media_type.strip().lower(), data
