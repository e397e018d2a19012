"""What the verbs of the tokenhub program do."""
