"""The words of a program that speaks by defmt over RTT, where each frame is a time and one string: what
`boards/pico/src/voice.rs` says. A probe does the same, but knows the other formats too."""

# Of the control block: its name, how many channels there are, and the first of them.
NAME, CHANNEL = b"SEGGER RTT", 24
# Of a channel, in words: the buffer, its length, and how far it was written and read; then its flags.
BUFFER, LENGTH, WRITTEN, READ, FLAGS = range(1, 6)
WAIT_IF_FULL = 2
# Before the string: the number of its format, the time, its length.
STRING = 2 + 4 + 4


def decode(frame):
    """The bytes of a frame, which has no zeros: from its end on each byte says what follows."""
    rest, found = list(frame), []
    while rest:
        head = rest.pop()
        if head == 0xFF:
            found += (rest.pop() for _ in range(134))
        elif head >= 0x80:
            found.append(0)
            found += (rest.pop() for _ in range((head & 0x7F) + 7))
        else:
            found += (0 if head >> bit & 1 else rest.pop() for bit in range(6, -1, -1))
    return bytes(reversed(found))


class Voice:
    """The first channel from a program to whoever listens."""

    def __init__(self, mcu, address):
        self.mcu, self.address = mcu, address
        self.unread = bytearray()

    def word(self, number):
        return self.address + CHANNEL + 4 * number

    def lines(self):
        """What was said since the last time."""
        read, write = self.mcu.read_uint32, self.mcu.write_uint32
        if bytes(self.mcu.read_uint8(self.address + place) for place in range(len(NAME))) != NAME:
            return
        write(self.word(FLAGS), WAIT_IF_FULL)
        buffer, length = read(self.word(BUFFER)), read(self.word(LENGTH))
        written, place = read(self.word(WRITTEN)), read(self.word(READ))
        while place != written:
            self.unread.append(self.mcu.read_uint8(buffer + place))
            place = (place + 1) % length
        write(self.word(READ), place)
        *frames, rest = bytes(self.unread).split(b"\0")
        self.unread = bytearray(rest)
        for frame in filter(None, frames):
            yield decode(frame)[STRING:].rstrip(b"\0").decode(errors="replace")
