#!/usr/bin/env python3
"""Tests of `uf2.py`."""

import struct
import unittest

import uf2


class Uf2(unittest.TestCase):
    def test_a_block_is_what_the_format_says(self):
        file = uf2.made_of([(0x1000_0100, b"\x01\x02\x03")])
        self.assertEqual(len(file), 512)
        self.assertEqual(file[:8], b"UF2\nWQ]\x9e")
        self.assertEqual(file[8:32], bytes.fromhex("00200000 00010010 00010000 00000000 01000000 56ff8be4"))
        self.assertEqual(file[32:288], b"\x01\x02\x03" + b"\xff" * 253)
        self.assertEqual(file[288:508], bytes(220))
        self.assertEqual(file[508:], bytes.fromhex("306fb10a"))

    def test_parts_that_share_a_page_become_one_block(self):
        file = uf2.made_of([(0x1000_02F0, b"b" * 32), (0x1000_0000, b"a" * 256), (0x1000_02E0, b"c" * 8)])
        pages = dict(uf2.parts_of(file))
        self.assertEqual(sorted(pages), [0x1000_0000, 0x1000_0200, 0x1000_0300])
        self.assertEqual(pages[0x1000_0200], b"\xff" * 224 + b"c" * 8 + b"\xff" * 8 + b"b" * 16)
        self.assertEqual(pages[0x1000_0300], b"b" * 16 + b"\xff" * 240)

    def test_what_is_not_for_the_flash_is_refused(self):
        for address in (0x2000_0000, 0x0FFF_FFFF, 0x10FF_FFFF):
            with self.assertRaises(ValueError):
                uf2.made_of([(address, b"ab")])

    def test_a_damaged_block_is_refused(self):
        file = uf2.made_of([(0x1000_0000, bytes(300))])
        self.assertEqual(b"".join(part for _, part in uf2.parts_of(file)), bytes(300) + b"\xff" * 212)
        for place in (0, 4, 8, 16, 20, 24, 28, 508):
            damaged = bytearray(file)
            damaged[512 + place] ^= 1
            with self.assertRaises(ValueError, msg=f"byte {place}"):
                list(uf2.parts_of(damaged))

    def test_segments_of_an_elf_file_are_found(self):
        head = b"\x7fELF".ljust(28, b"\0") + struct.pack("<I", 52) + bytes(10) + struct.pack("<HH", 32, 3)
        head = head.ljust(52, b"\0")
        segments = [(1, 148, 0, 0x1000_0000, 4, 4, 5, 4), (1, 0, 0, 0x2000_0000, 0, 8, 6, 4),
                    (2, 148, 0, 0x1000_0000, 4, 4, 5, 4)]
        table = b"".join(struct.pack("<8I", *segment) for segment in segments)
        self.assertEqual(list(uf2.elf_parts(head + table + b"code")), [(0x1000_0000, b"code")])


if __name__ == "__main__":
    unittest.main()
