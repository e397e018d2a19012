"""Who is refused unread: tests/unit/web/test_protocol.py has the connection around it."""

import httptools
from hypothesis import given
from hypothesis import strategies as st

from tokenhub.gateway.load import Load
from tokenhub.web.refusing import Refusals

REQUEST = (
    b"POST /v1/chat?a=b HTTP/1.1\r\nHost: here\r\nx: \r\nContent-Length:\t2 \r\n"
    b"Connection: keep-alive\r\n\r\n\0\xff"
)
ODD = [b"\r\n", b"\n", b"\r", b"\0", b"\t", b" ", b":", b"\x0b", b"\xff", b"0", b"2", b","]
ODD += [b"\r\nhost: there", b"\r\ncontent-length: 2", b"\r\ntransfer-encoding: chunked"]
ODD += [
    b"\r\nConnection: close",
    b"\r\nConnection: upgrade\r\nUpgrade: h2c",
    b"\r\n\r\n",
    b"/",
    b"#",
]


class Parser:
    """What the parser of the usual way makes of it."""

    def __init__(self):
        self.told = []
        self._parser = httptools.HttpRequestParser(self)

    def on_header(self, name, _value):
        if name.lower() == b"host":
            self.told.append("host")

    def on_message_complete(self):
        self.told.append("end")

    def tell(self, data):
        self._parser.feed_data(data)
        self._parser.feed_data(REQUEST)
        return self.told, self._parser.should_keep_alive(), self._parser.should_upgrade()


def refusals():
    full = Load(most=1)
    full.enter()
    return Refusals(full, lambda: "req_" + "1" * 28)


def test_a_plain_request_is_refused():
    assert refusals()(REQUEST) is not None


@given(
    st.lists(
        st.tuples(st.integers(0, len(REQUEST)), st.integers(0, 2), st.sampled_from(ODD)),
        min_size=1,
        max_size=3,
    )
)
def test_what_is_refused_unread_is_one_whole_request_to_the_parser_too(changes):
    """And the next one begins right after it: no answer is ever given to another's request."""
    data = REQUEST
    for at, lost, odd in changes:
        data = data[:at] + odd + data[at + lost :]

    if refusals()(data) is not None:
        assert (["host", "end"] * 2, True, False) == Parser().tell(data)
