"""A cluster on this machine: a scheduler and workers, each a process of its own, forked from one that knows Dask."""

import asyncio
import contextlib
import errno
import os
import signal
import sys
import types
from collections.abc import Callable, Iterator, Mapping
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

import dask
from grader_process import CONTEXT, PATIENCE, PRELOADED, below, command_line, is_alive
from restricted import forbid

from autograder import cli
from autograder.cluster import desk, parcels
from autograder.grading.graders import Graded, grade_one
from autograder.grading.mark import Marking
from autograder.grading.mend import HandedIn

GRADING = [
    "autograder.cluster.serving",
    "autograder.repair",
    "autograder.hints.known",
    "autograder.likeness.sinks",
    "numpy",
]
CONTEXT.set_forkserver_preload([*PRELOADED, *GRADING])
Config = Mapping[str, object]  # Dask's own
PEM = str(Path(__file__).parent / "loopback.pem")  # a certificate, which vouches for itself, and its key
TLS: Config = {
    "distributed.comm.tls.ca-file": PEM,
    **{f"distributed.comm.tls.{role}.cert": PEM for role in ("scheduler", "worker", "client")},
    **{f"distributed.comm.tls.{role}.key": PEM for role in ("scheduler", "worker", "client")},
}


def without_a_sandbox() -> None:
    """Become a machine that allows none of the barriers."""
    forbid("namespaces", "landlock")


def of_another_version() -> None:
    """Become a worker with an older kit."""
    parcels.__version__ = "0.9"  # type: ignore[attr-defined]


def killed_by_zoe() -> None:
    """Become a worker whose process does not survive zoe's submission."""

    def graded(marking: Marking, folder: Path, submission: HandedIn) -> Graded:
        if submission.student == "zoe":
            os.kill(os.getpid(), signal.SIGKILL)
        return grade_one(marking, folder, submission)

    desk.grade_one = graded  # type: ignore[attr-defined]


def with_a_full_disk() -> None:
    """Become a worker that can take a practical in, and nothing more."""

    def graded(marking: Marking, folder: Path, submission: HandedIn) -> Graded:
        raise OSError(errno.ENOSPC, "No space left on device", "/tmp/there")

    desk.grade_one = graded  # type: ignore[attr-defined]


def schedule(said: Connection, protocol: str, config: Config) -> None:
    """Be a scheduler; its address is said."""
    from distributed import Scheduler

    async def run() -> None:
        async with Scheduler(protocol=protocol, host="127.0.0.1", port=0, dashboard_address=":0") as scheduler:
            said.send(scheduler.address)
            await scheduler.finished()

    with quiet(), dask.config.set(config):
        asyncio.run(run())


def work(address: str, folder: str, become: Callable[[], None] | None, config: Config) -> None:
    """Be a worker as Dask alone would start it."""
    from distributed import Worker

    async def run() -> None:
        async with Worker(address, nthreads=1, memory_limit=0, local_directory=folder) as worker:
            await worker.finished()

    if become:
        become()
    with quiet(), dask.config.set(config):
        asyncio.run(run())


def serve(words: list[str], log: str) -> None:
    """Be the command; what it says goes to a file."""
    os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # as on a terminal, however the tests were started
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.environ["COLUMNS"] = "400"
    sys.modules["__main__"] = types.ModuleType("__main__")  # its workers are to import no program of tests
    cli.app(words)


def quiet() -> contextlib.AbstractContextManager[object]:
    """Without Dask's log."""
    from distributed.utils import silence_logging_cmgr

    return silence_logging_cmgr("CRITICAL")


class LoopbackCluster:
    """A scheduler on the loopback interface, and the workers that are started for it."""

    def __init__(self, folder: Path, protocol: str = "tcp", config: Config | None = None) -> None:
        self.folder, self.config = folder, dict(config or {})
        hears, says = CONTEXT.Pipe(duplex=False)
        self.processes: list[BaseProcess] = []
        self.scheduler = self._started(schedule, says, protocol, self.config)
        assert hears.poll(PATIENCE)
        self.address: str = hears.recv()

    def _started(self, target: Callable[..., None], *arguments: object) -> BaseProcess:
        process = CONTEXT.Process(target=target, args=arguments)
        process.start()
        self.processes.append(process)
        return process

    def worker(self, become: Callable[[], None] | None = None) -> BaseProcess:
        """One more worker, as Dask alone starts it."""
        folder = self.folder / f"worker {len(self.processes)}"
        return self._started(work, self.address, str(folder), become, self.config)

    def command(self, jobs: int = 1) -> "WorkerCommand":
        """``autograder worker``."""
        log = self.folder / f"worker {len(self.processes)}.log"
        log.touch()
        return WorkerCommand(self._started(serve, ["worker", self.address, "--jobs", str(jobs)], str(log)), log)

    def close(self) -> None:
        """End all that still runs."""
        for process in self.processes:
            family = below(process.pid or 0)
            process.kill()
            process.join(PATIENCE)
            for pid in family:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


class WorkerCommand:
    """``autograder worker`` in a process of its own."""

    def __init__(self, process: BaseProcess, log: Path) -> None:
        self.process, self.log = process, log

    @property
    def workers(self) -> list[int]:
        """The processes that grade."""
        return [pid for pid in below(self.process.pid or 0) if "spawn_main" in command_line(pid) and is_alive(pid)]

    @property
    def said(self) -> str:
        """All that it printed, in one line."""
        return " ".join(self.log.read_text(encoding="utf-8").split())

    def finished(self) -> int | None:
        """Its exit code, once it has come to an end."""
        self.process.join(PATIENCE)
        return self.process.exitcode


@contextlib.contextmanager
def loopback(folder: Path, protocol: str = "tcp", config: Config | None = None) -> Iterator[LoopbackCluster]:
    """A cluster without workers; whatever is started for it ends with the block."""
    cluster = LoopbackCluster(folder, protocol, config)
    try:
        yield cluster
    finally:
        cluster.close()
