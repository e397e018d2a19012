"""Pure translation between the wire and the core."""
