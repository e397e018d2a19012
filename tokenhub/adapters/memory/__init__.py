"""Everything kept in this process alone."""
