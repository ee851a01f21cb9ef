#!/usr/bin/env python3
"""Reads a little-endian ELF file of 32 or 64 bits, so that no binutils are needed.

    elf.py sizes FILE            code, constants, initialised and zeroed RAM, in bytes
    elf.py symbol FILE NAME...   the address of each name
    elf.py largest FILE COUNT    the largest functions and constants
"""

import struct
import sys

ALLOCATED, EXECUTABLE, WRITABLE = 2, 4, 1
SYMBOLS, NO_BITS = 2, 8


def is_wide(image):
    return image[4] == 2


def sections(image):
    wide = is_wide(image)
    start, = struct.unpack_from("<Q", image, 40) if wide else struct.unpack_from("<I", image, 32)
    size, count, _ = struct.unpack_from("<HHH", image, 58 if wide else 46)
    shape = "<IIQQQQIIQQ" if wide else "<10I"
    names = ("name", "type", "flags", "address", "offset", "size", "link", "info", "align", "entry")
    return [dict(zip(names, struct.unpack_from(shape, image, start + size * i))) for i in range(count)]


def symbols(image):
    """(name, address, bytes, kind) of every symbol."""
    table = sections(image)
    for section in table:
        if section["type"] != SYMBOLS:
            continue
        names = table[section["link"]]["offset"]
        for at in range(section["offset"], section["offset"] + section["size"], section["entry"]):
            if is_wide(image):
                name, kind, _, _, value, size = struct.unpack_from("<IBBHQQ", image, at)
            else:
                name, value, size, kind = struct.unpack_from("<IIIB", image, at)
            end = image.index(b"\0", names + name)
            yield image[names + name:end].decode(), value, size, kind & 15


def sizes(image):
    """Bytes by use. Code includes what lies in executable sections, tables of jumps too."""
    total = {"text": 0, "rodata": 0, "data": 0, "bss": 0}
    for section in sections(image):
        flags = section["flags"]
        if not flags & ALLOCATED:
            continue
        if section["type"] == NO_BITS:
            total["bss"] += section["size"]
        elif flags & EXECUTABLE:
            total["text"] += section["size"]
        elif flags & WRITABLE:
            total["data"] += section["size"]
        else:
            total["rodata"] += section["size"]
    return total


def main(verb, path, *rest):
    with open(path, "rb") as file:
        image = file.read()
    if image[:4] != b"\x7fELF" or image[4] not in (1, 2) or image[5] != 1:
        sys.exit(f"{path}: not a little-endian ELF file")
    if verb == "sizes":
        print(" ".join(f"{use}={size}" for use, size in sizes(image).items()))
    elif verb == "symbol":
        known = {name: address for name, address, _, _ in symbols(image)}
        for name in rest:
            if name not in known:
                sys.exit(f"{path}: no symbol {name}")
            print(f"{known[name]:#x}")
    elif verb == "largest":
        found = [(size, name) for name, _, size, kind in symbols(image) if kind in (1, 2)]
        for size, name in sorted(found, reverse=True)[:int(rest[0])]:
            print(f"{size:7} {name}")
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
