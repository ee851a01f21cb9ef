"""The processor of a model of a board, by `unicorn`, and what comes out of it over RTT. What is around it,
the peripherals and the medium, is up to the model: `nrf52840.py`, `stm32f446.py`.

There are no interrupts (the programs poll) and there is no voltage. The models are written by those who wrote
the programs: what they show is that these run, and what they do to such media; not that the media are such.
"""

import pathlib
import struct
import sys

import unicorn
from unicorn import arm_const

import elf

SYSTEM = 0xE000_0000
SECONDS = 150
BROKEN = 3
# The last words of each scenario.
LAST = {"tour": "tour passed", "live": "passed"}


class Cut(Exception):
    """The power is gone."""


class Processor:
    """A Cortex-M4 with a program in it. A model says what its peripherals are: `get` and `put`."""

    def __init__(self, program, scenario, flash, memories, peripherals):
        self.is_held, self.last = scenario == "tour", LAST[scenario]
        self.broken, self.lines, self.heard, self.is_cut = [], [], b"", False
        image = pathlib.Path(program).read_bytes()
        self.log = next(at for name, at, _, _ in elf.symbols(image) if name == "_SEGGER_RTT") + 24
        self.core = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS)
        self.core.ctl_set_cpu_model(arm_const.UC_CPU_ARM_CORTEX_M4)
        for start, count in (flash, *memories, (SYSTEM, 1 << 20)):
            self.core.mem_map(start, count)
        for start, count in peripherals:
            self.core.mmio_map(start, count, self.read, start, self.write, start)
        # Each word is taken as soon as it is written: nothing waits, and nothing is lost.
        self.core.hook_add(unicorn.UC_HOOK_MEM_WRITE, self.listen, begin=self.log + 12, end=self.log + 15)
        self.start = flash[0]
        for address, content in loaded(image):
            if flash[0] <= address < sum(flash):
                self.core.mem_write(address, content)

    def run(self):
        stack, start = struct.unpack("<2I", self.core.mem_read(self.start, 8))
        self.core.reg_write(arm_const.UC_ARM_REG_SP, stack)
        try:
            self.core.emu_start(start | 1, 0xFFFF_FFFE, timeout=SECONDS * 1_000_000)
        except unicorn.UcError as error:
            at = self.core.reg_read(arm_const.UC_ARM_REG_PC)
            self.broken.append(f"{error}, at {at:#x}: a panic or a fault")

    def read(self, _, offset, bytes_, base):
        return self.get(base + offset) & ((1 << 8 * bytes_) - 1)

    def write(self, _, offset, __, value, base):
        try:
            self.put(base + offset, value)
        except Cut:
            self.is_cut = True
            self.core.emu_stop()

    def demand(self, held, rule):
        if not held:
            self.broken.append(rule)

    def listen(self, _, __, ___, ____, written, _____):
        """Takes what is in the buffer of RTT, of which the program has just moved the end."""
        start, count = struct.unpack("<2I", self.core.mem_read(self.log + 4, 8))
        taken, = struct.unpack("<I", self.core.mem_read(self.log + 16, 4))
        if count == 0:
            return
        data = bytes(self.core.mem_read(start, count))
        self.heard += data[taken:written] if taken <= written else data[taken:] + data[:written]
        self.core.mem_write(self.log + 16, struct.pack("<I", written))
        *frames, self.heard = self.heard.split(b"\0")
        self.lines += [text_of(frame) for frame in frames if frame]
        if self.lines and (self.lines[-1] == self.last or self.lines[-1].startswith("failed")):
            self.core.emu_stop()


def loaded(image):
    """Address and content of each part of an ELF file, as it is flashed."""
    table, = struct.unpack_from("<I", image, 28)
    size, count = struct.unpack_from("<2H", image, 42)
    for at in range(table, table + size * count, size):
        kind, offset, _, address, in_file, *_ = struct.unpack_from("<8I", image, at)
        if kind == 1 and in_file:
            yield address, image[offset:offset + in_file]


def text_of(frame):
    """The text in a frame of defmt: rzCOBS around numbers, text and its end."""
    out, rest = [], iter(reversed(frame))
    for code in rest:
        if code < 0x80:
            out += [0 if code >> (6 - bit) & 1 else next(rest, 0) for bit in range(7)]
        else:
            out += [0] if code < 0xFF else []
            out += [next(rest, 0) for _ in range((code & 0x7F) + 7)]
    text = bytes(reversed(out)).rstrip(b"\0").removesuffix(b"\xff")
    start = len(text)
    while start and 32 <= text[start - 1] < 127:
        start -= 1
    return text[start:].decode()


def main(model, words):
    """PROGRAM IMAGE tour|live [cut=N quarters=Q]: runs a model, and ends with how that went."""
    program, image, scenario, *options = words
    numbers = {name: int(number) for name, number in (option.split("=") for option in options)}
    path = pathlib.Path(image)
    medium = bytearray(path.read_bytes())
    board = model(program, scenario, medium, numbers.get("cut", 0), numbers.get("quarters", 0))
    board.run()
    path.write_bytes(medium)
    print("\n".join(board.lines + ["cut"] * board.is_cut + board.broken[:9]))
    sys.exit(BROKEN if board.broken else 0 if board.last in board.lines else 1)
