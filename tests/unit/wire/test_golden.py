"""Bytes of every wire version ever shipped, and what they say: kept for ever, for a box in a plant may lag for years."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hazmon_edge import wire

GOLDEN = Path(__file__).resolve().parents[2] / "wire"
CASES = sorted(GOLDEN.glob("v1/*.batch.hex"))


def told(batch: wire.Batch) -> dict[str, Any]:
    """A batch as JSON; numbers in hexadecimal, so that not a bit is lost."""
    blocks = [wire.unpack_block(block) for block in batch.blocks]
    return {
        "edge": batch.edge,
        "boot": str(batch.boot),
        "seq": str(batch.seq),
        "previous": batch.previous.hex(),
        "made_us": batch.made_us,
        "groups": [{"name": g.name, "period_us": g.period_us, "points": list(g.points)} for g in batch.groups],
        "blocks": [
            {
                "group": block.group.hex(),
                "times_us": list(block.times_us),
                "values": [value.hex() for value in block.values],
                "quality": None if block.quality is None else list(block.quality),
                "offsets_ms": None if block.offsets_ms is None else list(block.offsets_ms),
            }
            for block in blocks
        ],
        "misses": [
            {"group": m.group.hex(), "column": m.column, "at_us": m.at_us, "count": m.count, "cause": m.cause}
            for m in batch.misses
        ],
    }


@pytest.mark.parametrize("file", CASES, ids=lambda file: file.stem)
def test_kept_bytes_say_what_they_said(file: Path) -> None:
    canonical = bytes.fromhex(file.read_text())
    expected = json.loads(file.with_name(file.name.replace(".batch.hex", ".json")).read_text("utf-8"))
    batch = wire.decode(canonical)
    assert told(batch) == expected["batch"]
    assert wire.digest(canonical).hex() == expected["digest"]
    assert [group.digest.hex() for group in batch.groups] == expected["group_digests"]
    assert wire.encode(batch) == canonical


@pytest.mark.parametrize("file", CASES, ids=lambda file: file.stem)
def test_a_box_of_today_still_makes_these_bytes(file: Path) -> None:
    batch = wire.decode(bytes.fromhex(file.read_text()))
    again = tuple(wire.pack_block(wire.unpack_block(block)) for block in batch.blocks)
    assert again == batch.blocks


def test_a_kept_body_still_opens() -> None:
    body = bytes.fromhex((GOLDEN / "v1/body.zst.hex").read_text())
    assert wire.unpack(body) == [bytes.fromhex(file.read_text()) for file in CASES]


@pytest.mark.parametrize("version", [0, 2, 255])
def test_another_version_is_refused_by_its_number(version: int) -> None:
    other = bytearray.fromhex(CASES[0].read_text())
    other[2] = version
    with pytest.raises(wire.WireError, match=rf"^wire version {version}; this side speaks 1$"):
        wire.decode(bytes(other))


def test_other_bytes_are_no_batch() -> None:
    for wrong in (b"", b"HZ", b"PK\3\4", b"{}"):
        with pytest.raises(wire.WireError):
            wire.decode(wrong)
    with pytest.raises(wire.WireError, match="the fourth byte is 7, not 0"):
        wire.decode(b"HZ\1\7" + bytes(60))
