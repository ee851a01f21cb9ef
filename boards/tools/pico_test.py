#!/usr/bin/env python3
"""Tests of the models that the Pico runs on: what a real chip would not forgive ends the run."""

import unittest

from rp2040py.peripherals.ssi import SSI_CTRLR0, SSI_SSIENR

import defmt
import sdcard
from rp2040 import BROKEN, CUT, FLASH, FLASH_BYTES, Board, Chip, Over

SSI = 0x1800_0000
PROGRAM = bytes([Chip.PROGRAM, 0, 1, 0xFC])


class FlashChip(unittest.TestCase):
    def setUp(self):
        self.chip = Chip(b"\xff" * FLASH_BYTES)

    def send(self, command):
        self.chip.select()
        came = [self.chip.shift(byte) for byte in command]
        self.chip.deselect()
        return came

    def change(self, command):
        """Enables a write, sends a command and waits until the chip is ready."""
        self.send([Chip.ENABLE])
        self.send(command)
        while self.send([Chip.STATUS_1, 0])[1] & Chip.BUSY:
            pass

    def test_a_program_clears_bits_only(self):
        self.change(PROGRAM + b"\x0f")
        self.change(PROGRAM + b"\xf1")
        self.assertEqual(self.chip.cells[0x1FC], 0x01)

    def test_each_change_needs_its_own_enable(self):
        self.send(PROGRAM + b"\0")
        self.assertEqual(self.chip.cells[0x1FC], 0xFF)
        self.change(PROGRAM + b"\0")
        self.send([0x20, 0, 0, 0])
        self.assertEqual(self.chip.cells[0x1FC], 0x00)

    def test_an_erase_is_of_the_unit_that_the_address_lies_in(self):
        for address in (0x0FFF, 0x1000, 0x1FFF, 0x2000):
            self.chip.cells[address] = 0
        self.change([0x20, 0, 0x12, 0x34])
        erased = [self.chip.cells[address] for address in (0x0FFF, 0x1000, 0x1FFF, 0x2000)]
        self.assertEqual(erased, [0, 0xFF, 0xFF, 0])

    def test_a_program_that_wraps_in_its_page_is_noticed(self):
        self.change(PROGRAM + b"1234")
        with self.assertRaises(Over) as noticed:
            self.change(PROGRAM + b"12345")
        self.assertEqual(noticed.exception.status, BROKEN)

    def test_a_command_for_a_busy_chip_is_noticed(self):
        self.send([Chip.ENABLE])
        self.send(PROGRAM + b"\0")
        with self.assertRaises(Over) as noticed:
            self.send([Chip.ENABLE])
        self.assertEqual(noticed.exception.status, BROKEN)

    def test_a_cut_program_is_done_in_part(self):
        for quarters, left in enumerate((b"\xff\xff\xff\xff", b"\x00\x0f\xff\xff", b"\x00\x00\x0f\xff",
                                         b"\x00\x00\x00\x0f", b"\x00\x00\x00\x00")):
            self.setUp()
            self.chip.cut_at(2, quarters)
            self.change([0x20, 0, 0, 0])
            with self.assertRaises(Over) as cut:
                self.change(PROGRAM + bytes(4))
            self.assertEqual((cut.exception.status, self.chip.cells[0x1FC:0x200]), (CUT, left))

    def test_a_cut_erase_is_done_in_part(self):
        self.chip.cells[:0x2000] = bytes(0x2000)
        self.chip.cut_at(1, 3)
        with self.assertRaises(Over):
            self.change([0x20, 0, 0, 0])
        self.assertEqual(self.chip.cells[:0x2000], b"\xff" * 0xC00 + bytes(0x1400))


class Window(unittest.TestCase):
    def setUp(self):
        self.board = Board([(FLASH, b"program!")], b"", [])

    def set(self, is_open):
        self.board.mcu.write_uint32(SSI + SSI_SSIENR, 0)
        self.board.mcu.write_uint32(SSI + SSI_CTRLR0, 3 << 8 if is_open else 0)
        self.board.mcu.write_uint32(SSI + SSI_SSIENR, 1)

    def test_nothing_is_seen_through_it_while_it_is_closed(self):
        self.set(True)
        self.assertEqual(self.board.mcu.read_uint8(FLASH), ord("p"))
        self.set(False)
        self.assertEqual(self.board.mcu.read_uint8(FLASH), 0xBE)

    def test_code_behind_a_closed_one_ends_the_run(self):
        self.set(False)
        self.board.mcu.core.pc = FLASH + 0x1_0000
        over = self.board.run()
        self.assertEqual(over.status, BROKEN)
        self.assertIn("closed", over.words)

    def test_a_store_through_it_is_noticed(self):
        self.set(True)
        self.board.left()
        self.board.mcu.write_uint32(FLASH + 0x10_0000, 0)
        self.assertRaises(Over, self.board.left)

    def test_a_change_of_the_program_is_noticed(self):
        self.assertEqual(self.board.left(), b"\xff" * FLASH_BYTES)
        self.board.chip.cells[3] = 0
        self.assertRaises(Over, self.board.left)


class SdCard(unittest.TestCase):
    def setUp(self):
        self.card = sdcard.Card(bytearray(1024 * sdcard.SECTOR))

    def ask(self, number, argument=0, spoil=0):
        """What the card answers to a command, ones left out."""
        frame = bytes([0x40 | number]) + argument.to_bytes(4, "big")
        for byte in frame + bytes([sdcard.crc7(frame) ^ spoil]):
            self.card.shift(byte)
        came = bytes(self.card.shift(0xFF) for _ in range(12))
        return came.strip(b"\xff")

    def open(self):
        self.ask(0)
        self.ask(59, 1)
        while self.ask(55) and self.ask(41, 1 << 30) != b"\0":
            pass

    def test_the_checksums_are_those_of_the_specification(self):
        self.assertEqual(sdcard.crc7(bytes([0x40, 0, 0, 0, 0])), 0x95)
        self.assertEqual(sdcard.crc7(bytes([0x48, 0, 0, 1, 0xAA])), 0x87)
        self.assertEqual(sdcard.crc16(b"\xff" * 512), b"\x7f\xa1")

    def test_a_command_with_a_wrong_checksum_is_refused(self):
        self.assertEqual(self.ask(0, spoil=2), bytes([sdcard.BAD_CHECKSUM | sdcard.IDLE]))
        self.assertEqual(self.ask(0), bytes([sdcard.IDLE]))

    def test_a_block_is_taken_whole_and_with_its_checksum_only(self):
        self.open()
        block = bytes(range(256)) * 2
        for spoiled, answer in ((1, sdcard.NOT_ACCEPTED), (0, sdcard.ACCEPTED)):
            self.ask(24, 7)
            checksum = bytearray(sdcard.crc16(block))
            checksum[0] ^= spoiled
            for byte in b"\xfe" + block + checksum:
                self.card.shift(byte)
            self.assertEqual(self.card.shift(0xFF), answer)
            written = self.card.cells[7 * 512:8 * 512]
            self.assertEqual(written, bytes(512) if spoiled else block)
            self.card.deselect()

    def test_half_a_block_is_none(self):
        self.open()
        self.ask(24, 7)
        for byte in b"\xfe" + b"x" * 300:
            self.card.shift(byte)
        self.card.deselect()
        self.assertEqual(self.card.cells, bytes(1024 * 512))

    def test_a_sector_behind_the_end_is_refused(self):
        self.open()
        self.assertEqual(self.ask(17, 1024), bytes([sdcard.BAD_ADDRESS]))


class Defmt(unittest.TestCase):
    def test_a_frame_is_decoded_from_its_end_on(self):
        self.assertEqual(defmt.decode(b""), b"")
        self.assertEqual(defmt.decode(bytes([0x7F])), bytes(7))
        self.assertEqual(defmt.decode(b"\x01\x02\x03\x0f"), b"\0\0\0\0\x01\x02\x03")
        self.assertEqual(defmt.decode(b"abcdefg\x80"), b"abcdefg\0")
        self.assertEqual(defmt.decode(b"x" * 134 + b"\xff"), b"x" * 134)


if __name__ == "__main__":
    unittest.main()
