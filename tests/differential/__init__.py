"""Our fills beside another engine's."""
