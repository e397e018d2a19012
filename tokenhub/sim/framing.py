"""HTTP/1.1 on the wire: heads, whole answers, chunks. Bytes in, bytes out."""

from http import HTTPStatus

from tokenhub.sim.fault import NONE, AnyFault, Headers, Twice, Unterminated

# Every answer says what it is; RFC 9110 lets a server without a clock leave out Date.
LABEL = "server: tokenhub-sim\r\nx-tokenhub-simulation: true\r\n"
JSON = "application/json"
SSE = "text/event-stream; charset=utf-8"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
LAST_CHUNK = b"0\r\n\r\n"
REASONS = {status.value: status.phrase for status in HTTPStatus} | {529: "Overloaded"}


def whole(status: int, body: bytes, *, content_type: str = JSON, headers: Headers = ()) -> bytes:
    """An answer with its length: head and body."""
    more = "".join([f"{name}: {value}\r\n" for name, value in headers])
    start = f"HTTP/1.1 {status} {REASONS.get(status, 'Unknown')}\r\n{LABEL}{more}"
    return (
        f"{start}content-type: {content_type}\r\ncontent-length: {len(body)}\r\n\r\n".encode()
        + body
    )


def stream_head(*, headers: Headers = (), chunked: bool, content_type: str = SSE) -> bytes:
    """The head of an event stream; unchunked (for HTTP/1.0) it lasts until the connection ends."""
    more = "".join([f"{name}: {value}\r\n" for name, value in headers])
    how = "transfer-encoding: chunked" if chunked else "connection: close"
    start = f"HTTP/1.1 200 OK\r\n{LABEL}{more}content-type: {content_type}\r\n"
    return f"{start}cache-control: no-cache\r\n{how}\r\n\r\n".encode()


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def closing(fault: AnyFault, finish: bytes, usage: bytes, end: bytes) -> bytes:
    """The last events of a stream, as the fault lets them be."""
    if fault is NONE:
        return finish + usage + end
    match fault:
        case Unterminated():
            return finish + usage
        case Twice(what="usage") if usage:
            return finish + usage + usage + end
        case Twice():
            return finish + finish + usage + end
        case _:
            return finish + usage + end


def unchunked(body: bytes) -> bytes:
    """The data of a chunked body that `chunk` made."""
    data: list[bytes] = []
    at = 0
    while size := int(body[at : (line := body.index(b"\r\n", at))], 16):
        data.append(body[line + 2 : line + 2 + size])
        at = line + 4 + size
    return b"".join(data)
