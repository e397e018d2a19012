"""The OpenAI format of chat completions."""
