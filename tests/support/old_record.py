"""A decision record of mode `thompson` as it was written before the router learned by feedback.

What was drawn of each route were three fields: the two parameters of a Beta, and the draw.
"""

import json
from typing import Any

_WRITTEN = """
{
  "catalog_version": 7,
  "seed": 7,
  "hint": "",
  "substitute": "any",
  "policy": {
    "mode": "thompson", "max_budget_nusd": null, "max_latency_s": 120.0, "min_weight": 0,
    "origin": {}
  },
  "weights": [0.25, 0.25, 0.25, 0.25],
  "input_tokens": 1000,
  "output_tokens": 512,
  "reason": "routed-weight-9",
  "propensity": 0.6173541556932917,
  "candidates": [
    ["a/big", 0.0, [1.0, 0.0, 0.0, 1.0], 2024000, null, 0.0, 9, false, 0, 512, false,
      [12.5, 3.25, 0.8518080731246288]],
    ["b/big", 0.0, [1.0, 0.0, 0.0, 1.0], null, null, 0.0, 9, false, 0, 512, false,
      [1.0, 1.0, 0.7912470577554641]],
    ["a/small", 0.19444444444444445, [1.0, 0.0, 0.0, 0.2222222222222222], 2024000, null, 0.0,
      2, false, 0, 512, false,
      [4.75, 2.5, 0.7841391068133085]]
  ],
  "skipped": [],
  "reserved_tokens": 0,
  "temperature": 0.0
}
"""


def an_old_record(catalog_version: int) -> dict[str, Any]:
    """The record, of a decision over the catalog of this version, as JSON has it."""
    record: dict[str, Any] = json.loads(_WRITTEN)
    return record | {"catalog_version": catalog_version}
