"""What the use cases need of the world: protocols, and nothing that runs."""
