"""HTTP: converts, calls one use case, converts back."""
