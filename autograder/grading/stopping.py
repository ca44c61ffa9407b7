"""Turns a signal to stop (Ctrl-C, or SIGTERM from a job scheduler) into an exception, so that cleaning up runs."""

import contextlib
import signal
import threading
import time
from collections.abc import Iterator
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)
PATIENCE = 10.0  # seconds for cleaning up, before the next signal counts


class Stopped(BaseException):
    """A signal stopped the process. ``exit_code`` is the shell's for that signal; ``words`` say what is kept."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.exit_code = 128 + number
        self.words = "What was graded before is kept. Run the same command again to go on."


@contextlib.contextmanager
def stoppable() -> Iterator[None]:
    """Raise Stopped in the main thread on a signal; signals that follow at once do not disturb the cleaning up.

    A signal that is ignored (nohup) stays ignored. Outside the main thread nothing changes.
    """
    before = {number: signal.getsignal(number) for number in SIGNALS}
    ours = [number for number in SIGNALS if before[number] not in (signal.SIG_IGN, None)]
    last = float("-inf")

    def stop(number: int, _: FrameType | None) -> None:
        nonlocal last
        if time.monotonic() - last > PATIENCE:
            last = time.monotonic()
            raise Stopped(number)

    if threading.current_thread() is not threading.main_thread():
        ours = []
    for number in ours:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, before[number])
