"""The Anthropic format of messages."""
