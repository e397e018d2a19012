"""What is kept under the vault's keys."""
