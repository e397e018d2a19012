"""The routes that operators call."""
