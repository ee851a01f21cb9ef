#!/usr/bin/env python3
"""A model of an nRF52840-DK, as small as its programs allow, around the processor of `unicorn`.

    nrf52840.py PROGRAM IMAGE tour|live [cut=N quarters=Q]

PROGRAM is an ELF file; IMAGE is what the flash chip holds, before and after. `tour` holds the button, and
switches off when the tour is over. With `cut` the power goes in the N-th program or erase, after Q quarters of
its bytes. Prints what the program says over RTT, and `cut` at the end if it was. The status is 0 if all that
was asked for passed, 3 if the program broke a rule of the hardware.

The model is as hard as the data sheets allow, as we read them:

- the QSPI is ready when a command was sent, and waits for no chip. It moves whole words, of RAM only;
- the chip is busy in a program, an erase and a write of its status, and deaf but for questions for that. Time
  passes with each access to a peripheral. Bits only fall. Four data lines must be enabled before they are used;
- a chip at rest that allows a write is a broken rule, too: what is at rest should take no stray program.

There are no interrupts (the programs poll), no other peripherals, and no voltage. It is written by those who
wrote the programs: what it shows is that they run, and what they do to such a chip; not that the chip is such.
"""

import pathlib
import struct
import sys

import unicorn
from unicorn import arm_const

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import elf  # noqa: E402

FLASH_BYTES, RAM, RAM_BYTES = 1 << 20, 0x2000_0000, 256 << 10
FACTORY, USER, SYSTEM = 0x1000_0000, 0x1000_1000, 0xE000_0000
PERIPHERALS, PORTS = 0x4000_0000, 0x5000_0000
OSCILLATORS = (0x4000_0100, 0x4000_0104)
TIMER_CLEAR, TIMER_COUNTER = 0x4001_1008, 0x4001_1504
FLASH_READY = 0x4001_E400
PORT_INPUT, BUTTON = 0x5000_0510, 1 << 11
QSPI, QSPI_END = 0x4002_9000, 0x4002_A000
READY = QSPI + 0x100
PIN_OF_RESET, DEBUG_IS_ALLOWED = 18, 0x5A
SECONDS = 150
BROKEN = 3
# The last words of each scenario.
LAST = {"tour": "tour passed", "live": "passed"}


class Cut(Exception):
    """The power is gone."""


class Chip:
    """The MX25R6435F: cells, status, and how long it is busy. Times are a tenth of the chip's at most."""

    QUAD, ENABLED, BUSY = 0x40, 2, 1
    SECTOR = 4096
    PROGRAM_US, ERASE_US, STATUS_US = 800, 5_000, 3_000
    IDENTITY = 0x1728C2

    def __init__(self, cells, cut, quarters):
        self.cells, self.cut, self.quarters = cells, cut, quarters
        self.status = self.security = self.busy_until = self.changes = 0

    def is_busy(self, now):
        return now < self.busy_until

    def share(self, count):
        """How many of `count` bytes are changed before the power goes, if it goes here."""
        self.changes += 1
        return count * self.quarters // 4 if self.changes == self.cut else count

    def settle(self, now, time):
        if self.changes == self.cut:
            raise Cut
        self.status &= ~self.ENABLED
        self.busy_until = now + time

    def program(self, at, data, now):
        for place, byte in enumerate(data[:self.share(len(data))], at):
            self.cells[place] &= byte
        self.settle(now, self.PROGRAM_US)

    def erase(self, at, now):
        if self.share(4) > 0:
            self.cells[at:at + self.SECTOR] = b"\xff" * self.SECTOR
        self.settle(now, self.ERASE_US)


class Board:
    """What the processor sees."""

    def __init__(self, program, chip, scenario):
        self.chip, self.is_held, self.last = chip, scenario == "tour", LAST[scenario]
        self.now = self.cleared = 0
        self.registers, self.broken, self.lines, self.heard = {}, [], [], b""
        self.is_cut = False
        image = pathlib.Path(program).read_bytes()
        self.log = next(at for name, at, _, _ in elf.symbols(image) if name == "_SEGGER_RTT") + 24
        self.core = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS)
        self.core.ctl_set_cpu_model(arm_const.UC_CPU_ARM_CORTEX_M4)
        for start, count in ((0, FLASH_BYTES), (RAM, RAM_BYTES), (FACTORY, 0x2000), (SYSTEM, 1 << 20)):
            self.core.mem_map(start, count)
        for start, count in ((PERIPHERALS, 0x40000), (PORTS, 0x1000)):
            self.core.mmio_map(start, count, self.read, start, self.write, start)
        # Each word is taken as soon as it is written: nothing waits, and nothing is lost.
        self.core.hook_add(unicorn.UC_HOOK_MEM_WRITE, self.listen, begin=self.log + 12, end=self.log + 15)
        self.settings()
        self.load(image)

    def settings(self):
        """What the factory and an earlier start have left: the HAL writes it and resets, if it is not so."""
        self.core.mem_write(FACTORY, b"\xff" * 0x2000)
        self.core.mem_write(FACTORY + 0x60, b"an id...")
        self.core.mem_write(FACTORY + 0x130, struct.pack("<2I", 8, 3))
        self.core.mem_write(USER + 0x200, struct.pack("<3I", PIN_OF_RESET, PIN_OF_RESET, DEBUG_IS_ALLOWED))

    def load(self, image):
        table, = struct.unpack_from("<I", image, 28)
        size, count = struct.unpack_from("<2H", image, 42)
        for at in range(table, table + size * count, size):
            kind, offset, _, address, in_file, *_ = struct.unpack_from("<8I", image, at)
            if kind == 1 and in_file and address < FLASH_BYTES:
                self.core.mem_write(address, image[offset:offset + in_file])

    def run(self):
        stack, start = struct.unpack("<2I", self.core.mem_read(0, 8))
        self.core.reg_write(arm_const.UC_ARM_REG_SP, stack)
        try:
            self.core.emu_start(start | 1, 0xFFFF_FFFE, timeout=SECONDS * 1_000_000)
        except unicorn.UcError as error:
            at = self.core.reg_read(arm_const.UC_ARM_REG_PC)
            self.broken.append(f"{error}, at {at:#x}: a panic or a fault")

    def read(self, _, offset, __, base):
        address = base + offset
        self.now += 2
        if address == TIMER_COUNTER:
            self.now += 20
            return (self.now - self.cleared) * 32_768 // 1_000_000 & 0xFF_FFFF
        if address in OSCILLATORS or address == FLASH_READY:
            return 1
        if address == PORT_INPUT:
            return 0xFFFF_FFFF & ~(BUTTON if self.is_held else 0)
        return self.registers.get(address, 0)

    def write(self, _, offset, __, value, base):
        address = base + offset
        self.now += 1
        self.registers[address] = value
        if address == TIMER_CLEAR:
            self.cleared = self.now
        if QSPI <= address < QSPI_END:
            try:
                self.command(address - QSPI, value)
            except Cut:
                self.is_cut = True
                self.core.emu_stop()

    def demand(self, held, rule):
        if not held:
            self.broken.append(f"{rule}, {self.now} us after the start")

    def quad(self, memory, place, count):
        """The rules of a transfer of content."""
        self.demand(not self.chip.is_busy(self.now), "content asked of a busy chip")
        self.demand(self.chip.status & Chip.QUAD, "four lines that are not enabled")
        self.demand(not (memory | place | count) & 3, "no whole words")
        self.demand(RAM <= memory <= RAM + RAM_BYTES - count, "not in RAM")

    def command(self, register, value):
        word = lambda offset: self.registers.get(QSPI + offset, 0)  # noqa: E731
        chip = self.chip
        if register == 0x000:
            self.registers[READY] = 1
        elif register == 0x004:
            place, memory, count = word(0x504), word(0x508), word(0x50C)
            self.quad(memory, place, count)
            self.demand(not chip.status & Chip.ENABLED, "a chip at rest that allows a write")
            content = bytes(chip.cells[place:place + count])
            self.core.mem_write(memory, b"\xa5" * count if chip.is_busy(self.now) else content)
            self.now += count // 4
            self.registers[READY] = 1
        elif register == 0x008:
            place, memory, count = word(0x510), word(0x514), word(0x518)
            self.quad(memory, place, count)
            self.now += count // 4
            chip.program(place, self.core.mem_read(memory, count), self.now)
            self.registers[READY] = 1
        elif register == 0x00C:
            self.demand(not chip.is_busy(self.now), "an erase of a busy chip")
            self.demand(word(0x520) == 0 and word(0x51C) % Chip.SECTOR == 0, "an erase of something else")
            chip.erase(word(0x51C), self.now)
            self.registers[READY] = 1
        elif register == 0x634:
            self.registers[QSPI + 0x638] = self.instruction(value, word(0x638))
            self.registers[READY] = 1

    def instruction(self, setting, data):
        """One that the program has made, with a write enable before it if it says so."""
        chip, code, is_busy = self.chip, setting & 0xFF, self.chip.is_busy(self.now)
        if setting & 1 << 15 and not is_busy:
            chip.status |= Chip.ENABLED
        if code == 0x05:
            return chip.status | (Chip.BUSY if is_busy else 0)
        self.demand(not is_busy, f"instruction {code:#04x} for a busy chip")
        if code == 0x04:
            chip.status &= ~Chip.ENABLED
        elif code == 0x01:
            chip.status = data & 0xFC
            chip.busy_until = self.now + Chip.STATUS_US
        else:
            self.demand(code in (0x9F, 0x2B), f"unknown instruction {code:#04x}")
        return {0x9F: Chip.IDENTITY, 0x2B: chip.security}.get(code, 0xFFFF_FFFF)

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


def main(program, image, scenario, *options):
    numbers = {name: int(number) for name, number in (option.split("=") for option in options)}
    path = pathlib.Path(image)
    chip = Chip(bytearray(path.read_bytes()), numbers.get("cut", 0), numbers.get("quarters", 0))
    board = Board(program, chip, scenario)
    board.run()
    path.write_bytes(chip.cells)
    print("\n".join(board.lines + ["cut"] * board.is_cut + board.broken[:9]))
    sys.exit(BROKEN if board.broken else 0 if board.last in board.lines else 1)


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
