"""What crosses the network; msgspec and the standard library only."""
