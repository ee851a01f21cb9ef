"""An SDHC card on SPI, as the specification's simplified version has it (part 1, chapter 7): it looks at
every checksum, is busy after a write, and takes a block only whole. Sectors of 512 bytes."""

import collections

SECTOR = 512
IDLE, ILLEGAL, BAD_CHECKSUM, BAD_ADDRESS = 0x01, 0x04, 0x08, 0x20
START, START_RUN, STOP_RUN = 0xFE, 0xFC, 0xFD
ACCEPTED, NOT_ACCEPTED = 0x05, 0x0B
READY_REGISTER, VOLTAGES = 0xC0FF_8000, 0x00FF_8000
# Bytes of "busy" after a write, and questions until it is ready after power on.
BUSY_BYTES, QUESTIONS = 6, 3
# The length of a CMD9's register in blocks of 512 KiB is all that differs from card to card.
CSD = bytes.fromhex("400e00325b5900000000 7f800a4000".replace(" ", ""))
CID = bytes.fromhex("1b534d30303030301012345678012b")


def crc7(data):
    """A byte with the checksum and the end bit."""
    value = 0
    for byte in data:
        for bit in range(7, -1, -1):
            value = value << 1 | byte >> bit & 1
            if value & 0x80:
                value ^= 0x89
    for _ in range(7):
        value <<= 1
        if value & 0x80:
            value ^= 0x89
    return (value & 0x7F) << 1 | 1


CRC16 = []
for index in range(256):
    entry = index << 8
    for _ in range(8):
        entry = entry << 1 ^ (0x1021 if entry & 0x8000 else 0)
    CRC16.append(entry & 0xFFFF)


def crc16(data):
    value = 0
    for byte in data:
        value = value << 8 & 0xFFFF ^ CRC16[value >> 8 ^ byte]
    return value.to_bytes(2, "big")


class Card:
    """The card; `cells` is its content, which it changes."""

    def __init__(self, cells):
        self.cells = cells
        self.sectors = len(cells) // SECTOR
        self.answer = collections.deque()
        self.frame, self.block = bytearray(), None
        self.is_idle, self.has_checksums, self.is_application = True, False, False
        self.questions, self.busy = QUESTIONS, 0
        self.reading = self.writing = None
        self.is_run = False
        self.erase_from = self.erase_to = 0

    def deselect(self):
        """Chip select ends what was under way, but for a run that is written."""
        self.answer.clear()
        self.frame.clear()
        self.reading = self.block = None
        if not self.is_run:
            self.writing = None

    def shift(self, byte):
        """Takes a byte; gives the one that comes meanwhile."""
        came = self.next()
        if self.block is not None:
            self.block.append(byte)
            if len(self.block) == SECTOR + 2:
                self.take_block()
        elif self.writing is not None and not self.frame and byte in (START, START_RUN, STOP_RUN):
            self.take_token(byte)
        elif self.frame or byte >> 6 == 1:
            self.frame.append(byte)
            if len(self.frame) == 6:
                self.take_command(bytes(self.frame))
                self.frame.clear()
        return came

    def next(self):
        if not self.answer and self.reading is not None:
            self.send_block(self.reading)
            self.reading += 1
        if self.answer:
            return self.answer.popleft()
        if self.busy:
            self.busy -= 1
            return 0x00
        return 0xFF

    def say(self, *answer):
        """After a byte of ones, as a card needs a moment."""
        self.answer.clear()
        self.answer.extend((0xFF, *answer))

    def send(self, data):
        self.answer.extend((0xFF, START, *data, *crc16(data)))

    def send_block(self, sector):
        if sector < self.sectors:
            self.send(self.cells[sector * SECTOR:(sector + 1) * SECTOR])
        else:
            self.answer.append(BAD_ADDRESS >> 2)

    def take_token(self, token):
        if token == STOP_RUN and self.is_run:
            self.writing, self.is_run, self.busy = None, False, BUSY_BYTES
        elif token == (START_RUN if self.is_run else START):
            self.block = bytearray()

    def take_block(self):
        data, checksum = self.block[:SECTOR], self.block[SECTOR:]
        self.block = None
        self.answer.clear()
        if self.has_checksums and crc16(data) != checksum:
            self.answer.append(NOT_ACCEPTED)
            return
        self.cells[self.writing * SECTOR:(self.writing + 1) * SECTOR] = data
        self.answer.append(ACCEPTED)
        self.busy = BUSY_BYTES
        self.writing = self.writing + 1 if self.is_run else None

    def take_command(self, frame):
        number, argument = frame[0] & 0x3F, int.from_bytes(frame[1:5], "big")
        is_application, self.is_application = self.is_application, False
        must_check = self.has_checksums or number in (0, 8)
        if must_check and crc7(frame[:5]) != frame[5]:
            self.say(BAD_CHECKSUM | self.is_idle)
            return
        names = [f"application_{number}"] if is_application else []
        for name in (*names, f"command_{number}"):
            if hasattr(self, name):
                getattr(self, name)(argument)
                return
        self.say(ILLEGAL | self.is_idle)

    def fine(self, *more):
        self.say(int(self.is_idle), *more)

    def command_0(self, _):
        self.__init__(self.cells)
        self.fine()

    def command_8(self, argument):
        self.fine(0, 0, argument >> 8 & 0x0F, argument & 0xFF)

    def command_9(self, _):
        csd = bytearray(CSD)
        csd[7:10] = (self.sectors // 1024 - 1).to_bytes(3, "big")
        self.fine()
        self.send(bytes(csd) + bytes([crc7(csd)]))

    def command_10(self, _):
        self.fine()
        self.send(CID + bytes([crc7(CID)]))

    def command_12(self, _):
        self.reading = None
        self.say(0xFF, int(self.is_idle))
        self.busy = BUSY_BYTES

    def command_13(self, _):
        self.fine(0)

    def command_17(self, sector):
        self.begin(sector, lambda: self.send_block(sector))

    def command_18(self, sector):
        self.begin(sector, lambda: setattr(self, "reading", sector))

    def command_24(self, sector):
        self.begin(sector, lambda: setattr(self, "writing", sector))

    def command_25(self, sector):
        self.is_run = sector < self.sectors
        self.command_24(sector)

    def application_23(self, _):
        self.fine()

    def begin(self, sector, act):
        if self.is_idle or sector >= self.sectors:
            self.say(BAD_ADDRESS if not self.is_idle else ILLEGAL | IDLE)
            return
        self.fine()
        act()

    def application_41(self, _):
        self.questions -= self.questions > 0
        self.is_idle = self.questions > 0
        self.fine()

    def command_55(self, _):
        self.is_application = True
        self.fine()

    def command_58(self, _):
        self.fine(*(VOLTAGES if self.is_idle else READY_REGISTER).to_bytes(4, "big"))

    def command_59(self, argument):
        self.has_checksums = argument & 1 == 1
        self.fine()
