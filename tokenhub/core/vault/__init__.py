"""The vault as values: its rows, its keys, and what each change makes of them.

    password -- Argon2id --> its key -- wraps --> root -- wraps --> data keys -- seal --> secrets
    recovery key ------ the same, in a slot of its own --^

Nothing here reads a clock, draws a number or touches a disk: salts, nonces and times are given.
docs/developer/vault.md has the format byte by byte.
"""
