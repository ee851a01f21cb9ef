"""What the scenarios of the boards write, told by the same numbers but by another program: so that what
an emulated board has left in the image of its medium can be compared with what must be there."""

import pathlib
import random
import zlib

CONFIG = ("change = {:08}\nserial = 0017-2291\ninterval = 60\nname = \"sensor\"\n"
          "gain = [ 7, 8, 9, 10 ]\nserver = \"192.0.2.17\"\nport = 1883\nok\n")
WORD = 0xFFFF_FFFF


def config(number):
    return CONFIG.format(number).encode()


def events(start, end):
    return b"".join(b"event %08d;\n" % number for number in range(start, end))


def pattern(seed, count):
    state = seed * 0x9E37_79B1 & WORD | 1
    out = bytearray()
    for _ in range(count):
        state ^= state << 13 & WORD
        state ^= state >> 17
        state ^= state << 5 & WORD
        out.append(state >> 24)
    return bytes(out)


def recording(number, size=None):
    """A recording says its number; if its size is not said, it follows from that."""
    size = 3_000 + (number * 977 & WORD) % 9_000 if size is None else size
    return number.to_bytes(4, "little") + pattern(number, size - 4)


def told(lines, word="left"):
    """The files that a board says it has left; the word says where."""
    makers = {"config": config, "events": events, "pattern": pattern, "recording": recording}
    files = {}
    for path, kind, *numbers in (line.split()[1:] for line in lines if line.startswith(f"{word} ")):
        files[path] = makers[kind](*map(int, numbers))
    return files


def tree(folder):
    """Path and content of every file below a folder."""
    folder = pathlib.Path(folder)
    found = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {f"/{path.relative_to(folder).as_posix()}": path.read_bytes() for path in found}


def differences(found, wanted):
    """What is not equal, in words."""
    said = [f"{path} is missing" for path in sorted(wanted.keys() - found.keys())]
    said += [f"{path} should not be there" for path in sorted(found.keys() - wanted.keys())]
    said += [f"{path} differs ({len(found[path])} bytes, not {len(wanted[path])})"
             for path in sorted(found.keys() & wanted.keys()) if found[path] != wanted[path]]
    return said


def make_tree(folder, seed):
    """Files of every size that matters, some directories deep, from a seed."""
    folder = pathlib.Path(folder)
    source = random.Random(seed)
    sizes = [0, 1, 100, 447, 448, 449, 511, 512, 513, 4095, 4096, 4097, 12_345, 70_000]
    for number, size in enumerate(sizes):
        depth = number % 4
        path = folder.joinpath(*(f"level {level}" for level in range(depth)), f"file-{number}.bin")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(source.randbytes(size))
    for number in range(40):
        (folder / "many").mkdir(exist_ok=True)
        (folder / "many" / f"{number:02}").write_bytes(source.randbytes(source.randrange(300)))


def surveyed(lines):
    """Path, bytes and checksum of the files that a board says it has read."""
    files = {}
    for line in lines:
        if line.startswith("file "):
            path, size, checksum = line[5:].rsplit(" ", 2)
            files[path] = int(size), int(checksum, 16)
    return files


def sums(files):
    return {path: (len(content), zlib.crc32(content)) for path, content in files.items()}
