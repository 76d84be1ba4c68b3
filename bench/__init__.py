"""Our speed beside that of our peers, measured in one run."""
