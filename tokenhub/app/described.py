"""What of the adapters has a page of its own in docs/reference."""

from tokenhub.adapters.telemetry.access import AccessLine
from tokenhub.adapters.telemetry.families import FAMILIES, PROCESS, Family
from tokenhub.adapters.telemetry.fields import ALWAYS, FIELDS, SOMETIMES

__all__ = ["ALWAYS", "FAMILIES", "FIELDS", "PROCESS", "SOMETIMES", "AccessLine", "Family"]
