"""`tokenhub-tui`: the console of a TokenHub server, for terminals.

    server ──events, answers──> Link ──> state (pure) ──> screens ──> widgets
       └──────────<── calls ── actions <── keys, mouse ──────┘

Workers post messages and touch no widget, widgets know no server, and what is hidden asks nothing.
"""
