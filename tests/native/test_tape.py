"""The Tape from Python: what is written is read, and what is wrong with one is said by exception."""

import json
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from native._core import TapeError, TapeReader, TapeWriter

KINDS = ["market", "snapshot", "order", "timer", "fault", "intent", "permit", "refusal", "receipt", "trip", "lost"]
FIELDS = ["kind", "payload", "lane", "connection", "tag", "time_ns"]

u16 = st.integers(0, 2**16 - 1)
records = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(KINDS),
        "payload": st.binary(max_size=200),
        "lane": u16,
        "connection": u16,
        "tag": u16,
        "time_ns": st.integers(-(2**63), 2**63 - 1),
    }
)


@settings(max_examples=25, deadline=None)
@given(
    written=st.lists(records, max_size=12),
    segment_bytes=st.integers(0, 2000),
    compress=st.booleans(),
    stops=st.sets(st.integers(0, 11)),
)
def test_round_trip(
    tmp_path_factory: pytest.TempPathFactory,
    written: list[dict[str, Any]],
    segment_bytes: int,
    compress: bool,
    stops: set[int],
) -> None:
    path = tmp_path_factory.mktemp("tape") / "day.tape"
    meta = json.dumps({"venue": "binance"})
    writer = TapeWriter(path, meta, segment_bytes=segment_bytes, compress=compress)
    seqs = []
    for i, record in enumerate(written):
        if i in stops:
            writer.close()
            writer = TapeWriter.open_append(path, segment_bytes=segment_bytes, compress=compress)
            assert writer.torn is None
        seqs.append(writer.append(**record))
    writer.close()

    reader = TapeReader(path)
    everything = list(reader)
    assert (reader.meta, reader.torn, reader.ended) == (meta, None, True)
    assert reader.progress[0] == reader.progress[1] == sum(f.stat().st_size for f in path.iterdir())
    assert [r.seq for r in everything] == list(range(1, len(everything) + 1))
    read = [r for r in everything if r.kind not in ("meta", "end")]
    assert [{name: getattr(r, name) for name in FIELDS} for r in read] == written
    assert [r.seq for r in read] == seqs


@pytest.fixture
def segment(tmp_path: Path) -> Path:
    with TapeWriter(tmp_path / "day.tape") as writer:
        writer.append("market", b'{"e":"trade"}', time_ns=1)
        writer.append("trip", b"operator", time_ns=2)
    return tmp_path / "day.tape" / "000001.seg"


def test_a_changed_byte_is_a_tape_error(segment: Path) -> None:
    data = bytearray(segment.read_bytes())
    data[data.index(b"trade")] ^= 1
    segment.write_bytes(data)
    with pytest.raises(TapeError, match=r"000001\.seg, byte \d+: the record's checksum is wrong.*restore") as e:
        list(TapeReader(segment.parent))
    assert isinstance(e.value, ValueError)
    with pytest.raises(TapeError, match="checksum"):
        TapeWriter.open_append(segment.parent)
    assert segment.read_bytes() == data


def test_a_torn_tail_is_said_and_cut(segment: Path) -> None:
    data = segment.read_bytes()
    segment.write_bytes(data[: data.index(b"operator") + 3])
    reader = TapeReader(segment)
    assert [r.kind for r in reader] == ["meta", "market"]
    assert not reader.ended
    assert reader.torn is not None
    assert reader.torn.startswith("segment 000001: torn tail of 39 bytes at byte ")
    with TapeWriter.open_append(segment.parent) as writer:
        assert writer.torn == reader.torn
    again = TapeReader(segment.parent)
    assert ([r.kind for r in again], again.torn, again.ended) == (["meta", "market", "end"], None, True)


def test_the_bytes_are_those_of_the_format(segment: Path) -> None:
    data = segment.read_bytes()
    assert data[:8] == b"\x89TAPE\r\n\x1a"
    assert struct.unpack_from("<HHIQ", data, 8) == (1, 0, 1, 1)
    length, kind, flags, lane, seq, time_ns, connection, tag = struct.unpack_from("<IBBHQqHH", data, 28 + 36 + 2)
    assert (length, kind, flags, lane, seq, time_ns, connection, tag) == (13, 1, 0, 0, 2, 1, 0, 65535)
    assert data[28 + 36 + 2 + 36 :].startswith(b'{"e":"trade"}')


def test_io_is_an_os_error(tmp_path: Path, segment: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no\.tape"):
        TapeReader(tmp_path / "no.tape")
    with pytest.raises(FileExistsError, match=r"day\.tape"):
        TapeWriter(segment.parent)
    writer = TapeWriter.open_append(segment.parent)
    with pytest.raises(BlockingIOError, match="another writer has this Tape open"):
        TapeWriter.open_append(segment.parent)
    writer.close()


def test_wrong_arguments(tmp_path: Path) -> None:
    with pytest.raises(TapeError, match=r"ends in \.tape"):
        TapeWriter(tmp_path / "day")
    with pytest.raises(ValueError, match="meta must be JSON"):
        TapeWriter(tmp_path / "day.tape", "{")
    assert list(tmp_path.iterdir()) == []
    writer = TapeWriter(tmp_path / "day.tape")
    with pytest.raises(ValueError, match=r'"frame" is no kind.*market, snapshot'):
        writer.append("frame", b"", time_ns=0)
    with pytest.raises(ValueError, match="written by create and close"):
        writer.append("end", b"", time_ns=0)
    with pytest.raises(OverflowError):
        writer.append("market", b"", time_ns=0, lane=70_000)
    writer.close()
    writer.close()
    with pytest.raises(ValueError, match="closed"):
        writer.append("market", b"", time_ns=0)


def test_an_exception_leaves_the_tape_without_an_end(tmp_path: Path) -> None:
    def interrupted() -> None:
        with TapeWriter(tmp_path / "day.tape") as writer:
            writer.append("market", b"x", time_ns=1)
            raise KeyError

    with pytest.raises(KeyError):
        interrupted()
    reader = TapeReader(tmp_path / "day.tape")
    assert [r.kind for r in reader] == ["meta", "market"]
    assert (reader.torn, reader.ended) == (None, False)
