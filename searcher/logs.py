"""The daemon's log: one JSON object a line, or words for a person on a terminal. Lanes count; they do not log."""

import logging
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

LOG = logging.getLogger("searcher")

#: What a lane says (`native/src/live/`), by how much it matters; the rest is information.
LEVELS = {
    "panic": logging.CRITICAL,
    "fill not kept": logging.ERROR,
    "tape lost": logging.ERROR,
} | dict.fromkeys(
    (
        "halted", "reducing", "disconnected", "throttled", "gap in the book", "request not sent", "notices dropped",
        "a fill was missing", "the position differs", "orders of an earlier run cancelled", "fills cut",
        "question refused", "logon refused", "user data refused", "listen key refused", "snapshot failed",
        "venue's time unknown",
    ),
    logging.WARNING,
)  # fmt: skip


def say(level: int, event: str, /, **fields: Any) -> None:
    """Logs an event with its fields; a field's name carries its unit."""
    LOG.log(level, event, extra={"fields": fields})


class JsonFormatter(logging.Formatter):
    """`{"time", "level", "event", ...fields}` in UTC; a field named as one of the three gets an underscore."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        head = {"time": _time(record), "level": record.levelname.lower(), "event": record.getMessage()}
        fields = {(f"{k}_" if k in head else k): v for k, v in getattr(record, "fields", {}).items()}
        if record.exc_info:
            fields["traceback"] = self.formatException(record.exc_info)
        return orjson.dumps(head | fields, default=str).decode()


class WordsFormatter(logging.Formatter):
    """`12:00:01.250 info   lane started  lane=maker mode=live`."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, and a traceback where there is one."""
        fields = "  ".join(f"{k}={v}" for k, v in getattr(record, "fields", {}).items())
        line = f"{_time(record)[11:23]} {record.levelname.lower():7} {record.getMessage()}  {fields}".rstrip()
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def set_up(path: Path | None, level: int = logging.INFO) -> None:
    """Logs to `path` (appended, JSON) or to stderr: words on a terminal, else JSON. Raises OSError."""
    handler: logging.Handler
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = logging.FileHandler(path, encoding="utf-8")
        handler.setFormatter(JsonFormatter())
    else:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(WordsFormatter() if sys.stderr.isatty() else JsonFormatter())
    LOG.handlers[:] = [handler]
    LOG.setLevel(level)
    LOG.propagate = False


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
