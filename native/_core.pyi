"""The native core's face, checked against the built module by stubtest."""

from os import PathLike
from types import TracebackType
from typing import Literal, Self, final

__version__: str

# --- tape ---

class TapeError(ValueError):
    """A Tape's bytes are not what was written; the message names the file, the byte and what to do."""

@final
class TapeRecord:
    """One record of a Tape."""

    @property
    def kind(
        self,
    ) -> Literal[
        "market",
        "snapshot",
        "order",
        "timer",
        "fault",
        "intent",
        "permit",
        "refusal",
        "receipt",
        "trip",
        "meta",
        "lost",
        "end",
    ]:
        """The first five are Frames, by their source; "lost" stands for records that could not be written."""
    @property
    def lane(self) -> int: ...
    @property
    def connection(self) -> int: ...
    @property
    def tag(self) -> int:
        """65535: none."""
    @property
    def seq(self) -> int:
        """From 1, without gaps."""
    @property
    def time_ns(self) -> int:
        """Nanoseconds since 1970; of a Frame, when its last byte was read."""
    @property
    def payload(self) -> bytes: ...

@final
class TapeReader:
    """Iterates over the records of a `NAME.tape` directory, or of one `.seg` or `.seg.zst` file.

    Raises `TapeError` at the first byte that is not what was written, also while iterating; `OSError` if the file
    system says no. Memory stays at a fixed window, however long the Tape is.
    """

    def __new__(cls, path: str | PathLike[str], /) -> Self: ...
    def __iter__(self) -> Self: ...
    def __next__(self) -> TapeRecord: ...
    @property
    def meta(self) -> str:
        """The session's header, JSON."""
    @property
    def torn(self) -> str | None:
        """After the end: what is torn off the Tape's tail, if the writer stopped in the middle of a record."""
    @property
    def ended(self) -> bool:
        """After the end: whether the writer closed the Tape. If not, it was cut, or it is still being written."""
    @property
    def progress(self) -> tuple[int, int]:
        """Bytes read off the disk, and bytes there are."""

@final
class TapeWriter:
    """Writes the new Tape `path`, a directory whose name ends in `.tape`; as a context manager it closes the Tape.

    `meta` is JSON. A segment is finished before it would grow beyond `segment_bytes` (256 MiB if None), and then
    compressed. Raises `TapeError` for another name, `ValueError` if `meta` is not JSON, `OSError` if the file system
    says no (`FileExistsError` if there is something, `BlockingIOError` if another writer has the Tape).
    """

    def __new__(
        cls,
        path: str | PathLike[str],
        meta: str = "{}",
        *,
        segment_bytes: int | None = None,
        compress: bool = True,
    ) -> Self: ...
    @staticmethod
    def open_append(
        path: str | PathLike[str], *, segment_bytes: int | None = None, compress: bool = True
    ) -> TapeWriter:
        """Continues a Tape; a torn tail is cut off and said in `torn`. Raises as the reader does."""
    def append(
        self,
        kind: str,
        payload: bytes,
        *,
        time_ns: int,
        lane: int = 0,
        connection: int = 0,
        tag: int = 65535,
    ) -> int:
        """Appends a record (`TapeRecord.kind` names the kinds) and returns its sequence number.

        Raises `ValueError` for an unknown kind, for "meta" and "end", which the writer makes itself, for a payload
        above 64 MiB and after `close`; `OverflowError` for numbers that do not fit; `OSError` if the disk says no.
        """
    def flush(self) -> None:
        """Hands everything to the operating system."""
    def sync(self) -> None:
        """Returns when the disk has everything."""
    def close(self) -> None:
        """Writes the "end" record, syncs, and waits for segments that are being compressed. Twice does nothing."""
    @property
    def torn(self) -> str | None:
        """What `open_append` cut off."""
    def __enter__(self) -> Self: ...
    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None, /
    ) -> None:
        """Closes the Tape; after an exception it writes what there is and no "end" record."""
