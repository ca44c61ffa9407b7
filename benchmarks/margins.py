"""Measure how far right submissions stay below every limit.

    python -m benchmarks.margins --variants 25 --trained 3

Grades right variants of the corpus in the sandbox, watched from outside by the kernel's own books (proc(5)): at the end
of every question, and five times a second in between. Prints a table for docs/limits.md.
"""

import argparse
import contextlib
import json
import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any
from unittest import mock

from matplotlib import rcParams
from nbformat import NotebookNode

from autograder.course.folders import Course
from autograder.course.limits import BYTES_IN, FIELDS, Limits
from autograder.grading.mark import Marking
from autograder.grading.mend import Mended
from autograder.grading.reading import Reader
from autograder.judging.judge import judge, student_process
from autograder.judging.session import Session
from autograder.rl.training_ground import SECONDS
from autograder.sandbox import choose_barrier
from autograder.sandbox.usage import descendants, memory_of
from autograder.verification.corpus import Variant, load_corpus, variant_notebook
from benchmarks.reading import reading

ROOT = Path(__file__).resolve().parents[1]
PAUSE = 0.2  # seconds between two looks
MARGIN = 3.0  # that a right submission has at least
TICKS = os.sysconf("SC_CLK_TCK")
OWN_SECONDS = "training's own seconds"  # what the check of that question allows


class Watch:
    """The most that was seen in use of each limit, and by what."""

    def __init__(self) -> None:
        self.most: dict[str, tuple[float, str]] = defaultdict(lambda: (0.0, ""))
        self.doing = "start"
        self._noting = threading.Lock()

    def note(self, limit: str, used: float) -> None:
        """Remember the use if none was larger."""
        with self._noting:
            self.most[limit] = max(self.most[limit], (used, self.doing))

    def look(self) -> None:
        """Look at all processes that this one has started, and at their disk."""
        members = descendants(os.getpid(), 1000)
        self.note("processes", sum(members.values()))
        self.note("memory_of_all", sum(map(memory_of, members)))
        for pid in members:
            with contextlib.suppress(OSError, ValueError):  # it has just ended
                self._look_at(Path(f"/proc/{pid}"))

    def _look_at(self, process: Path) -> None:
        status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
        if "VmData" not in status:  # it has ended, and only its exit code is left
            return
        self.note("memory", int(status["VmData"].split()[0]) * 1024)
        self.note("open_files", len(list((process / "fd").iterdir())))
        user, system = (process / "stat").read_text().rpartition(")")[2].split()[11:13]
        self.note("processor_seconds", (int(user) + int(system)) / TICKS)
        if (process / "ns" / "mnt").readlink() == Path("/proc/self/ns/mnt").readlink():
            return  # the sandbox's own keeper, which sees the machine's disk
        for folder in ("tmp", "dev/shm"):
            files = [path.stat().st_size for path in (process / "root" / folder).rglob("*") if path.is_file()]
            self.note("file_size", max(files, default=0))
            self.note("tmp_size", sum(files))

    def _timed(self, limit: str, method: Callable[..., Any]) -> Callable[..., Any]:
        """A Session's method that notes how long it took and looks around at its end."""

        def call(session: Session, *arguments: Any, **named: Any) -> Any:
            self.doing = f"{self.doing.split(':')[0]}: {arguments[0] if limit == 'seconds_per_ask' else 'definitions'}"
            own = len(arguments) > 3 and arguments[3] is not None  # the check's own allowance
            began = time.monotonic()
            outcome = method(session, *arguments, **named)
            taken = time.monotonic() - began
            self.note(OWN_SECONDS if own else limit, taken)
            if named.get("announce"):  # a rehearsal: no statement took longer than all of them
                self.note("seconds_per_statement", taken)
            self.look()
            return outcome

        return call

    @contextlib.contextmanager
    def at_work(self, pause: float = PAUSE) -> Iterator[None]:
        """Look every ``pause`` seconds, and at the end of all that sessions do."""
        stop = threading.Event()

        def keep_looking() -> None:
            while not stop.wait(pause):
                self.look()

        looking = threading.Thread(target=keep_looking, daemon=True)
        looking.start()
        try:
            with (
                mock.patch.object(Session, "define", self._timed("seconds_to_define", Session.define)),
                mock.patch.object(Session, "ask", self._timed("seconds_per_ask", Session.ask)),
            ):
                yield
        finally:
            stop.set()
            looking.join()


def right_variants(course: Course, number: int) -> list[Variant]:
    """So many right variants, from all over the corpus: every other one rewrites whole cells."""
    practical = course.practical
    corpus = load_corpus([practical.folder / "variants"], practical, practical.source)
    right = [variant for variant in corpus if variant.verdict == "right"]
    whole, filled = ([each for each in right if bool(each.cells) is kind] for kind in (True, False))
    halves = (number // 2, number - number // 2)
    return [one for each, wanted in zip((whole, filled), halves, strict=True) for one in spread(each, wanted)]


def spread(items: Sequence[Variant], wanted: int) -> list[Variant]:
    """So many of the items, at even distances."""
    wanted = min(wanted, len(items))
    return [items[number * len(items) // wanted] for number in range(wanted)]


def written(watch: Watch, notebook: NotebookNode, reader: Reader) -> None:
    """Note what the notebook itself holds, its outputs as large as the animation in it may become, and its reading."""
    seconds, memory, _ = reading(reader, json.dumps(notebook).encode())
    watch.note("seconds_to_read", seconds)
    watch.note("memory_to_read", memory * BYTES_IN["MiB"])
    embedded = int(rcParams["animation.embed_limit"] * BYTES_IN["MiB"])  # Matplotlib leaves out frames beyond it
    watch.note("largest_notebook", len(json.dumps(notebook).encode()) + embedded)
    code = [len(cell.source) for cell in notebook.cells if cell.cell_type == "code"]
    watch.note("longest_cell", max(code))
    watch.note("all_code", sum(code))
    watch.note("code_cells", len(code))


def graded(watch: Watch, variants: Sequence[Variant], skip: frozenset[str], course: Course, pause: float) -> None:
    """Grade the variants one after the other under watch; AssertionError if one loses a mark."""
    marking, reader = Marking(course, skip=skip), Reader.of(course)
    practical = course.practical
    with student_process(marking.release.imports, marking.key, choose_barrier(), Limits()) as process:
        began = time.monotonic()
        with process.session():
            watch.note("seconds_to_start", time.monotonic() - began)
        with watch.at_work(pause):
            for variant in variants:
                watch.doing = variant.id
                notebook = variant_notebook(practical.source, practical, variant)
                written(watch, notebook, reader)
                for result in judge(
                    marking.paper(Mended(variant.id, notebook)), marking.key, process, marking.questions
                ):
                    assert result.points == result.max_points, (variant.id, result)


def margins(watch: Watch, limits: Limits) -> dict[str, float]:
    """Every limit in units of the most that was used of it."""
    allowed = {each.name: float(getattr(limits, each.name)) for each in fields(limits) if each.name != "time_factor"}
    allowed[OWN_SECONDS] = SECONDS
    return {name: limit / max(watch.most[name][0], 1e-9) for name, limit in allowed.items() if name in watch.most}


def shown(name: str, value: float) -> str:
    """A limit's value, or a use of it, in words."""
    kind = FIELDS[name].metadata["kind"] if name in FIELDS else "seconds"
    if kind == "size":
        return f"{value / BYTES_IN['MiB']:,.1f} MiB"
    return f"{value:,.2f} s" if kind == "seconds" or name == "processor_seconds" else f"{value:,.0f}"


def table(watch: Watch, limits: Limits) -> Iterator[str]:
    """The table's rows."""
    yield "| limit | default | most used | by | default / use |"
    yield "|---|---|---|---|---|"
    for name, margin in margins(watch, limits).items():
        used, by = watch.most[name]
        limit = SECONDS if name == OWN_SECONDS else float(getattr(limits, name))
        times = f"{margin:,.1f}" if used else "none used"
        label = f"`{name}`" if name in FIELDS else name
        yield f"| {label} | {shown(name, limit)} | {shown(name, used)} | {by if used else ''} | {times} |"


def main() -> None:
    """See the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--variants", type=int, default=25)
    parser.add_argument("--trained", type=int, default=3)
    arguments = parser.parse_args()
    course, watch = Course(ROOT, "sac"), Watch()
    variants = right_variants(course, arguments.variants)
    graded(watch, variants, frozenset({"training"}), course, PAUSE)
    if arguments.trained:
        graded(watch, spread(variants, arguments.trained), frozenset(), course, PAUSE)
    print("\n".join(table(watch, Limits())))
    short = {name: margin for name, margin in margins(watch, Limits()).items() if margin < MARGIN}
    if short:
        raise SystemExit(f"Less than {MARGIN:g} times what a right submission needs: {short}")


if __name__ == "__main__":
    main()
