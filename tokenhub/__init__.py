"""TokenHub: one endpoint in front of all model providers."""

__version__ = "0.1.0"
