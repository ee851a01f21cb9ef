"""Every state that a medium went through in one life of a board: QEMU's log of the writes is played back
write by write, and after each of them the host tool must find a sound volume that is never older than
the one before.

Where the medium has a cache, what was written after the last flush may be lost in any order: then each
state is also looked at without each of the writes that were not yet flushed."""

import dataclasses
import shutil
import struct

import content
import cuts
import emulator

SECTOR = 512
HEAD = struct.Struct("<4Q")
FLUSH, DISCARD = 1, 4


def entries(path):
    """(flags, sector, bytes) of everything that the log holds."""
    log = path.read_bytes()
    at, found = SECTOR, []
    while at + HEAD.size <= len(log):
        sector, count, flags, _ = HEAD.unpack_from(log, at)
        at += SECTOR
        length = 0 if flags & DISCARD else count * SECTOR
        if at + length > len(log):
            break
        found.append((flags, sector, log[at:at + length]))
        at += length
    return found


def logged(machine, log):
    """The same machine, which writes down what is written to its medium."""
    plain = "format=raw,file={image}"
    words = ("driver=blklogwrites,file.driver=raw,file.file.driver=file,file.file.filename={image},"
             f"log.driver=file,log.filename={log}")
    if plain not in machine.medium:
        raise ValueError(machine.medium)
    return dataclasses.replace(machine, medium=machine.medium.replace(plain, words))


class Reader:
    """What the host tool finds on an image, as far as the life goes: three numbers."""

    def __init__(self, host, place, folder):
        self.host, self.place, self.folder = host, place, folder
        self.recordings = {}

    def numbers(self, image):
        for words in (["check", image], ["get", image, "/", self.folder]):
            shutil.rmtree(self.folder, ignore_errors=True)
            said, done = self.host(*words, *self.place)
            if not done:
                raise cuts.Broken(f"{words[0]}: {said}")
        files = content.tree(self.folder)
        return self.config(files), self.events(files), self.recording(files)

    @staticmethod
    def config(files):
        text = files["/config"]
        number = int(text[9:17])
        if text != content.config(number):
            raise cuts.Broken("a configuration that is not whole")
        return number

    @staticmethod
    def events(files):
        text = files.get("/events.old", b"") + files.get("/events", b"")
        first, count = int(text[6:14]), len(text) // 16
        if text != content.events(first, first + count):
            raise cuts.Broken("events that are not whole, or not in order")
        return first + count - 1

    def recording(self, files):
        text = files["/recording"]
        number, = struct.unpack_from("<I", text)
        if number not in self.recordings:
            self.recordings[number] = content.recording(number)
        if text != self.recordings[number]:
            raise cuts.Broken("a recording that is not whole")
        return number


def apply(image, writes):
    with open(image, "r+b") as file:
        for sector, data in writes:
            file.seek(sector * SECTOR)
            file.write(data)


def play(before, log, reader, has_cache):
    """Plays the log back on a copy of `before`; gives how many writes there were, and states."""
    scratch = before.with_suffix(".state")
    base = before.with_suffix(".base")
    shutil.copyfile(before, base)
    last = floor = reader.numbers(base)
    window, writes, states = [], 0, 0

    def look(kept, words):
        shutil.copyfile(base, scratch)
        apply(scratch, kept)
        try:
            return reader.numbers(scratch)
        except cuts.Broken as broken:
            raise SystemExit(f"write {writes} of {log.name}, {words}: {broken}\nthe image is {scratch}") from broken

    for flags, sector, data in entries(log):
        if data:
            window.append((sector, data))
            writes += 1
            states += 1
            found = look(window, "all of it")
            if any(now < then for now, then in zip(found, last)):
                raise SystemExit(f"write {writes} of {log.name}: {found} after {last}")
            last = found
            for lost in range(len(window) - 1) if has_cache else ():
                states += 1
                found = look(window[:lost] + window[lost + 1:], f"without {lost + 1} of {len(window)}")
                if any(now < then for now, then in zip(found, floor)):
                    raise SystemExit(f"write {writes} of {log.name}: {found}, but {floor} was flushed")
        if flags & FLUSH or not has_cache:
            apply(base, window)
            window, floor = [], last
    for path in (scratch, base):
        path.unlink(missing_ok=True)
    shutil.rmtree(reader.folder, ignore_errors=True)
    return writes, states, last
