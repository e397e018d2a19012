"""A provider to play against: OpenAI, Anthropic and vLLM on loopback. Always a simulation."""
