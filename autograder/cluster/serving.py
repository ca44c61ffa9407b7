"""Workers: processes of this machine that grade for a scheduler, each one submission at a time.

Dask's nannies start them, and start another one when one is killed.
"""

import asyncio
import signal
import tempfile
from functools import partial
from logging import CRITICAL
from typing import Any

from distributed import Nanny
from distributed.utils import silence_logging_cmgr
from rich.console import Console
from rich.text import Text

from autograder.cluster import desk
from autograder.cluster.calling import connected
from autograder.errors import CourseError
from autograder.grading.stopping import SIGNALS, Stopped


def serve(scheduler: str, jobs: int) -> int:
    """Run so many workers until the scheduler ends; the exit code is then 1.

    Stopped on a signal. CourseError if there is no such scheduler, or a worker does not start.
    """
    with silence_logging_cmgr(CRITICAL), tempfile.TemporaryDirectory(prefix="autograder-") as folder:
        number = asyncio.run(_served(scheduler, jobs, folder))
    if number:
        stopped = Stopped(number)
        stopped.words = "The workers have left; what they were grading goes to others."
        raise stopped
    _say(f"The scheduler at {scheduler} has ended, and the workers with it. Start both again for the next class.")
    return 1


async def _served(scheduler: str, jobs: int, folder: str) -> int:
    """The number of the signal that ended it; 0 if the scheduler did."""
    async with connected(scheduler):
        pass  # so that it is said at once, and in words, if there is none
    stopped = _signal()
    # memory is limited where it is used, in the sandbox; Dask would count the grader's own, and end it
    start = partial(Nanny, nthreads=1, memory_limit=0, local_directory=folder, preload=[desk.__name__])
    nannies = [start(scheduler, silence_logs=CRITICAL) for _ in range(jobs)]
    try:
        await asyncio.gather(*nannies)
        _say(f"Grading for {scheduler}, {jobs} at once. Ctrl-C ends it.")
        ended = asyncio.gather(*(nanny.finished() for nanny in nannies))
        both: list[asyncio.Future[Any]] = [stopped, ended]
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        ended.cancel()
    except (OSError, RuntimeError) as error:
        message = f"The workers do not start: {error or type(error).__name__}."
        raise CourseError(message, "Run autograder doctor, and look at what the scheduler says.") from error
    finally:
        await asyncio.gather(*(nanny.close() for nanny in nannies), return_exceptions=True)
    return stopped.result() if stopped.done() else 0


def _signal() -> "asyncio.Future[int]":
    """The number of the first signal to stop. One that is ignored (nohup) stays ignored."""
    loop = asyncio.get_running_loop()
    came: asyncio.Future[int] = loop.create_future()

    def stop(number: int) -> None:
        if not came.done():
            came.set_result(number)

    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, stop, number)
    return came


def _say(words: str) -> None:
    Console(stderr=True).print(Text(words))
