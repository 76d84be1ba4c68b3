"""Watches and runs: the command line, configuration, replay, and the reports people read."""
