"""The grader's side of a cluster: the workers of a Dask scheduler as the graders of a class.

Only this process writes into the folder of results. Dask's part runs in a thread of its own, so that a signal is heard
at once.
"""

import asyncio
import contextlib
import queue
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from distributed import Client
from distributed.utils import silence_logging_cmgr

from autograder.cluster.batch import Batch
from autograder.cluster.parcels import packed_practical
from autograder.errors import CourseError
from autograder.grading.graders import Graded
from autograder.grading.mark import Marking
from autograder.grading.mend import HandedIn

CONNECT, LEAVE = 10.0, 5.0  # seconds to reach the scheduler, and to take leave of it


@dataclass(frozen=True)
class Cluster:
    """See Graders: the workers of the scheduler at that address. ``say`` tells the user what is to be known."""

    address: str
    say: Callable[[str], None]

    def check(self, _: Marking) -> None:
        """CourseError if no scheduler is there. This machine needs no sandbox; each worker looks for its own."""
        with silence_logging_cmgr("CRITICAL"):
            asyncio.run(self._reach())

    async def _reach(self) -> None:
        async with connected(self.address):
            pass

    def results(self, marking: Marking, folder: Path, submissions: Sequence[HandedIn]) -> Generator[Graded]:
        """See Graders. CourseError also if the scheduler goes, or no worker can grade."""
        came: queue.SimpleQueue[Callable[[], Graded] | None] = queue.SimpleQueue()
        practical = packed_practical(marking)

        async def hand_out() -> None:
            async with connected(self.address) as client:
                await Batch(client, practical, marking, folder, submissions, self.say, came.put).run()

        with silence_logging_cmgr("CRITICAL"), _in_background(hand_out, lambda: came.put(None)) as ended:
            while settle := came.get():
                yield settle()
            ended.result()


@contextlib.asynccontextmanager
async def connected(address: str) -> AsyncIterator[Client]:
    """A client of the scheduler; CourseError if there is none. Security is as Dask's configuration says."""
    client = Client(address, asynchronous=True, set_as_default=False, timeout=CONNECT)
    try:
        try:
            await client
        except Exception as error:  # of many kinds: nobody answers, what answers is no scheduler, no such protocol
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            step = "Start one there (dask scheduler), or correct the address; for tls:// see docs/cluster.md."
            raise CourseError(f"No scheduler can be reached at {address}: {reason.rstrip('.')}.", step) from error
        yield client
    finally:
        with contextlib.suppress(OSError):  # TimeoutError too: it has gone
            await client.close(timeout=LEAVE)


@contextlib.contextmanager
def _in_background(
    work: Callable[[], Coroutine[None, None, None]], at_end: Callable[[], None]
) -> Iterator[Future[None]]:
    """What becomes of the work, which runs in a thread of its own, and is cancelled when the ``with`` block is left."""
    outcome: Future[None] = Future()
    begun: queue.SimpleQueue[Callable[[], object]] = queue.SimpleQueue()

    async def main() -> None:
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        assert task
        begun.put(lambda: loop.call_soon_threadsafe(task.cancel))
        await work()

    def run() -> None:
        try:
            asyncio.run(main())
            outcome.set_result(None)
        except BaseException as error:  # it is raised where the outcome is asked for
            outcome.set_exception(error)
        finally:
            at_end()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    cancel = begun.get()
    try:
        yield outcome
    finally:
        with contextlib.suppress(RuntimeError):  # it has come to its end
            cancel()
        thread.join(2 * LEAVE)
