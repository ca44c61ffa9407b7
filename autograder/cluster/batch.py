"""A batch: the submissions of a class, handed out to the workers that there are, each of which has one at a time.

Every submission is handed to one worker by name, never to any: so it is known whose work it was when a worker ends. It
then waits behind the others for another worker; if that one ends too, it is given up. Workers that join are first sent
the practical, and say whether they can grade with it.
"""

import asyncio
import contextlib
import json
import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from distributed import Client
from distributed.client import FutureCancelledError
from distributed.scheduler import KilledWorker

from autograder.cluster.desk import REFUSED, UNKNOWN, grade_parcel, prepare
from autograder.cluster.parcels import Parcel, digest_of_practical
from autograder.errors import CourseError
from autograder.files import write_atomically
from autograder.grading.graders import Graded, grade_one, lost
from autograder.grading.mark import Marking
from autograder.grading.mend import HandedIn
from autograder.grading.store import from_data, keep, mended_path, result_path
from autograder.notebook.reading import NotANotebookError, open_content
from autograder.records import Submission

LOOK = 0.5  # seconds between two looks at which workers there are
ANSWER = 30.0  # seconds in which the scheduler has to say it
PATIENCE = 300.0  # seconds in which there may be no worker that can grade
MOST_KILLED = 2  # workers that may end while they grade one submission


class Batch:
    """The submissions on their way, with the practical as it is sent.

    ``came`` is told how to settle each submission, which is done in the caller's own thread.
    """

    def __init__(
        self,
        client: Client,
        practical: bytes,
        marking: Marking,
        folder: Path,
        submissions: Sequence[HandedIn],
        say: Callable[[str], None],
        came: Callable[[Callable[[], Graded]], None],
    ) -> None:
        self._client, self._practical, self._digest = client, practical, digest_of_practical(practical)
        self._marking, self._folder, self._say, self._came = marking, folder, say, came
        self._waiting: asyncio.Queue[HandedIn] = asyncio.Queue()
        for each in submissions:
            self._waiting.put_nowait(each)
        self._left, self._over = len(submissions), asyncio.Event()
        self._killed_by: Counter[str] = Counter()
        self._refusals: list[str] = []
        self._seen = time.monotonic()  # when a worker that can grade, or may, was there last
        self._told = False  # whether the user knows that there is none

    async def run(self) -> None:
        """Return when all are settled. CourseError if the scheduler goes, or no worker can grade."""
        serving: dict[str, asyncio.Task[None]] = {}
        try:
            while self._left:
                workers = await self._workers()
                for address in serving.keys() - workers:
                    serving.pop(address).cancel()
                for address in workers - serving.keys():
                    serving[address] = asyncio.create_task(self._serve(address))
                self._look_for_graders(serving)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._over.wait(), LOOK)
                for task in serving.values():
                    if task.done():
                        task.result()
        finally:
            for task in serving.values():
                task.cancel()
            await asyncio.gather(*serving.values(), return_exceptions=True)

    async def _workers(self) -> set[str]:
        """The addresses of the workers that there are now."""
        if self._client.status != "running":
            raise self._gone()
        try:
            return set(await asyncio.wait_for(self._client.nthreads(), ANSWER))
        except OSError as error:  # TimeoutError too
            raise self._gone() from error

    def _gone(self) -> CourseError:
        return CourseError(
            f"The scheduler at {self._address} has gone, and the workers with it.",
            "What came back before is kept. Start them again, and run the same command again to go on.",
        )

    @property
    def _address(self) -> str:
        return str(self._client.scheduler.address) if self._client.scheduler else "that address"

    def _look_for_graders(self, serving: dict[str, asyncio.Task[None]]) -> None:
        """CourseError if for too long there has been no worker that can grade."""
        now = time.monotonic()
        if any(not task.done() for task in serving.values()):
            self._seen, self._told = now, False
            return
        step = f"Start one: autograder worker {self._address}"
        if now - self._seen > PATIENCE:
            reasons = " ".join(self._refusals) or "None has joined."
            raise CourseError(f"No worker of {self._address} can grade. {reasons}", step)
        if not self._told:
            self._say(f"No worker of {self._address} can grade yet. {step}")
            self._told = True

    # ---- one worker ------------------------------------------------------------------------------------------------

    async def _serve(self, address: str) -> None:
        """Hand submissions to one worker, one after the other, for as long as it is there and does not refuse."""
        refusal = await self._prepared(address)
        while not refusal:
            refusal = await self._graded(address, await self._waiting.get())
        words = f"The worker {address} does not grade: {refusal}"
        self._refusals.append(words)
        self._say(words)

    async def _asked(self, address: str, task: Callable[[bytes], Any], packed: bytes) -> Any:
        """What that worker returns for a task."""
        key = f"autograder-{uuid.uuid4()}"
        try:
            return await self._client.submit(task, packed, key=key, workers=[address], pure=False)
        except FutureCancelledError as error:
            raise self._gone() from error

    async def _prepared(self, address: str) -> str:
        """Why a worker can't grade, in words; empty if it can."""
        try:
            return str(await self._asked(address, prepare, self._practical))
        except CourseError:
            raise
        except Exception as error:  # whatever another version of the kit, or none, makes of it
            return _not_the_kit(error)

    async def _graded(self, address: str, submission: HandedIn) -> str:
        """Have a worker grade one submission. Why it can't, in words; empty if it could, or has ended."""
        parcel = self._parcel(submission)
        if parcel is None:  # there is nothing to send: only a fault is to be noted
            self._settled(partial(grade_one, self._marking, self._folder, submission))
            return ""
        try:
            answer = json.loads(await self._asked(address, grade_parcel, parcel.packed()))
        except asyncio.CancelledError:
            self._killed(submission)
            raise
        except KilledWorker:
            self._killed(submission)
            return ""
        except CourseError:
            raise
        except Exception as error:
            self._waiting.put_nowait(submission)
            return _not_the_kit(error)
        if UNKNOWN in answer:  # it ended, and a new one has its address
            self._killed(submission)
            return await self._prepared(address)
        if REFUSED in answer:
            self._waiting.put_nowait(submission)
            return str(answer[REFUSED])
        self._settled(partial(_kept, self._folder, answer))
        return ""

    def _killed(self, submission: HandedIn) -> None:
        """A worker has ended while it graded that submission."""
        self._killed_by[submission.student] += 1
        if self._killed_by[submission.student] < MOST_KILLED:
            self._waiting.put_nowait(submission)
        else:
            self._settled(partial(lost, self._marking, submission))

    def _settled(self, settle: Callable[[], Graded]) -> None:
        self._came(settle)
        self._left -= 1
        if not self._left:
            self._over.set()

    def _parcel(self, submission: HandedIn) -> Parcel | None:
        """What is sent of a submission; None if it is not clear which file it is, or it can't be read."""
        if not isinstance(submission, Submission):
            return None
        student, path = submission.student, submission.path
        try:
            with open_content(path, self._marking.limits.largest_notebook) as file:
                content = file.read()
        except (NotANotebookError, OSError):
            return None
        mended, result = (
            kept.read_bytes() if kept.is_file() else b""
            for kept in (mended_path(self._folder, student), result_path(self._folder, student))
        )
        return Parcel(self._digest, student, path.name, content, submission.note, mended, result)


def _not_the_kit(error: Exception) -> str:
    return f"The same version of the kit is not installed there ({type(error).__name__}: {error})."


def _kept(folder: Path, answer: dict[str, Any]) -> Graded:
    """What a worker found out, kept as if it had been found out here."""
    result = from_data(answer["result"])
    if answer["lost"]:
        return Graded(result, lost=True)
    if answer["mended"]:
        write_atomically(mended_path(folder, result.student), answer["mended"])
    return Graded(result, answer["asked"], keep(folder, result))
