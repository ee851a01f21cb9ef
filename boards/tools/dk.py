"""The nRF52840-DK in the model of `nrf52840.py`: its programs, and a place for the processor that it is
built around, the Python package `unicorn`."""

import dataclasses
import subprocess
import sys

from emulator import TOOLS, Machine
from machines import COLOURS, MIB, OUT, Medium, Program

PACKAGE = "unicorn==2.1.4"
SECONDS = "180"


@dataclasses.dataclass
class Dk(Machine):
    """The model. Of the arguments it knows the scenario and the cut; how long a life is the program says."""

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
        return ["timeout", SECONDS, self.python, TOOLS / "nrf52840.py", elf, image, *known]


def programs():
    medium = Medium(8 * MIB, b"\xff", (), by_programs=True)
    for colour in COLOURS:
        yield Program("nrf52840-dk", "thumbv7em-none-eabihf", f"nrf52840-dk-{colour}", Dk([]), medium)
