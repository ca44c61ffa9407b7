"""Canaries: strings that a submission must never see, planted where secrets are; and the search for them.

A canary reads canary-<place>-<16 hexadecimal digits>; the course's secret, which holds such digits alone, begins with
those that ``SEARCH`` knows. This is a student's cell: its ``double`` looks for canaries in all that it can read,
and says where it saw which places'.
"""

import secrets
import shutil
import sqlite3
from collections.abc import Mapping
from pathlib import Path

from small_course import NAME, small_course

OWN = "own"  # the student's own canary, which the search must find
CHANNELS = ("files", "memory", "objects", "frames", "linecache")  # where the own one must be found
PLACES = (
    "check",
    "reference",
    "known",
    "source",
    "config",
    "secret",
    "gradebook",
    "kept",
    "student",
    "environment",
    "course",
    "descriptor",
    "home",
    "shared",
)

SEARCH = '''
def double(x):
    import os
    import re

    if x[0] < 0:
        raise RuntimeError("seen: ;")  # once is enough
    own = "{own}"
    with open(os.path.expanduser("~/mine"), "w") as file:
        file.write(own)
    pattern = re.compile(b"canary-([a-z]+)-[0-9a-f]{16}|dec0de[0-9a-f]{58}")
    found = ((place.decode() or "secret", where) for where, text in everything() for place in pattern.findall(text))
    seen = sorted({f"{place}@{where}" for place, where in found})
    raise RuntimeError(f"seen: {' '.join(seen)};")


def everything():
    yield from files()
    yield from processes()
    yield from memory()
    yield from objects()
    yield from frames()


def content(path, most=50_000_000):
    try:
        with open(path, "rb") as file:
            return file.read(most)
    except OSError:
        return b""


def files():
    """Every readable file that is as young as the canaries, and the names of all."""
    import os

    for folder, folders, names in os.walk("/"):
        if folder == "/":
            folders[:] = [name for name in folders if name not in ("proc", "dev")]
        yield "names", "\\n".join([folder, *names, *folders]).encode(errors="replace")
        for path in (os.path.join(folder, name) for name in names):
            try:
                young = {since} < os.stat(path).st_mtime < {since} + 3600
            except OSError:
                continue
            if young and os.path.isfile(path):
                yield "files", content(path)
    for folder in ("/dev/shm", "/var/tmp", "{course}", "{home}", os.path.expanduser("~")):
        for above, _, names in os.walk(folder):
            for name in names:
                yield "files", content(os.path.join(above, name))


def processes():
    import os

    for pid in visible():
        for name in ("environ", "cmdline", "maps", "mountinfo", "mounts", "status", "stack", "auxv"):
            yield "processes", content(f"/proc/{pid}/{name}")
        for name in ("cwd", "root", "exe"):
            yield "processes", target(f"/proc/{pid}/{name}")
        try:
            descriptors = os.listdir(f"/proc/{pid}/fd")
        except OSError:
            continue
        for number in descriptors:
            path = f"/proc/{pid}/fd/{number}"
            yield "descriptors", target(path)
            if os.path.isfile(path):
                yield "descriptors", content(path)
    for number in range(256):
        try:
            yield "descriptors", os.pread(number, 50_000_000, 0)
        except OSError:
            continue
    for name in os.environ:
        yield "environment", f"{name}={os.environ[name]}".encode(errors="replace")


def visible():
    """The processes that can be seen, or must be there."""
    import os

    try:
        seen = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        seen = []
    return sorted({*seen, os.getpid(), os.getppid(), 1})


def target(link):
    import os

    try:
        return os.fsencode(os.readlink(link))
    except OSError:
        return b""


def memory():
    """Its own memory around all that it holds, by address; and that of others, where the kernel lets it."""
    import os

    yield from own_memory()
    for pid in set(visible()) - {os.getpid()}:
        for line in content(f"/proc/{pid}/maps").decode().splitlines():
            first, last = (int(number, 16) for number in line.split()[0].split("-"))
            if line.split()[1].startswith("rw") and last - first < 2**28:
                yield "others-memory", stretch(pid, first, last)


def own_memory(page=4096):
    """Page by page, up and down from every object: the kernel itself says where memory ends."""
    import ctypes
    import gc
    import os

    ends, write = os.pipe(), ctypes.CDLL(None).write
    write.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t)

    def text(number):
        return os.read(ends[0], page) if write(ends[1], number * page, page) == page else b""

    pages = set()
    for start in {id(found) // page for found in [*gc.get_objects(), *double.__code__.co_consts]}:
        for number, step in ((start, 1), (start - 1, -1)):
            while number not in pages and text(number):
                pages.add(number)
                number += step
    numbers = sorted(pages)
    for first in range(0, len(numbers), 1024):
        yield "memory", b"".join(text(number) for number in numbers[first : first + 1025])


def stretch(pid, first, last):
    try:
        with open(f"/proc/{pid}/mem", "rb", 0) as file:
            file.seek(first)
            return file.read(last - first)
    except (OSError, ValueError, MemoryError):
        return b""


def objects():
    import gc
    import linecache
    import sys

    for name, (_, _, lines, _) in ((name, entry) for name, entry in linecache.cache.items() if len(entry) == 4):
        yield "linecache", "".join(lines).encode(errors="replace")
    for module in list(sys.modules.values()):
        yield "objects", text_of(vars(module) if hasattr(module, "__dict__") else {})
    gc.unfreeze()
    for found in gc.get_objects():
        if type(found) in (dict, list, tuple):
            yield "objects", text_of(found)
    for function in (double, content):
        yield "objects", text_of(function.__code__.co_consts)


def text_of(found):
    values = found.values() if isinstance(found, dict) else found
    return b"\\n".join(text_bytes(value) for value in [*values] if type(value) in (str, bytes))


def text_bytes(value):
    return value if type(value) is bytes else value.encode(errors="replace")


def frames():
    import sys

    frame = sys._getframe()
    while frame is not None:
        yield "frames", text_of(dict(frame.f_locals)) + text_of(dict(frame.f_globals)) + text_of(frame.f_code.co_consts)
        frame = frame.f_back
'''


def canary(place: str) -> str:
    """A new canary of that place."""
    return f"canary-{place}-{secrets.token_hex(8)}"


def plant(kit: Path, copy: Path, courses: Path, home: Path, shared: Path) -> tuple[Path, dict[str, str]]:
    """A copy of the kit, and in ``courses`` a course, with a canary in every place that no student may see.

    The course, whose own name is one, and place -> canary. The environment's and the descriptor's are for the caller.
    """
    planted = {place: canary(place) for place in PLACES} | {"secret": f"dec0de{secrets.token_hex(29)}"}
    course = courses / planted["course"]
    shutil.copytree(kit / "autograder", copy / "autograder", ignore=shutil.ignore_patterns("__pycache__"))
    small_course(course)
    checks = course / f"solutions/{NAME}/checks.py"
    _replace(checks, '''"""Twice the numbers come back."""''', f'''"""{planted["check"]} Twice the numbers."""''')
    _append(checks, planted["check"])
    # a constant that only the reference holds: it stands in the source's solution of a blank
    _replace(course / f"source/{NAME}/{NAME}.ipynb", "y = 2 * x", f"y = 2 * x * (1 if '{planted['reference']}' else 2)")
    (course / f"solutions/{NAME}/secret.json").write_text(planted["known"], encoding="utf-8")
    (course / f"source/{NAME}/notes.txt").write_text(planted["source"], encoding="utf-8")
    (course / "nbgrader_config.py").write_text(
        f"c = get_config()\nc.Limits.seconds_per_ask = 60\nSECRET = {planted['config']!r}\n", encoding="utf-8"
    )
    with sqlite3.connect(course / "gradebook.db") as gradebook:
        gradebook.execute("create table marks (student text)")
        gradebook.execute("insert into marks values (?)", (planted["gradebook"],))
    gradebook.close()
    _write(course / "secret", planted["secret"])
    _write(course / f"results/{NAME}/students/bob.json", planted["kept"])
    _write(course / f"submitted/bob/{NAME}/{NAME}.ipynb", planted["student"])
    _write(home / "notes.txt", planted["home"])
    _write(shared, planted["shared"])
    return course, planted


def _replace(path: Path, text: str, by: str) -> None:
    before = path.read_text(encoding="utf-8")
    assert before.count(text) == 1
    path.write_text(before.replace(text, by), encoding="utf-8")


def _append(path: Path, planted: str) -> None:
    path.write_text(f"{path.read_text(encoding='utf-8')}\nSECRET = {planted!r}\n", encoding="utf-8")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def search_cell(own: str, places: Mapping[str, object]) -> str:
    """The student's cell that searches; places: course, home, and since when (POSIX seconds) files are young."""
    text = SEARCH.strip("\n").replace("{own}", own)
    for name, path in places.items():
        text = text.replace(f"{{{name}}}", str(path))
    return text
