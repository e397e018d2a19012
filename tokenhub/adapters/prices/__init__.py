"""The price list that comes with us."""
