"""The command line, its configuration, the generator and the report."""
