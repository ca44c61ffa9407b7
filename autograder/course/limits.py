"""Every limit on what students hand in and on a student's process, in one place.

The defaults leave a right submission a wide margin, which docs/limits.md measures. A course changes them in its
nbgrader_config.py, as in ``c.Limits.memory = "6 GiB"``.
"""

import dataclasses
import difflib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from autograder.errors import CourseError

KIB, MIB, GIB, TIB = 2**10, 2**20, 2**30, 2**40
SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?(B|KiB|MiB|GiB|TiB)")
BYTES_IN = {"B": 1, "KiB": KIB, "MiB": MIB, "GiB": GIB, "TiB": TIB}
DAY = 86_400.0  # seconds
MAPPED = 4 * GIB  # address space for mapped libraries; a CUDA build of torch alone takes 3 GiB


def _seconds(default: float, least: float) -> Any:
    return field(default=default, metadata={"kind": "seconds", "least": least, "most": DAY})


def _size(default: int, least: int, most: int = TIB) -> Any:
    return field(default=default, metadata={"kind": "size", "least": least, "most": most})


def _number(default: int, least: int, most: int) -> Any:
    return field(default=default, metadata={"kind": "whole number", "least": least, "most": most})


@dataclass(frozen=True)
class Limits:
    """What a submission may hold, and what a student's process may use.

    Times are wall-clock seconds; those in which a busy machine ran others in place of a student's code are not counted
    while it is asked. Sizes are bytes. No limit can be set lower than the sandbox needs for itself.
    """

    time_factor: float = field(default=1.0, metadata={"kind": "factor", "least": 0.1, "most": 100.0})  # see stretched
    seconds_to_start: float = _seconds(120.0, least=5.0)  # the sandbox and the imports, torch among them
    seconds_to_define: float = _seconds(10.0, least=0.5)  # all of the notebook's definitions
    seconds_per_statement: float = _seconds(1.0, least=0.1)  # one statement that is no definition
    seconds_per_ask: float = _seconds(15.0, least=0.5)  # one question, unless the check allows more
    processor_seconds: int = _number(300, least=20, most=1_000_000)  # of one process; wall clock ends most before
    memory: int = _size(4 * GIB, least=1 * GIB)  # what one process holds for itself
    memory_of_all: int = _size(6 * GIB, least=512 * MIB)  # resident memory of the whole sandbox
    processes: int = _number(64, least=8, most=4096)  # processes and threads of the whole sandbox
    open_files: int = _number(256, least=64, most=65_536)  # of one process
    file_size: int = _size(32 * MIB, least=64 * KIB)  # one file
    tmp_size: int = _size(64 * MIB, least=64 * KIB)  # the private /tmp, and as much again in /dev/shm
    seconds_to_read: float = _seconds(15.0, least=2.0)  # one submission, or to render one page of it
    memory_to_read: int = _size(400 * MIB, least=64 * MIB)  # likewise
    largest_notebook: int = _size(64 * MIB, least=64 * KIB, most=GIB)  # the file that was handed in
    longest_cell: int = _number(200_000, least=10_000, most=1_000_000)  # characters
    all_code: int = _number(400_000, least=10_000, most=2_000_000)  # characters of all code cells together
    code_cells: int = _number(1_000, least=100, most=2_000)

    def rlimits(self) -> dict[str, int]:
        """The limits that the kernel enforces, by their names in the resource module."""
        return {
            "RLIMIT_DATA": self.memory,
            "RLIMIT_AS": self.memory + MAPPED,
            "RLIMIT_NPROC": self.processes,
            "RLIMIT_FSIZE": self.file_size,
            "RLIMIT_NOFILE": self.open_files,
            "RLIMIT_CPU": self.processor_seconds,
            "RLIMIT_CORE": 0,
        }

    def changes(self) -> str:
        """The limits that differ from the defaults, in words; empty if none does."""
        given = {each.name: getattr(self, each.name) for each in dataclasses.fields(self)}
        return ", ".join(
            f"{name} {in_words(value) if FIELDS[name].metadata['kind'] == 'size' else value}"
            for name, value in given.items()
            if value != FIELDS[name].default
        )

    def seconds_for(self, own: float | None) -> float:
        """How many seconds one question may take; ``own`` is what its check allows, if that is not the usual time."""
        return own * self.time_factor if own else self.seconds_per_ask

    def stretched(self) -> "Limits":
        """The limits with all times multiplied by ``time_factor``; it also stays, for the times that checks allow."""
        factor = self.time_factor
        return dataclasses.replace(
            self,
            seconds_to_start=self.seconds_to_start * factor,
            seconds_to_define=self.seconds_to_define * factor,
            seconds_per_statement=self.seconds_per_statement * factor,
            seconds_per_ask=self.seconds_per_ask * factor,
            seconds_to_read=self.seconds_to_read * factor,
            processor_seconds=math.ceil(self.processor_seconds * factor),
        )


FIELDS = {each.name: each for each in dataclasses.fields(Limits)}


def limits_from(given: Mapping[str, object], where: str) -> Limits:
    """The limits that a course sets, the defaults of all others, and all times multiplied by its time factor.

    CourseError names ``where`` they stand, the setting, and what is allowed.
    """
    for name in given:
        if name not in FIELDS:
            near = difflib.get_close_matches(name, FIELDS, 1)
            meant = f" Did you mean {near[0]}?" if near else ""
            message = f"{where}: there is no limit named {name}.{meant}"
            raise CourseError(message, f"The limits are {', '.join(FIELDS)}.")
    return Limits(**{name: _checked(name, value, where) for name, value in given.items()}).stretched()


def _checked(name: str, given: object, where: str) -> Any:
    """A setting's value as a number; CourseError if it is of the wrong kind or out of range."""
    kind, least, most = (FIELDS[name].metadata[key] for key in ("kind", "least", "most"))
    value = _bytes(given) if kind == "size" else given
    right = (int,) if kind in ("size", "whole number") else (int, float)
    if isinstance(value, bool) or not isinstance(value, right) or not least <= value <= most:
        shown = f"{least:g} to {most:g}" if kind != "size" else f"{in_words(least)} to {in_words(most)}"
        examples = ', such as "512 MiB" or a number of bytes' if kind == "size" else ""
        named = {"size": "a size", "seconds": "seconds,"}.get(kind, f"a {kind}")
        message = f"{where}: c.Limits.{name} is {given!r:.100}. It should be {named} from {shown}{examples}."
        raise CourseError(message, "Correct it there; docs/limits.md says what each limit is for.")
    return value


def _bytes(given: object) -> object:
    """The number of bytes of a size such as "512 MiB"; everything else as it is."""
    match = SIZE.fullmatch(given.strip()) if isinstance(given, str) else None
    return int(float(match[1]) * BYTES_IN[match[2]]) if match else given


def in_words(size: int) -> str:
    """A number of bytes in the largest unit that leaves no fraction: 512 MiB."""
    unit = max((unit for unit, factor in BYTES_IN.items() if size % factor == 0), key=BYTES_IN.__getitem__)
    return f"{size // BYTES_IN[unit]} {unit}"
