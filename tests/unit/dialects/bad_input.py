"""What callers send by mistake or by malice, and what each row must be answered with.

A row is: its name, the body of a chat completion request, the code, the field. `SYNTAX` and
`ABOUT_MESSAGES` mean the same in the native format; `FIELDS` stand there below `parameters`.
"""

MESSAGES = b'"messages":[{"role":"user","content":"hi"}]'
DEEP = b"[" * 1_000 + b"]" * 1_000


def with_messages(fields: bytes) -> bytes:
    return b"{" + fields + b"," + MESSAGES + b"}"


def message(content: bytes) -> bytes:
    return b'{"messages":[{"role":"user","content":' + content + b"}]}"


Row = tuple[str, bytes, str, str | None]

SYNTAX: list[Row] = [
    ("empty", b"", "invalid_json", None),
    ("blank", b"  \n", "invalid_json", None),
    ("truncated", b"{" + MESSAGES, "invalid_json", None),
    ("trailing text", b"{" + MESSAGES + b"} x", "invalid_json", None),
    ("trailing comma", b"{" + MESSAGES + b",}", "invalid_json", None),
    ("single quotes", b"{'messages':[]}", "invalid_json", None),
    ("byte order mark", b"\xef\xbb\xbf{" + MESSAGES + b"}", "invalid_json", None),
    ("UTF-16", ("{" + MESSAGES.decode() + "}").encode("utf-16"), "invalid_utf8", None),
    ("NUL", b"\0", "invalid_json", None),
    ("control character in a text", message(b'"\x01"'), "invalid_json", None),
    ("control character in an unread text", with_messages(b'"x":"\x01"'), "invalid_json", None),
    ("bad escape", message(b'"\\q"'), "invalid_json", None),
    ("bad escape in an unread text", with_messages(b'"x":"\\q"'), "invalid_json", None),
    ("NaN", with_messages(b'"temperature":NaN'), "invalid_json", None),
    ("Infinity", with_messages(b'"temperature":-Infinity'), "invalid_json", None),
    ("leading zero", with_messages(b'"x":01'), "invalid_json", None),
    ("number without its end", with_messages(b'"x":1.'), "invalid_json", None),
    ("lone high surrogate", message(b'"\\ud800"'), "invalid_json", None),
    ("lone low surrogate", message(b'"\\udc00 x"'), "invalid_json", None),
    ("lone surrogate, unread", with_messages(b'"x":"\\ud800"'), "invalid_json", None),
    ("lone surrogate in a name", with_messages(b'"\\ud800":1'), "invalid_json", None),
    ("bad UTF-8", message(b'"\xff"'), "invalid_utf8", None),
    ("cut UTF-8", message(b'"\xe2\x82"'), "invalid_utf8", None),
    ("surrogate as UTF-8", message(b'"\xed\xa0\x80"'), "invalid_utf8", None),
    ("bad UTF-8, unread", with_messages(b'"x":"\xff"'), "invalid_utf8", None),
    ("bad UTF-8 in a name", with_messages(b'"\xff":1'), "invalid_utf8", None),
    ("bad UTF-8 outside", with_messages(b'"x":1') + b"\xff", "invalid_utf8", None),
    ("deep", DEEP, "invalid_type", None),
    ("deep objects", b'{"a":' * 1_000 + b"1" + b"}" * 1_000, "json_too_deep", None),
    ("deep and unread", with_messages(b'"x":' + DEEP), "json_too_deep", None),
    ("very deep", with_messages(b'"x":' + b"[" * 150_000), "json_too_deep", None),
    (
        "deep in a part",
        message(b'[{"type":"image_url","image_url":' + DEEP + b"}]"),
        "json_too_deep",
        None,
    ),
    ("null", b"null", "invalid_type", None),
    ("array", b"[]", "invalid_type", None),
    ("text", b'"messages"', "invalid_type", None),
    ("number", b"1", "invalid_type", None),
]

ABOUT_MESSAGES: list[Row] = [
    ("messages null", b'{"messages":null}', "invalid_type", "messages"),
    ("messages text", b'{"messages":"hi"}', "invalid_type", "messages"),
    ("messages object", b'{"messages":{}}', "invalid_type", "messages"),
    ("number in them", b'{"messages":[1]}', "invalid_type", "messages[0]"),
    ("null in them", b'{"messages":[null]}', "invalid_type", "messages[0]"),
    ("text in them", b'{"messages":["hi"]}', "invalid_type", "messages[0]"),
    ("no role", b'{"messages":[{"content":"x"}]}', "invalid_type", "messages[0].role"),
    ("role null", b'{"messages":[{"role":null}]}', "invalid_type", "messages[0].role"),
    ("content a number", message(b"1"), "invalid_type", "messages[0].content"),
    ("content an object", message(b"{}"), "invalid_type", "messages[0].content"),
    ("part a number", message(b"[1]"), "invalid_type", "messages[0].content[0]"),
    ("part a text", message(b'["x"]'), "invalid_type", "messages[0].content[0]"),
    (
        "part without type",
        message(b'[{"text":"x"}]'),
        "invalid_type",
        "messages[0].content[0].type",
    ),
    (
        "text of a part a number",
        message(b'[{"type":"text","text":3}]'),
        "invalid_type",
        "messages[0].content[0].text",
    ),
    (
        "tool calls a text",
        b'{"messages":[{"role":"assistant","tool_calls":"x"}]}',
        "invalid_type",
        "messages[0].tool_calls",
    ),
    ("second message", MESSAGES[:-1].join([b"{", b",{}]}"]), "invalid_type", "messages[1].role"),
]

# Members of the OpenAI request, or of `parameters`.
FIELDS: list[Row] = [
    ("limit negative", b'"max_tokens":-1', "invalid_request", "max_tokens"),
    ("limit beyond belief", b'"max_tokens":2147483648', "invalid_request", "max_tokens"),
    ("limit 2**63", b'"max_tokens":9223372036854775808', "invalid_request", "max_tokens"),
    ("limit 2**64", b'"max_tokens":18446744073709551616', "invalid_request", "max_tokens"),
    ("limit of 5000 digits", b'"max_tokens":' + b"9" * 5000, "invalid_type", "max_tokens"),
    ("limit 1e400", b'"max_tokens":1e400', "invalid_type", "max_tokens"),
    ("limit a fraction", b'"max_tokens":1.5', "invalid_type", "max_tokens"),
    ("limit a text", b'"max_tokens":"5"', "invalid_type", "max_tokens"),
    ("limit true", b'"max_tokens":true', "invalid_type", "max_tokens"),
    (
        "new limit negative",
        b'"max_completion_tokens":-1',
        "invalid_request",
        "max_completion_tokens",
    ),
    (
        "new limit too large",
        b'"max_completion_tokens":99999999999999999999999',
        "invalid_request",
        "max_completion_tokens",
    ),
    ("options a number", b'"stream_options":1', "invalid_type", "stream_options"),
    ("options an array", b'"stream_options":[]', "invalid_type", "stream_options"),
    (
        "usage a text",
        b'"stream_options":{"include_usage":"yes"}',
        "invalid_type",
        "stream_options.include_usage",
    ),
]

OPENAI_ONLY: list[Row] = [
    ("no messages", b"{}", "invalid_type", "messages"),
    ("messages empty", b'{"messages":[]}', "invalid_request", "messages"),
    ("second of two is empty", b"{" + MESSAGES + b',"messages":[]}', "invalid_request", "messages"),
    ("model a number", with_messages(b'"model":1'), "invalid_type", "model"),
    ("model an array", with_messages(b'"model":[]'), "invalid_type", "model"),
    (
        "first of two models a number",
        with_messages(b'"model":1,"model":"m"'),
        "invalid_type",
        "model",
    ),
    ("model with a NUL", with_messages(b'"model":"a\\u0000"'), "invalid_request", "model"),
    ("model with a newline", with_messages(b'"model":"a\\r\\nb"'), "invalid_request", "model"),
    ("model too long", with_messages(b'"model":"' + b"m" * 257 + b'"'), "invalid_request", "model"),
    ("stream a text", with_messages(b'"stream":"true"'), "invalid_type", "stream"),
    ("stream a number", with_messages(b'"stream":1'), "invalid_type", "stream"),
]
