"""Orchestration as values: what to ask next, and what came of it."""
