"""Every limit on a student's process, in one place.

The defaults leave a right submission a wide margin.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """What a student's process may use. Times are wall-clock seconds, sizes are bytes."""

    seconds_to_start: float = 120.0  # the sandbox and the imports, torch among them
    seconds_to_define: float = 10.0  # all of the notebook's definitions
    seconds_per_ask: float = 10.0  # one question, unless the check allows more
    memory: int = 4 * 2**30  # address space of one process
    memory_of_all: int = 6 * 2**30  # resident memory of the whole sandbox
    processes: int = 64  # processes and threads of the whole sandbox
    file_size: int = 32 * 2**20  # one file
    tmp_size: int = 64 * 2**20  # the private /tmp
    open_files: int = 256
    processor_seconds: int = 300  # of one process; wall-clock limits end most before

    def rlimits(self) -> dict[str, int]:
        """The limits that the kernel enforces, by their names in the resource module."""
        return {
            "RLIMIT_AS": self.memory,
            "RLIMIT_NPROC": self.processes,
            "RLIMIT_FSIZE": self.file_size,
            "RLIMIT_NOFILE": self.open_files,
            "RLIMIT_CPU": self.processor_seconds,
            "RLIMIT_CORE": 0,
        }
