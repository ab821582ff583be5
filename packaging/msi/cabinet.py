"""A cabinet, the format in which an MSI has its files: [MS-CAB], with the compression MSZIP.

gcab makes larger ones, since it compresses each block without the one before, and puts local times into them.
"""

import functools
import struct
import time
import zlib

BLOCK = 32768
MSZIP, ARCHIVE = 1, 0x20


def checksum(data, seed=0):
    """[MS-CAB] 3.1: words are combined; the bytes of an incomplete one in reverse order."""
    whole = len(data) & ~3
    words = (word for (word,) in struct.iter_unpack("<I", data[:whole]))
    return functools.reduce(int.__xor__, words, seed) ^ int.from_bytes(data[whole:], "big")


def block(data, before):
    """A compressed block, which can repeat parts of the one before."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15, 9, zlib.Z_DEFAULT_STRATEGY, *([before] if before else []))
    packed = b"CK" + deflate.compress(data) + deflate.flush()
    assert len(packed) <= BLOCK + 12, "a block that cannot be compressed"
    sizes = struct.pack("<HH", len(packed), len(data))
    return struct.pack("<I", checksum(sizes, checksum(packed))) + sizes + packed


def dos_time(seconds):
    """The date and the time of UTC, as FAT has them."""
    moment = time.gmtime(seconds)
    date = (moment.tm_year - 1980) << 9 | moment.tm_mon << 5 | moment.tm_mday
    return date, moment.tm_hour << 11 | moment.tm_min << 5 | moment.tm_sec // 2


def cabinet(files, seconds):
    """The bytes of a cabinet with these files, name -> content, all of the same time."""
    content = b"".join(files.values())
    starts = range(0, len(content), BLOCK)
    blocks = [block(content[start : start + BLOCK], content[max(start - BLOCK, 0) : start]) for start in starts]
    entries, offset = b"", 0
    for name, data in files.items():
        entries += struct.pack("<IIHHHH", len(data), offset, 0, *dos_time(seconds), ARCHIVE) + name.encode("ascii") + b"\0"
        offset += len(data)
    # After the header and the only folder.
    first_entry, first_block = 36 + 8, 36 + 8 + len(entries)
    header = struct.pack("<4sIIIIIBBHHHHH", b"MSCF", 0, first_block + sum(map(len, blocks)), 0, first_entry, 0, 3, 1, 1, len(files), 0, 0, 0)
    return header + struct.pack("<IHH", first_block, len(blocks), MSZIP) + entries + b"".join(blocks)
