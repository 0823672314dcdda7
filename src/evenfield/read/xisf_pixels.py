"""The pixels of XISF files: plain blocks are read in bands, packed ones are unpacked once into a scratch file."""

from __future__ import annotations

import hashlib
import importlib
import io
import zlib
from typing import Any, Final

import numpy as np

from evenfield.errors import DamagedFileError, ReadError
from evenfield.read.access import FileBytes
from evenfield.read.decode import SampleFormat, in_adu
from evenfield.read.hashing import ContentHash
from evenfield.read.refusals import COPY_AGAIN, refusal
from evenfield.read.stored import FileSource
from evenfield.read.unpacked import finished_scratch, scratch_file
from evenfield.read.xisf import Block, XisfImage, parse_xisf

_HASHES: Final = {
    "sha-1": "sha1",
    "sha1": "sha1",
    "sha-256": "sha256",
    "sha256": "sha256",
    "sha-512": "sha512",
    "sha512": "sha512",
    "sha3-256": "sha3_256",
    "sha3-512": "sha3_512",
}
_CHUNK: Final = 1 << 20


def open_xisf(
    file: FileBytes, *, path: str, start: bytes, content_hash: ContentHash, scratch: str | None
) -> FileSource:
    """Open the pixels of the first image of an XISF file; ``file`` belongs to the source then.

    Raises
    ------
    ReadError
        As `evenfield.read.xisf.parse_xisf`; also where a checksum does not fit, and if the scratch folder is full.
    """
    image = parse_xisf(file, path=path, start=start)
    block = image.block
    _check_sum(file, block, path)
    how = in_adu(SampleFormat(dtype=np.dtype(image.dtype), bscale=image.bscale, bzero=image.bzero), image.header)
    if not block.codec and block.inline is None:
        return FileSource(image.header, samples=file, how=how, start=block.start, content_hash=content_hash)
    with scratch_file(path, scratch=scratch) as out:
        out.write(_unpacked(file, image, path))
        samples = finished_scratch(out, path=path)
    content_hash.finish(file)
    file.close()
    return FileSource(image.header, samples=samples, how=how, start=0, content_hash=content_hash)


def _check_sum(file: FileBytes, block: Block, path: str) -> None:
    """Compare the stored bytes with their checksum, where there is one of a known sort."""
    name = _HASHES.get(block.checksum[0])
    if name is None:
        return
    digest = hashlib.new(name, usedforsecurity=False)
    if block.inline is not None:
        digest.update(block.inline)
    else:
        for at in range(block.start, block.start + block.size, _CHUNK):
            digest.update(file.read(at, min(_CHUNK, block.start + block.size - at)))
    if digest.hexdigest() != block.checksum[1]:
        raise refusal(
            DamagedFileError, path, f"its {block.checksum[0]} checksum does not fit its pixels", mend=COPY_AGAIN
        )


def _unpacked(file: FileBytes, image: XisfImage, path: str) -> bytes:
    """The bytes of the image as they would stand in a file that is not packed."""
    block = image.block
    stored = io.BytesIO(block.inline) if block.inline is not None else None
    parts, at = [], block.start
    for packed, whole in block.pieces:
        data = stored.read(packed) if stored is not None else file.read(at, packed)
        at += packed
        parts.append(_unpack(data, whole, block.codec, path))
    content = b"".join(parts)
    if len(content) != block.unpacked:
        raise _damage(path, f"{len(content)} bytes came out, {block.unpacked} should")
    if block.item > 1:
        content = _unshuffled(content, block.item)
    return content


def _unpack(data: bytes, whole: int, codec: str, path: str) -> bytes:
    if not codec:
        return data
    try:
        if codec == "zlib":
            # Not one byte more is unpacked, whatever the data claim.
            return zlib.decompressobj().decompress(data, whole + 1)
        if codec == "lz4":
            return bytes(_library("lz4.block", "lz4", path).decompress(data, uncompressed_size=whole))
        return bytes(
            _library("zstandard", "zstandard", path).ZstdDecompressor().decompress(data, max_output_size=whole)
        )
    except ReadError:
        raise
    except Exception as error:
        # Each library has an exception class of its own.
        raise _damage(path, str(error)) from error


def _library(module: str, package: str, path: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError:
        reason = f"its pixels are packed by {package}, which is not installed"
        raise refusal(ReadError, path, reason, mend=f"python3 -m pip install {package}") from None


def _unshuffled(content: bytes, item: int) -> bytes:
    """Bytes in order, of which all first ones of items of ``item`` bytes stood first, then all second ones."""
    count = len(content) // item
    whole = np.frombuffer(content, np.uint8, count * item).reshape(item, count).T
    # What is left over behind the last whole item was not shuffled.
    return whole.tobytes() + content[count * item :]


def _damage(path: str, why: str) -> DamagedFileError:
    return refusal(DamagedFileError, path, f"its packed pixels cannot be unpacked ({why})", mend=COPY_AGAIN)
