"""How many tokens a request is, before a provider counts them."""

# Four bytes of UTF-8 to a token: the original's rule (original-behaviour 2.2), close to what the
# vendors state for English, and for CJK too (three bytes a character, about 0.7 tokens).
BYTES_PER_TOKEN = 4
# The vendors' chat formats wrap each message in about this many tokens.
PER_MESSAGE = 4
# OpenAI's price of a 1024 x 1024 picture in full detail: 85 + 4 tiles of 170.
PER_IMAGE = 765


def of_text(text: str) -> int:
    """Tokens of a text, at least 1 where there is any."""
    size = len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
    return -(-size // BYTES_PER_TOKEN)


def of_bytes(size: int) -> int:
    """Tokens of so many bytes of JSON, such as tool definitions."""
    return -(-size // BYTES_PER_TOKEN)
