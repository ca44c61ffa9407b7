"""Many pieces of work in worker processes; if a worker is killed, the other pieces are still done.

A killed worker (most often there was no memory left) breaks the whole pool, and Python does not say whose work it did.
So no more pieces run than there are workers, and each piece that ran when the pool broke runs again, alone in a fresh
process. A piece whose process is killed again is given up. Workers end when the process that started them ends,
however that ends.
"""

import contextlib
import multiprocessing
import os
import pickle
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from functools import lru_cache
from multiprocessing.connection import Connection
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")
L = TypeVar("L")


def outcomes(work: Callable[[T], R], pieces: Sequence[T], workers: int, lost: Callable[[T], L]) -> Generator[R | L]:
    """What becomes of each piece, as they finish: in this process where one worker is enough, else in workers."""
    if workers == 1 or len(pieces) == 1:
        yield from map(work, pieces)
        return
    for _, outcome in done_by_workers(work, pieces, workers, lost):
        yield outcome


def done_by_workers(
    work: Callable[[T], R], pieces: Sequence[T], workers: int, lost: Callable[[T], L]
) -> Iterator[tuple[T, R | L]]:
    """Each piece with the result of ``work``, in the order in which they finish; ``workers`` run at once.

    ``lost`` makes the outcome of a piece whose process was killed twice. What ``work`` raises is raised here, and ends
    all workers; so does leaving the iterator.
    """
    waiting = deque(pieces)
    while waiting:
        suspects: list[T] = []
        yield from _run(work, waiting, workers, suspects)
        for piece in suspects:
            killed_again: list[T] = []
            yield from _run(work, deque([piece]), 1, killed_again)
            yield from ((each, lost(each)) for each in killed_again)


def _run(work: Callable[[T], R], waiting: deque[T], workers: int, suspects: list[T]) -> Iterator[tuple[T, R]]:
    """Run pieces from ``waiting`` until none is left or a worker is killed; what ran then goes to ``suspects``."""
    pickled, workers = pickle.dumps(work), min(workers, len(waiting))
    under_way: dict[Future[R], T] = {}
    with _pool(workers) as pool:
        while under_way or (waiting and not suspects):
            while waiting and not suspects and len(under_way) < workers:
                try:
                    future = _submitted(pool, pickled, waiting[0])
                except BrokenProcessPool:
                    break  # the futures under way raise it too
                under_way[future] = waiting.popleft()
            for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                piece = under_way.pop(future)
                try:
                    outcome = future.result()
                except BrokenProcessPool:
                    suspects.append(piece)
                else:
                    yield piece, outcome


@contextlib.contextmanager
def _pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Workers that end with this process, or when the ``with`` block is left."""
    context = multiprocessing.get_context("spawn")  # a fresh interpreter each: torch's threads do not survive a fork
    watched, leash = context.Pipe(duplex=False)
    executor = ProcessPoolExecutor(workers, mp_context=context, initializer=_prepare, initargs=(watched,))
    try:
        yield executor
    finally:
        leash.close()  # the workers end at once, whatever they are doing
        executor.shutdown(wait=True, cancel_futures=True)
        watched.close()


def _submitted(pool: ProcessPoolExecutor, work: bytes, piece: Any) -> Future[Any]:
    """Hand a piece to a worker; a worker that starts for it does not get Ctrl-C before it is prepared."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return pool.submit(_do, work, piece)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _do(work: bytes, piece: Any) -> Any:
    return _unpickled(work)(piece)


@lru_cache(maxsize=1)
def _unpickled(work: bytes) -> Callable[[Any], Any]:
    """The work, unpickled once in each process: what it reads for the first piece, it keeps for the next."""
    function: Callable[[Any], Any] = pickle.loads(work)  # noqa: S301 - it comes from this program's main process
    return function


def _prepare(leash: Connection) -> None:
    """Make a worker end with the process that started it, and for no other reason.

    It gets a process group of its own, so that Ctrl-C on the terminal does not reach its sandboxes: a sandbox that ends
    by it would count as a submission that crashed.
    """
    os.setpgid(0, 0)
    signal.signal(signal.SIGINT, lambda *_: None)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    threading.Thread(target=_end_with, args=(leash,), daemon=True).start()


def _end_with(leash: Connection) -> None:
    with contextlib.suppress(OSError):
        leash.poll(None)  # nothing is ever sent; it returns when the other end is closed, or its process is dead
    os._exit(1)
