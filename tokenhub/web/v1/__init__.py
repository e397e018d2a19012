"""The routes that applications call."""
