"""Cuts the power of an emulated board again and again, and holds each life against what the one before
said: what was done is there, what was tried is there or not, and nothing else is."""

import collections
import random

import emulator

THINGS = ("config", "events", "recording")
ROUNDS = 5
# Programs and erases of a format that are cut, and the one that makes its first mark whole.
FORMAT_STEPS = 12
MARK = 3
# The statuses of a program that the plugin has cut.
KILLED = (-9, 128 + 9)


class Broken(Exception):
    """A promise was."""


class Ledger:
    """What a volume must hold."""

    def __init__(self):
        self.done = dict.fromkeys(THINGS, 0)
        self.tried = dict(self.done)

    def take(self, lines):
        """Compares what was found with what is known, and learns what was done since. Gives whether
        anything was found at all: a life may end before that."""
        found = {}
        for verb, thing, number in (line.split() for line in lines
                                    if line.startswith(("found ", "try ", "done "))):
            number = int(number)
            if verb == "found":
                found[thing] = number
                if number not in (self.done[thing], self.tried[thing]):
                    raise Broken(f"{thing} {number} was found; {self.done[thing]} was done, "
                                 f"{self.tried[thing]} tried")
                self.done[thing] = self.tried[thing] = number
            elif verb == "try":
                self.tried[thing] = number
            else:
                self.done[thing] = number
        return bool(found)


class Tally:
    """What happened."""

    def __init__(self):
        self.lives = self.cuts = self.in_mounts = self.whole = self.refused = 0
        self.changes = 0
        # How often in which medium, where the board cuts and says so.
        self.media = collections.Counter()

    def __str__(self):
        refused = f", {self.refused} refused what a cut format left" if self.refused else ""
        media = ", ".join(f"{count} {medium}" for medium, count in sorted(self.media.items()))
        media = f", {media}" if len(self.media) > 1 else ""
        return (f"{self.lives} lives, {self.cuts} cut ({self.in_mounts} before their mount was over{media}), "
                f"{self.whole} to their end{refused}; {self.changes} changes durable, nothing lost")


class Campaign:
    """A volume that is cut again and again. `check` looks at the images after each life."""

    def __init__(self, machine, elf, image, check, seed):
        self.machine, self.elf, self.image, self.check = machine, elf, image, check
        self.random = random.Random(seed)
        self.ledger, self.tally = Ledger(), Tally()

    def life(self, run, cut):
        """One life; `cut` says in words where it was to end."""
        before = sum(self.ledger.done.values())
        ended = run()
        was_cut = "cut" in ended.lines or ended.status in KILLED
        self.tally.lives += 1
        try:
            if was_cut == ended.passed:
                raise Broken("the program failed")
            self.ledger.take(ended.lines)
            self.check()
        except Broken as broken:
            raise SystemExit(f"{self.elf.name}, life {self.tally.lives}, cut {cut}: {broken}\n"
                             f"{ended}\nthe image is {self.image}") from broken
        self.tally.media.update(line for line in ended.lines if line.startswith("in the "))
        self.tally.cuts += was_cut
        self.tally.whole += not was_cut
        self.tally.in_mounts += was_cut and "mounted" not in ended.lines
        self.tally.changes += sum(self.ledger.done.values()) - before

    def whole(self, rounds=ROUNDS):
        self.life(lambda: emulator.run(self.machine, self.elf, ["live", f"rounds={rounds}"],
                                       self.image), "nowhere")

    def by_instructions(self, count, plugin, total):
        """Cuts before instructions, a third of them where a mount is under way."""
        for number in range(count):
            at = self.random.randrange(total // 6 if number % 3 == 0 else total)
            self.life(lambda: emulator.run(self.machine, self.elf, ["live", f"rounds={ROUNDS}"],
                                           self.image, [plugin, f"cut={at + 1}"]),
                      f"before instruction {at + 1}")

    def by_programs(self, count, total):
        """Cuts in programs and erases, a third of them where a mount is under way."""
        for number in range(count):
            at = self.random.randrange(6 if number % 3 == 0 else total) + 1
            quarters = self.random.randrange(5)
            words = ["live", f"rounds={ROUNDS}", f"cut={at}", f"quarters={quarters}"]
            self.life(lambda: emulator.run(self.machine, self.elf, words, self.image),
                      f"in program {at}, after {quarters} quarters")

    def in_format(self, fresh, count):
        """Cuts in the first programs and erases of a blank medium, each on a new one. Until the first
        whole mark of a format, its third step, what is left may be neither blank nor a volume."""
        for at in range(1, FORMAT_STEPS + 1):
            for quarters in self.random.sample(range(5), count):
                fresh()
                self.ledger = Ledger()
                words = ["live", "rounds=1", f"cut={at}", f"quarters={quarters}"]
                cut = emulator.run(self.machine, self.elf, words, self.image)
                if "cut" not in cut.lines:
                    raise SystemExit(f"{self.elf.name}: program {at} was never reached: {cut}")
                self.ledger.take(cut.lines)
                again = emulator.run(self.machine, self.elf, ["live", "rounds=1"], self.image)
                has_mark = at > MARK or at == MARK and quarters == 4
                refused = not has_mark and "failed: Volume(NotFormatted)" in again.lines
                if not again.passed and not refused:
                    raise SystemExit(f"{self.elf.name}: program {at} of a format, {quarters} quarters: "
                                     f"{again}")
                self.ledger.take(again.lines)
                self.tally.lives += 2
                self.tally.cuts += 1
                self.tally.in_mounts += "mounted" not in cut.lines
                self.tally.whole += again.passed
                self.tally.refused += refused
