"""A barrier on trial: what comes through it, tried from inside by a student process."""

import socket
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from autograder.limits import Limits
from autograder.process import Answered, StudentProcess
from autograder.sandbox import Barrier, interpreter

PROBE = """
import ctypes, os, pathlib, signal, socket

def tried(act):
    try:
        act()
    except Exception:
        return False
    return True

def new_namespace():
    if ctypes.CDLL(None).unshare(0x10000000):
        raise OSError

def look(session, folder, bystander, port):
    folder = pathlib.Path(folder)
    tried(lambda: os.kill(bystander, signal.SIGKILL))
    tried(lambda: folder.joinpath("written").write_text("written"))
    return {
        "network": tried(lambda: socket.create_connection(("127.0.0.1", port), timeout=1)),
        "secret": tried(folder.joinpath("secret").read_text),
        "root": tried(lambda: os.setgroups([])),
        "namespaces": tried(new_namespace),
    }
"""
SEEN_INSIDE = {
    "network": "network",
    "secret": "reading of files that are not shown",
    "root": "privileges",
    "namespaces": "new user namespaces",
}
SEEN_OUTSIDE = ("signals to the outside", "writing outside")


def what_comes_through(barrier: Barrier, imports: Sequence[str] = ()) -> tuple[str, ...]:
    """Start the student process for real and have it try what it must not be able to do; what it could, in words.

    Nothing harmful is tried: what may be called, killed, read and written to is made for it.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    with tempfile.TemporaryDirectory() as name, _bystander() as bystander, listener:
        folder = Path(name)
        folder.chmod(0o777)  # open to everyone: only the barrier keeps it from being read and written to
        folder.joinpath("secret").write_text("secret", encoding="utf-8")
        with StudentProcess(barrier, Limits(), imports=imports) as process:
            process.load([], PROBE)
            with process.session() as session:
                session.define()
                port = listener.getsockname()[1]
                outcome = session.ask("look", {"folder": name, "bystander": bystander.pid, "port": port})
        killed, written = bystander.poll() is not None, folder.joinpath("written").exists()
    seen = outcome.values if isinstance(outcome, Answered) else None
    if not isinstance(seen, dict):
        return (f"an answer that is none ({outcome})",)
    inside = [words for key, words in SEEN_INSIDE.items() if seen.get(key) is not False]
    return (*inside, *(words for words, came in zip(SEEN_OUTSIDE, (killed, written), strict=True) if came))


def _bystander() -> "subprocess.Popen[bytes]":
    """A process that waits until its input is closed, for others to try their signals on."""
    command = [interpreter(), "-I", "-S", "-c", "import sys; sys.stdin.read()"]
    return subprocess.Popen(command, stdin=subprocess.PIPE)  # noqa: S603 - our own command
