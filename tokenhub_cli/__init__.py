"""tokenhubctl: every admin operation from a shell."""
