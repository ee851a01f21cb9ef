#!/usr/bin/env python3
"""A model of a NUCLEO-F446RE with an SD card on SPI1, as small as its programs allow.

    stm32f446.py PROGRAM IMAGE tour|live [cut=N quarters=Q]

PROGRAM is an ELF file; IMAGE is the card, before and after. `tour` holds the button, and switches off when the
tour is over. With `cut` the power goes when the N-th sector is written, after Q quarters of it. Prints what
the program says over RTT, and `cut` at the end if it was. The status is 0 if all that was asked for passed, 3
if the program broke a rule of the hardware.

The card is an SDHC: 74 clocks first, at most 400 kHz until it is ready, checksums of commands and data, busy
after each write and answering no command then, runs of sectors. Clocks are ready when they are switched on; the
SPI and the DMA take no time. The timer runs when it is looked at, and slowly: its interrupts never come.
"""

import binascii
import struct
import sys

import processor
from processor import Cut, Processor

FLASH, RAM = (0x0800_0000, 512 << 10), (0x2000_0000, 128 << 10)
FACTORY, IDENTITY = (0x1FFF_0000, 0x10000), 0x1FFF_7A10
# What is ready or in force when it is asked for: clocks, the source of the system's, voltage.
CLOCKS, CLOCK_SOURCE, POWER, SLOW_CLOCK = 0x4002_3800, 0x4002_3808, 0x4000_7004, 0x4002_3874
COUNTER = 0x4000_0024
BUTTON_INPUT, BUTTON = 0x4002_0810, 1 << 13
SELECT_CHANGE, SELECT = 0x4002_0418, 1 << 6
SPI, SPI_STATUS, SPI_DATA = 0x4001_3000, 0x4001_3008, 0x4001_300C
SPI_CLOCK_HZ, SLOW_HZ = 84_000_000, 400_000
RECEIVE, TRANSMIT = 0x4002_6440, 0x4002_6458
SECTOR = 512


def crc7(data):
    sum_ = 0
    for bit in (byte >> place & 1 for byte in data for place in range(7, -1, -1)):
        sum_ = sum_ << 1 & 0x7F ^ (9 if sum_ >> 6 ^ bit else 0)
    return sum_ << 1 | 1


def with_sum(data):
    return data + struct.pack(">H", binascii.crc_hqx(data, 0))


class Card:
    """An SDHC card, by its bytes on SPI."""

    IDLE, ILLEGAL, BAD_SUM = 1, 4, 8
    READY_AFTER = 4
    BUSY_BYTES = 5

    def __init__(self, sectors, cut, quarters, demand):
        self.sectors, self.cut, self.quarters, self.demand = sectors, cut, quarters, demand
        self.out, self.frame, self.block = bytearray(), bytearray(), bytearray()
        self.is_idle, self.is_application, self.has_sums = True, False, False
        self.reads_at = self.writes_at = None
        self.is_run = False
        self.busy = self.asked = self.written = self.clocks = 0
        size = len(sectors) // (SECTOR << 10) - 1
        specific = bytes.fromhex("400e00325b5900") + size.to_bytes(3, "big") + bytes.fromhex("7f800a4000")
        self.specific = specific + bytes([crc7(specific)])
        identity = b"\x01VLMODEL\x10\x00\x00\x00\x01\x01\x7b"
        self.identity = identity + bytes([crc7(identity)])

    def exchange(self, byte, is_selected):
        if not is_selected:
            self.clocks += 8
            self.out.clear()
            self.frame.clear()
            return 0xFF
        answer = self.answer()
        if self.writes_at is not None:
            self.take(byte)
        elif self.frame or byte & 0xC0 == 0x40:
            self.frame.append(byte)
            if len(self.frame) == 6:
                frame = bytes(self.frame)
                self.frame.clear()
                self.command(frame)
        return answer

    def answer(self):
        if self.out:
            return self.out.pop(0)
        if self.busy:
            self.busy -= 1
            return 0
        if self.reads_at is None:
            return 0xFF
        self.send(self.reads_at)
        self.reads_at += 1
        return self.out.pop(0)

    def send(self, sector):
        content = bytes(self.sectors[sector * SECTOR:(sector + 1) * SECTOR])
        self.out += b"\xff\xff\xfe" + with_sum(content)

    def take(self, byte):
        """A byte of what is written: a token, or of a block and its sum."""
        if self.block:
            self.block.append(byte)
            if len(self.block) == 1 + SECTOR + 2:
                self.store(bytes(self.block[1:-2]), self.block[1:])
                self.block.clear()
                self.writes_at = self.writes_at + 1 if self.is_run else None
        elif byte == (0xFC if self.is_run else 0xFE):
            self.demand(not self.busy, "a block for a busy card")
            self.block.append(byte)
        elif byte == 0xFD and self.is_run:
            self.writes_at, self.busy = None, self.BUSY_BYTES
            self.out += b"\xff"
        else:
            self.demand(byte == 0xFF, f"the token {byte:#04x}")

    def store(self, content, sent):
        self.demand(with_sum(content) == sent, "the sum of a block")
        self.written += 1
        is_last = self.written == self.cut
        count = SECTOR * self.quarters // 4 if is_last else SECTOR
        start = self.writes_at * SECTOR
        self.sectors[start:start + count] = content[:count]
        if is_last:
            raise Cut
        self.out += b"\xe5"
        self.busy = self.BUSY_BYTES

    def command(self, frame):
        code, argument = frame[0] & 63, int.from_bytes(frame[1:5], "big")
        is_application, self.is_application = self.is_application, code == 55
        self.demand(self.clocks >= 74, "a command before 74 clocks")
        self.demand(not self.busy, f"command {code} for a busy card")
        if self.has_sums or code in (0, 8):
            self.demand(frame[5] == crc7(frame[:5]), f"the sum of command {code}")
        self.out.clear()
        self.out += b"\xff"
        state = self.IDLE if self.is_idle else 0
        register = lambda content: b"\xff\xfe" + with_sum(content)  # noqa: E731
        if code == 0:
            self.is_idle, self.reads_at, state = True, None, self.IDLE
        elif code == 41 and is_application:
            self.asked += 1
            self.is_idle = self.asked < self.READY_AFTER
            state = self.IDLE if self.is_idle else 0
        elif code == 59:
            self.has_sums = argument & 1 == 1
        elif code == 12:
            self.reads_at, self.busy = None, self.BUSY_BYTES
            self.out += b"\xff"
        elif code == 18:
            self.reads_at = argument
        elif code in (24, 25):
            self.writes_at, self.is_run = argument, code == 25
        elif code not in (8, 9, 10, 13, 17, 55, 58) and not (code == 23 and is_application):
            self.demand(False, f"command {code}, which this card does not know")
            state |= self.ILLEGAL
        self.out.append(state)
        if code == 17:
            self.send(argument)
        self.out += {8: frame[1:5], 9: register(self.specific), 10: register(self.identity), 13: b"\0",
                     58: b"\0\xff\x80\0" if self.is_idle else b"\xc0\xff\x80\0"}.get(code, b"")


class Board(Processor):
    """What is around the processor."""

    def __init__(self, program, scenario, sectors, cut, quarters):
        super().__init__(program, scenario, FLASH, (RAM, FACTORY), ((0x4000_0000, 0x30000),))
        self.card = Card(sectors, cut, quarters, self.demand)
        self.registers, self.received = {}, []
        self.is_selected, self.ticks = False, 0
        self.core.mem_write(IDENTITY, b"an unique id")

    def register(self, address):
        return self.registers.get(address, 0)

    def get(self, address):
        value = self.register(address)
        if address == SPI_STATUS:
            return 2 | bool(self.received)
        if address == SPI_DATA:
            return self.received.pop(0) if self.received else 0
        if address == CLOCKS:
            return value | (value & 0x1501_0001) << 1
        if address == CLOCK_SOURCE:
            return value & ~0xC | (value & 3) << 2
        if address == POWER:
            return value | 0x3_4000
        if address == SLOW_CLOCK:
            return value | (value & 1) << 1
        if address == COUNTER:
            self.ticks += 1
            return self.ticks // 10 & 0xFFFF
        if address == BUTTON_INPUT:
            return 0 if self.is_held else BUTTON
        return value

    def put(self, address, value):
        if address == SELECT_CHANGE:
            self.is_selected = (self.is_selected or bool(value >> 16 & SELECT)) and not value & SELECT
            return
        self.registers[address] = value
        if address == SPI_DATA:
            self.demand(self.register(SPI) & 0x40, "bytes for an SPI that is off")
            self.received.append(self.exchange(value & 0xFF))
        elif address in (SPI, SPI + 4, RECEIVE, TRANSMIT):
            self.move()

    def exchange(self, byte):
        rate = SPI_CLOCK_HZ >> (self.register(SPI) >> 3 & 7) + 1
        self.demand(rate <= SLOW_HZ or not self.card.is_idle, f"{rate} Hz before the card is ready")
        return self.card.exchange(byte, self.is_selected)

    def stream(self, start):
        """Setting, number of bytes and address of a stream of the DMA, which must be for the SPI's data."""
        setting, count, place, memory = (self.register(start + 4 * word) for word in range(4))
        self.demand(place == SPI_DATA and setting >> 25 == 3, "a stream of something else")
        return setting, count & 0xFFFF, memory

    def move(self):
        """Lets the streams run, if all that they need is switched on."""
        requests = self.register(SPI + 4)
        if not (self.register(SPI) & 0x40 and requests & 2 and self.register(TRANSMIT) & 1):
            return
        setting, count, memory = self.stream(TRANSMIT)
        goes_on = setting & 0x400
        sent = bytes(self.core.mem_read(memory, count if goes_on else 1)) * (1 if goes_on else count)
        got = bytes(self.exchange(byte) for byte in sent)
        self.registers[TRANSMIT] &= ~1
        if requests & 1 and self.register(RECEIVE) & 1:
            _, room, memory = self.stream(RECEIVE)
            self.demand(room == count, "more room than bytes, or less")
            self.core.mem_write(memory, got)
            self.registers[RECEIVE] &= ~1
        else:
            self.received = [got[-1]]


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    processor.main(Board, sys.argv[1:])
