"""The control plane: one module per noun; each write is row, audit entry and version."""
