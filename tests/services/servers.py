"""Real servers for a test: Jupyter with formgrader in a course, PostgreSQL on a socket of its own."""

import contextlib
import os
import pwd
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

BIN = Path(sys.executable).parent
_ADDRESS = re.compile(r"(http://127\.0\.0\.1:\d+/)")


@contextlib.contextmanager
def jupyter(course: Path, home: Path) -> Iterator[str]:
    """The address of a Jupyter server that was started in the course's folder; it ends with the block."""
    words = ["server", "--no-browser", "--allow-root", "--ip=127.0.0.1", "--IdentityProvider.token="]
    place = {"HOME": str(home), "PATH": f"{BIN}:{os.environ['PATH']}", "PYTHONPATH": os.environ.get("PYTHONPATH", "")}
    command = [str(BIN / "jupyter"), *words, "--ServerApp.open_browser=False", "--ServerApp.password="]
    with subprocess.Popen(command, cwd=course, env=place, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        heard: list[str] = []
        for line in server.stderr:
            heard.append(line)
            if found := _ADDRESS.search(line):
                break
        else:
            raise AssertionError("".join(heard))
        threading.Thread(target=server.stderr.read, daemon=True).start()  # a full pipe would stop it
        try:
            yield found[1]
        finally:
            server.terminate()
            server.wait()


@contextlib.contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """The address of a new database on a PostgreSQL server that listens on a socket in the folder alone."""
    programs = max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))
    folder.mkdir()
    user: Mapping[str, Any] = {}
    if os.getuid() == 0:  # the server refuses to run as root
        ordinary = pwd.getpwnam("postgres")
        shutil.chown(folder, ordinary.pw_uid, ordinary.pw_gid)
        for parent in folder.parents[:-2]:  # pytest closes its folders to others
            parent.chmod(parent.stat().st_mode | 0o011)
        user = {"user": ordinary.pw_uid, "group": ordinary.pw_gid, "extra_groups": []}

    def run(program: str, *words: str) -> None:
        done = subprocess.run(
            [programs / program, *words], cwd=folder, env={"LC_ALL": "C.UTF-8"}, capture_output=True, text=True, **user
        )
        assert done.returncode == 0, done.stderr

    run("initdb", "--pgdata=data", "--username=marker", "--auth=trust", "--no-sync")
    options = f"-c listen_addresses='' -c unix_socket_directories='{folder}' -c fsync=off"
    run("pg_ctl", "start", "--wait", "--pgdata=data", "--log=log", f"--options={options}")
    try:
        run("createdb", f"--host={folder}", "--username=marker", "gradebook")
        yield f"postgresql://marker@/gradebook?host={quote(str(folder))}"
    finally:
        run("pg_ctl", "stop", "--pgdata=data", "--mode=immediate")
