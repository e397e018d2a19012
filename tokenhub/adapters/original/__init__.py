"""What the original left behind: its database, its vault, its hashes."""
