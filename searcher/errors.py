"""What a person is told in one line, and the exit code that goes with it."""


class SearcherError(Exception):
    """An expected failure; its message says what is wrong and what to do."""

    exit_code = 1


class ConfigError(SearcherError):
    """An argument or a configuration that is wrong, with the full path of the key."""

    exit_code = 2


class RunError(SearcherError):
    """A run that could not be finished: data that cannot be read, a strategy that does not compile."""
