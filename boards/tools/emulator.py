"""QEMU with a board's program in it."""

import dataclasses
import pathlib
import re
import signal
import subprocess
import sys

TOOLS = pathlib.Path(__file__).resolve().parent
SECONDS = 90
# The status of `timeout` when that was too late, or when it was told to end.
LATE = 124
# What QEMU says by itself on these machines, and means nothing.
NOISE = ("Timer with period zero", "qemu-system", "aspeed_")


def output_of(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def plugin(folder):
    """Where the plugin is."""
    return folder / "icount.so"


def build_plugin(folder):
    """The plugin that counts instructions, built for the QEMU that is here."""
    version = int(re.search(r"version (\d+)", output_of("qemu-system-arm", "--version"))[1])
    library = plugin(folder)
    api = 1 if version < 9 else 2
    subprocess.run(["gcc", "-shared", "-fPIC", "-O2", f"-DQEMU_PLUGIN_VERSION={api}", "-o", library,
                    TOOLS / "icount.c"], check=True)
    return library


def second_of(image):
    """Where the image of a second medium lies, beside that of the first."""
    return f"{image}.second"


@dataclasses.dataclass
class Machine:
    """An emulated board: the command of QEMU, how images become its media, and what its program is told
    before anything else.

    Where QEMU writes the image behind the program's back (NOR flash), a program that is over stays,
    and QEMU is ended orderly: then the image holds exactly what the chip was given. The program's
    own exit, or a kill, would lose some of it."""

    command: list
    medium: str = ""
    stays: bool = False
    arguments: tuple = ()
    seconds: int = SECONDS

    def install(self):
        """Does nothing: QEMU is a package of the system."""

    def words(self, elf, arguments, image, plugin):
        arguments = [*self.arguments, *arguments, *(["stay"] if self.stays else [])]
        semihosting = ",".join(["enable=on,target=native,arg=vellum", *(f"arg={a}" for a in arguments)])
        command = ["timeout", str(self.seconds), *self.command, "-nographic", "-monitor", "none",
                   "-serial", "none", "-semihosting-config", semihosting, "-kernel", elf]
        command += ["-plugin", ",".join(map(str, plugin))] if plugin else []
        return command + self.medium.format(image=image, second=second_of(image)).split()


@dataclasses.dataclass
class Ended:
    """What a program said, and how it ended."""

    lines: list
    status: int

    @property
    def passed(self):
        return self.status == 0 and "passed" in self.lines

    def __str__(self):
        return f"status {self.status}; it said:\n" + "\n".join(self.lines)


def run(machine, elf, arguments=(), image=None, plugin=()):
    """Runs a program to its end, or to where it is cut."""
    process = subprocess.Popen(machine.words(elf, arguments, image, plugin), stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    lines = []
    for line in process.stdout:
        line = line.rstrip("\n")
        lines += [] if line.startswith(NOISE) else [line]
        if machine.stays and (line in ("passed", "cut") or line.startswith("failed")):
            process.send_signal(signal.SIGTERM)
    status = process.wait()
    if status == LATE and not machine.stays:
        sys.exit(f"{elf.name} {' '.join(arguments)}: no end after {machine.seconds} s; it said:\n"
                 + "\n".join(lines))
    return Ended(lines, 0 if machine.stays and "passed" in lines else status)


def measured(machine, elf, arguments, image, plugin):
    """Runs a program; also gives the instructions of each phase and in all."""
    begin, end = output_of(TOOLS / "elf.py", "symbol", elf, "phase_begin", "phase_end").split()
    report = pathlib.Path(image).with_suffix(".icount")
    report.unlink(missing_ok=True)
    options = [plugin, f"begin={begin}", f"end={end}", f"report={report}"]
    ended = run(machine, elf, arguments, image, options)
    if not ended.passed:
        sys.exit(f"{elf.name}: {ended}")
    counts = [line.split() for line in report.read_text().splitlines()]
    phases = [int(count[2]) for count in counts if count[0] == "phase"]
    total, = (int(count[1]) for count in counts if count[0] == "total")
    return ended, phases, total
