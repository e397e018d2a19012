"""The typed client of the front ends."""
