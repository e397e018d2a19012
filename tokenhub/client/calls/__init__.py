"""One function per endpoint; each returns a value that a client can send."""
