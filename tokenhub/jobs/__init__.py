"""What time drives: each job is one task, kept alive by the supervisor."""
