"""The program that runs notebooks' cells as Jupyter runs them, many notebooks in copies of one process.

It reads a task as JSON from its input and writes one line of JSON for each notebook. Without a sandbox: it is meant for
code of the course's own. The cells that all notebooks begin with run once, so that libraries are imported once.
"""

import contextlib
import json
import os
import re
import resource
import select
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

ANSI = re.compile(r"\x1b\[[0-9;]*m")
PIECE = 1 << 16

Cell = tuple[str, str]  # label, source


class QuietShell(InteractiveShell):
    """Jupyter's shell without a terminal: what it would show of an error is kept; it starts no other program."""

    shown = ""

    def _showtraceback(self, etype: object, evalue: object, stb: Sequence[str]) -> None:
        self.shown = ANSI.sub("", "\n".join(stb))

    def system(self, cmd: str) -> None:
        """Not run: a notebook's own shell lines would change this machine."""

    system_raw = system_piped = system

    def enable_gui(self, gui: object = None) -> None:
        """Nothing: a plot has no window here."""

    def error_of(self, source: str) -> str:
        """Run a cell; what is shown if it fails, else an empty text."""
        self.shown = ""
        result: Any = self.run_cell(source, store_history=True)  # type: ignore[no-untyped-call]
        return "" if result.success else self.shown.strip() or "an error that is not shown"


def new_shell() -> Any:
    """The one shell of this process, without history and without pip."""
    shell: Any = QuietShell.instance()
    shell.history_manager.enabled = False
    for name in ("pip", "conda", "mamba", "uv"):
        shell.register_magic_function(lambda _: None, "line", name)
    return shell


def warm_up(shell: QuietShell, cells: Sequence[Cell]) -> None:
    """Run cells for what their libraries load at first use, and forget the names that they bind."""
    before = dict(shell.user_ns)
    for _, source in cells:
        shell.error_of(source)
    shell.user_ns.clear()
    shell.user_ns.update(before)


def in_a_copy(shell: QuietShell, cells: Sequence[Cell], last: Sequence[Cell], seconds: float) -> dict[str, str] | None:
    """What is shown of each cell that fails, by its label, in a copy of this process; None if it comes to no end.

    The ``last`` cells run only where no other failed. A cell without a label is run, and may fail.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 1, int(seconds) + 2))
        failed = {label: shown for label, source in cells if (shown := shell.error_of(source)) and label}
        if not failed:
            failed = {label: shown for label, source in last if (shown := shell.error_of(source)) and label}
        with os.fdopen(writing, "w", encoding="utf-8") as file:
            json.dump(failed, file)
        os._exit(0)
    os.close(writing)
    answer = b"".join(_read(reading, time.monotonic() + seconds))
    os.close(reading)
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    found: dict[str, str] | None = json.loads(answer) if answer.endswith(b"}") else None
    return found


def _read(descriptor: int, deadline: float) -> Iterator[bytes]:
    """All that comes before the other end is closed, or the deadline is there."""
    while select.select([descriptor], [], [], max(deadline - time.monotonic(), 0))[0]:
        piece = os.read(descriptor, PIECE)
        if not piece:
            return
        yield piece


def main() -> None:
    """Do the task; what cells print goes nowhere."""
    task: dict[str, Any] = json.load(sys.stdin)
    with os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8") as out:
        with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
            for stream in (sys.stdout, sys.stderr):
                os.dup2(nowhere.fileno(), stream.fileno())
        shell = new_shell()
        for _, source in task["first"]:
            shell.error_of(source)
        warm_up(shell, task["whole"])
        for cells, last in task["notebooks"]:
            out.write(json.dumps(in_a_copy(shell, cells, last, task["seconds"])) + "\n")
            out.flush()


if __name__ == "__main__":
    main()
