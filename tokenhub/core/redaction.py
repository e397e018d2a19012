"""What has the form of a secret, whoever wrote it into a text."""

import re

HIDDEN = "[hidden]"
# Ours (keys.py, admin_token.py, and the original's 64 hexadecimal digits).
_OURS = r"tokenhub_[0-9A-Za-z]{39,64}|th[as]_[0-9A-Za-z_-]{16,}"
# Those of vendors whose keys begin with a word of their own.
_THEIRS = (
    r"sk-[0-9A-Za-z_-]{12,}|AIza[0-9A-Za-z_-]{30,}|gsk_[0-9A-Za-z]{16,}|xai-[0-9A-Za-z]{16,}"
    r"|hf_[0-9A-Za-z]{16,}|r8_[0-9A-Za-z]{16,}|nvapi-[0-9A-Za-z_-]{16,}|AKIA[0-9A-Z]{16}"
)
_WHOLE = re.compile(rf"(?<![0-9A-Za-z])(?:{_OURS}|{_THEIRS})")
# What stands behind the words for a secret: in headers, in queries, in the address of a host.
_BEHIND = re.compile(
    r"(\b(?:bearer|basic)\s+|\bx-api-key\W{1,4}"
    r"|[?&](?:api[_-]?key|key|token|access_token|password|secret)=)[^\s&\"',;\\]+",
    re.IGNORECASE,
)
_IN_ADDRESS = re.compile(r"(://[^/\s:@\"']{0,256}:)[^/\s@\"']+(?=@)")


def without_secrets(text: str) -> str:
    """The text, `[hidden]` where it shows something in the form of a key, token or password.

    Keys that have no form of their own are found only where words say what they are.
    """
    text = _WHOLE.sub(HIDDEN, text)
    for pattern in (_BEHIND, _IN_ADDRESS):
        text = pattern.sub(lambda found: found[1] + HIDDEN, text)
    return text
