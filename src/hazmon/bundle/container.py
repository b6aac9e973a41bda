"""The bundle as a file: a ZIP whose bytes depend on nothing but its contents, and numbered leaves one after the other in zstd.

Members are stored in the order of their names, all of one date; what is worth packing is packed before, by zstd of one level.
"""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256

import zstandard

from hazmon.errors import LedgerError

DATE = (1980, 1, 1, 0, 0, 0)
LEVEL = 9
LARGEST_BUNDLE = 4 << 30
LARGEST_FILE = 8 << 30  # unpacked
_FRAME = struct.Struct("<QI")


def write_zip(files: Mapping[str, bytes]) -> bytes:
    """The ZIP of these files."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, DATE)
            entry.create_system, entry.external_attr = 3, 0o644 << 16
            archive.writestr(entry, files[name])
    return stream.getvalue()


def read_zip(data: bytes) -> dict[str, bytes]:
    """The files of a ZIP. Raises LedgerError when it is none, or names a file twice."""
    if len(data) > LARGEST_BUNDLE:
        raise LedgerError(f"the bundle has {len(data)} bytes, more than {LARGEST_BUNDLE}")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            for entry in entries:
                if entry.compress_type != zipfile.ZIP_STORED:
                    raise LedgerError(f"{entry.filename} is packed within the ZIP; a bundle's files are stored as they are")
            names = [entry.filename for entry in entries]
            if len(set(names)) != len(names):
                raise LedgerError("the ZIP names a file twice")
            return {entry.filename: archive.read(entry) for entry in entries}
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, ValueError, struct.error) as error:
        raise LedgerError(f"not a whole ZIP file: {error}") from None


def digest(data: bytes) -> str:
    """SHA-256 as hex."""
    return sha256(data).hexdigest()


def pack_leaves(leaves: Iterable[tuple[int, bytes]]) -> bytes:
    """Numbered contents, in ascending order, as one zstd frame."""
    body = b"".join(_FRAME.pack(n, len(content)) + content for n, content in leaves)
    return zstandard.ZstdCompressor(level=LEVEL).compress(body)


def unpack_leaves(packed: bytes, name: str) -> Iterator[tuple[int, bytes]]:
    """What `pack_leaves` packed. Raises LedgerError, naming the file, on anything else."""
    try:
        size = zstandard.frame_content_size(packed)
        if not 0 <= size <= LARGEST_FILE:
            raise LedgerError(f"{name} does not say how long it is")
        body = zstandard.ZstdDecompressor().decompress(packed, allow_extra_data=False) if size else b""
    except zstandard.ZstdError as error:
        raise LedgerError(f"{name} does not unpack: {error}") from None
    at, before = 0, -1
    while at < len(body):
        if at + _FRAME.size > len(body):
            raise LedgerError(f"{name} is cut off behind leaf {before}")
        n, length = _FRAME.unpack_from(body, at)
        at += _FRAME.size
        if at + length > len(body):
            raise LedgerError(f"{name} is cut off within leaf {n}")
        if n <= before:
            raise LedgerError(f"{name} has leaf {n} behind leaf {before}: leaves stand in the order of their numbers, each once")
        yield n, body[at : at + length]
        before, at = n, at + length
