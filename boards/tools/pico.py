"""The Raspberry Pi Pico, which QEMU has not: `rp2040.py` in a place of its own for Python packages."""

import dataclasses
import pathlib
import subprocess
import sys

TOOLS = pathlib.Path(__file__).resolve().parent
# Another version may count other instructions, or know other parts of the chip.
PACKAGE = "rp2040py==0.3.6"


@dataclasses.dataclass
class Pico:
    """The emulated board, as `emulator.Machine` is one of QEMU's; `folder` is for the packages, `medium` what
    the image is: `flash` or `card`, `options` more words for it."""

    folder: pathlib.Path
    medium: str
    options: list = dataclasses.field(default_factory=list)
    seconds: int = 400
    stays: bool = False
    arguments: tuple = ()

    @property
    def python(self):
        return self.folder / "bin" / "python3"

    def install(self):
        """Makes the place, and gets the emulator, unless both are there."""
        stamp = self.folder / "package"
        if stamp.exists() and stamp.read_text() == PACKAGE:
            return
        subprocess.run([sys.executable, "-m", "venv", "--clear", self.folder], check=True)
        subprocess.run([self.python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                        PACKAGE], check=True)
        stamp.write_text(PACKAGE)

    def words(self, elf, arguments, image, plugin):
        """The command; of the options of the plugin it takes all but its file."""
        return ["timeout", str(self.seconds), self.python, TOOLS / "rp2040.py", elf, f"{self.medium}={image}",
                *self.options, *plugin[1:], "--", *arguments]
