"""Headers that protect whoever reads an answer in a browser (reliability.md 4.5).

Those of `EVERYWHERE` are put on each answer by the protocol, errors of the parser included, so
that no route can forget them. The policy stands on what a browser shows as a page: it lets in
nothing but our own files, no script within a page, and no frame around it.
"""

UI_POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    b"connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; "
    b"frame-ancestors 'none'; require-trusted-types-for 'script'"
)
EVERYWHERE = (
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
)
