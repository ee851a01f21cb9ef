#!/usr/bin/env python3
"""A model of an nRF52840-DK, as small as its programs allow.

    nrf52840.py PROGRAM IMAGE tour|live [cut=N quarters=Q]

PROGRAM is an ELF file; IMAGE is what the flash chip holds, before and after. `tour` holds the button, and
switches off when the tour is over. With `cut` the power goes in the N-th program or erase, after Q quarters of
its bytes. Prints what the program says over RTT, and `cut` at the end if it was. The status is 0 if all that
was asked for passed, 3 if the program broke a rule of the hardware.

The model is as hard as the data sheets allow, as we read them:

- the QSPI is ready when a command was sent, and waits for no chip. It moves whole words, of RAM only;
- the chip is busy in a program, an erase and a write of its status, and deaf but for questions for that. Time
  passes with each access to a peripheral. Bits only fall. Four data lines must be enabled before they are used;
- a chip that allows a write while it is read is a broken rule, too: one at rest should take no stray program.
"""

import struct
import sys

import processor
from processor import Cut, Processor

FLASH, RAM, RAM_BYTES = (0, 1 << 20), 0x2000_0000, 256 << 10
FACTORY, USER = 0x1000_0000, 0x1000_1000
OSCILLATORS = (0x4000_0100, 0x4000_0104)
TIMER_CLEAR, TIMER_COUNTER = 0x4001_1008, 0x4001_1504
FLASH_READY = 0x4001_E400
PORT_INPUT, BUTTON = 0x5000_0510, 1 << 11
QSPI, QSPI_END = 0x4002_9000, 0x4002_A000
READY = QSPI + 0x100
PIN_OF_RESET, DEBUG_IS_ALLOWED = 18, 0x5A


class Chip:
    """The MX25R6435F: cells, status, and how long it is busy. The times are short ones, for speed."""

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


class Board(Processor):
    """What is around the processor."""

    def __init__(self, program, scenario, cells, cut, quarters):
        memories = (RAM, RAM_BYTES), (FACTORY, 0x2000)
        super().__init__(program, scenario, FLASH, memories, ((0x4000_0000, 0x40000), (0x5000_0000, 0x1000)))
        self.chip = Chip(cells, cut, quarters)
        self.now = self.cleared = 0
        self.registers = {}
        # What the factory and an earlier start have left: else the HAL writes it, and resets.
        self.core.mem_write(FACTORY, b"\xff" * 0x2000)
        self.core.mem_write(FACTORY + 0x60, b"an id...")
        self.core.mem_write(FACTORY + 0x130, struct.pack("<2I", 8, 3))
        self.core.mem_write(USER + 0x200, struct.pack("<3I", PIN_OF_RESET, PIN_OF_RESET, DEBUG_IS_ALLOWED))

    def get(self, address):
        self.now += 2
        if address == TIMER_COUNTER:
            self.now += 20
            return (self.now - self.cleared) * 32_768 // 1_000_000 & 0xFF_FFFF
        if address in OSCILLATORS or address == FLASH_READY:
            return 1
        if address == PORT_INPUT:
            return 0xFFFF_FFFF & ~(BUTTON if self.is_held else 0)
        return self.registers.get(address, 0)

    def put(self, address, value):
        self.now += 1
        self.registers[address] = value
        if address == TIMER_CLEAR:
            self.cleared = self.now
        if QSPI <= address < QSPI_END:
            self.command(address - QSPI, value)

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


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    processor.main(Board, sys.argv[1:])
