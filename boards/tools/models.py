"""The boards of which we have a model of our own: their programs, and a place for the processor that the
models are built around, the Python package `unicorn`."""

import dataclasses
import subprocess
import sys

from emulator import TOOLS, Machine
from machines import COLOURS, HARDWARE, MIB, OUT, Medium, Program

PACKAGE = "unicorn==2.1.4"
SECONDS = "240"


@dataclasses.dataclass
class Model(Machine):
    """A model, whose command is a script. Of the arguments it knows the scenario and the cut; how long a life
    is the program says."""

    folder = OUT / "unicorn"
    python = folder / "bin" / "python"

    def install(self):
        """Makes a place for the package, once."""
        mark = self.folder / PACKAGE
        if mark.exists():
            return
        subprocess.run([sys.executable, "-m", "venv", "--clear", self.folder], check=True)
        subprocess.run([self.python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                        PACKAGE], check=True)
        mark.touch()

    def words(self, elf, arguments, image, _):
        known = [word for word in arguments if not word.startswith("rounds=")]
        return ["timeout", SECONDS, self.python, *self.command, elf, image, *known]


def programs():
    chip = Medium(8 * MIB, b"\xff", (), by_programs=True)
    card = Medium(64 * MIB, b"\0", (), by_programs=True)
    for board, script, medium in (("nrf52840-dk", "nrf52840.py", chip), ("nucleo-f446re", "stm32f446.py", card)):
        for colour in COLOURS:
            yield Program(board, HARDWARE[board], f"{board}-{colour}", Model([TOOLS / script]), medium)
