"""A lane's state folder: made for its owner alone, and held by one daemon at a time."""

import fcntl
import os
from pathlib import Path

from searcher.errors import RunError

LOCK = "lock"
#: The lane's page; see `native/src/live/page.rs`.
PAGE = "status"


class StateLock:
    """Holds a state folder until `release` or the process ends, however it ends. Raises RunError where another
    process holds it, OSError where the folder cannot be made."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._file = (folder / LOCK).open("a+")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.seek(0)
            holder = self._file.read().strip() or "another process"
            self._file.close()
            raise RunError(
                f"{folder} is in use by {holder}: one daemon a lane; stop it, or give lane.state another"
            ) from None
        self._file.truncate(0)
        self._file.write(f"pid {os.getpid()}")
        self._file.flush()

    def release(self) -> None:
        """Lets another daemon have the folder."""
        self._file.close()


def lanes(root: Path) -> list[Path]:
    """Folders below `root` that a lane has written its page in, by name."""
    if not root.is_dir():
        return []
    return sorted(p.parent for p in root.glob(f"*/{PAGE}") if p.is_file())
