#!/usr/bin/env python3
"""Makes of a program for the RP2040 the file that its boot ROM takes as a USB drive.

    uf2.py ELF UF2

The format: blocks of 512 bytes with 256 bytes of the flash in each (github.com/microsoft/uf2). What is in
no segment of a page of the flash is filled with ones.
"""

import pathlib
import struct
import sys

MAGIC, MAGIC_2, MAGIC_END = 0x0A32_4655, 0x9E5D_5157, 0x0AB1_6F30
HAS_FAMILY, RP2040 = 0x2000, 0xE48B_FF56
FLASH, FLASH_END = 0x1000_0000, 0x1100_0000
PAGE, BLOCK, ROOM = 256, 512, 476
LOADED = 1
HEAD = "<8I"


def elf_parts(file):
    """(address, bytes) of what an ELF file has for the flash."""
    start, = struct.unpack_from("<I", file, 28)
    size, count = struct.unpack_from("<HH", file, 42)
    for number in range(count):
        kind, offset, _, address, length = struct.unpack_from("<5I", file, start + number * size)
        if kind == LOADED and length:
            yield address, file[offset:offset + length]


def made_of(parts):
    """The file for (address, bytes) of the flash."""
    pages = {}
    for address, part in parts:
        if not FLASH <= address <= address + len(part) <= FLASH_END:
            raise ValueError(f"{address:#x} is not in the flash")
        for place, byte in enumerate(part, address):
            pages.setdefault(place // PAGE * PAGE, bytearray(b"\xff" * PAGE))[place % PAGE] = byte
    blocks = []
    for number, (address, page) in enumerate(sorted(pages.items())):
        head = struct.pack(HEAD, MAGIC, MAGIC_2, HAS_FAMILY, address, PAGE, number, len(pages), RP2040)
        blocks.append(head + page.ljust(ROOM, b"\0") + struct.pack("<I", MAGIC_END))
    return b"".join(blocks)


def parts_of(file):
    """(address, bytes) of what such a file has for the flash; refuses what a boot ROM would."""
    count = len(file) // BLOCK
    for number in range(count):
        block = file[number * BLOCK:(number + 1) * BLOCK]
        magic, magic_2, flags, address, length, mine, all_of_them, family = struct.unpack_from(HEAD, block)
        end, = struct.unpack_from("<I", block, BLOCK - 4)
        if (magic, magic_2, end) != (MAGIC, MAGIC_2, MAGIC_END) or (flags, family) != (HAS_FAMILY, RP2040):
            raise ValueError(f"block {number} is none for the RP2040")
        if (mine, all_of_them, length) != (number, count, PAGE) or address % PAGE:
            raise ValueError(f"block {number} says {mine} of {all_of_them}, {length} bytes at {address:#x}")
        yield address, block[32:32 + length]


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    source, target = map(pathlib.Path, sys.argv[1:])
    file = made_of(elf_parts(source.read_bytes()))
    target.write_bytes(file)
    print(f"{target}: {len(file) // BLOCK} blocks, {len(file) // BLOCK * PAGE} bytes of flash")


if __name__ == "__main__":
    main()
