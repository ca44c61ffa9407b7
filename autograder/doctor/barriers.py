"""What comes through a barrier: tried from inside, by a real student process."""

import contextlib
import os
import secrets
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from autograder.course.limits import Limits
from autograder.judging.process import StudentProcess
from autograder.judging.session import Answered, Outcome
from autograder.sandbox import HOST_IN_REACH, Barrier
from autograder.sandbox.view import interpreter

PROBE = Path(__file__).with_name("inside.py")
# what the probe tries, in words
TRIED = {
    "network": "network",
    "files": "reading of files that are not shown",
    "privileges": "privileges",
    "namespaces": "new user namespaces",
    "signals": "signals to the outside",
    "writing": "writing outside",
    "reading of the host": "reading of the process that its copies come from",
    "tracing of the host": "tracing of that process",
    "limits of the host": "limits for that process",
}
HOST_ENDED = "signals to that process"
PLACES = ("environment", "command line", "working directory", "descriptors", "memory")  # of the grader
ALL_TRIED = (*TRIED.values(), HOST_ENDED, f"{', '.join(PLACES[:-1])} or {PLACES[-1]} of the grader")
VARIABLE = "AUTOGRADER_CANARY"
PATIENCE = 60.0  # seconds; without a barrier the probe reads the memory of every process


def what_comes_through(barrier: Barrier, imports: Sequence[str] = ()) -> tuple[str, ...]:
    """Start the student process for real and have it try what it must not be able to do; what came through, in words.

    Nothing harmful is tried: what may be called, killed, read and written to is made for it. Secrets to be found lie in
    this process's environment, memory and descriptors, and in all of another process of the same user.
    """
    planted = {place: f"canary-{place}-{secrets.token_hex(8)}" for place in PLACES}
    process = StudentProcess(barrier, Limits(), imports=imports)
    with _planted(planted) as (folder, port, bystander), process:
        process.load([], PROBE.read_text(encoding="utf-8"))
        pids = {"bystander": bystander.pid, "grader": os.getpid()}
        seen = _asked(process, "look", {"folder": str(folder), "port": port, **pids})
        _asked(process, "end_host", {})
        with process.session():  # a host that was ended is replaced for it
            ended = process.starts > 1 and HOST_IN_REACH not in barrier.weaknesses
        bystander.communicate()  # it ends by itself now, unless it was killed
        killed, written = bystander.returncode != 0, (folder / "written").exists()
    answer = seen.values if isinstance(seen, Answered) else None
    came, found = (answer.get("came"), answer.get("secrets")) if isinstance(answer, dict) else (None, None)
    if not isinstance(came, dict) or not isinstance(found, list):
        return (f"an answer that cannot be used ({seen})",)
    outside = {"signals": killed, "writing": written}  # what happened counts, not what was said of it
    through = [words for name, words in TRIED.items() if outside.get(name, came.get(name) is not False)]
    return (*through, *([HOST_ENDED] if ended else []), *(f"the grader's {each}" for each in found))


def _asked(process: StudentProcess, probe: str, values: dict[str, str | int]) -> Outcome:
    with process.session() as session:
        session.define()
        return session.ask(probe, values, None, PATIENCE)


@contextlib.contextmanager
def _planted(planted: dict[str, str]) -> Iterator[tuple[Path, int, "subprocess.Popen[bytes]"]]:
    """Put every secret into its place, and make what the probe tries; afterwards the environment is as before.

    Gives a folder that is open to everyone but for the barrier, a port that is listened at, and another process of the
    same user. They were made for the probe, so that it harms nothing else.
    """
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.chmod(0o777)
        folder.joinpath("secret").write_text("secret", encoding="utf-8")
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=planted["working directory"])))
        opened = stack.enter_context(tempfile.TemporaryFile())
        opened.write(planted["descriptors"].encode())
        opened.flush()
        os.set_inheritable(opened.fileno(), True)
        os.environ[VARIABLE] = planted["environment"]
        stack.callback(os.environ.pop, VARIABLE, None)
        # the bystander holds every secret, and waits until its input is closed
        command = [interpreter(), "-I", "-S", "-c", "import sys; sys.stdin.read()", planted["command line"]]
        bystander = stack.enter_context(
            subprocess.Popen(command, stdin=subprocess.PIPE, cwd=home, pass_fds=[opened.fileno()])  # noqa: S603 - our own
        )
        yield folder, listener.getsockname()[1], bystander
