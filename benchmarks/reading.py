"""Time and memory of reading one submission against its size, for many kinds of text that are long to read.

    python -m benchmarks.reading [--course FOLDER] [--assignment NAME] [--kind WORD]…

Each kind is read at a quarter, a half and the whole of the largest size that is allowed, in a process apart as grading
does it. Linear means: the whole takes about twice as long as the half. Nothing is written.
"""

import argparse
import copy
import json
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from autograder.course.folders import Course, course_in
from autograder.course.limits import MIB
from autograder.grading.reading import Reader
from autograder.sandbox.apart import Bounds, BusyError, OverrunError, RaisedApartError, measured

Notebook = dict[str, Any]
SHARES = (0.25, 0.5, 1.0)
CELL, CODE, CELLS, FILE = 190_000, 390_000, 990, 60 * MIB  # a little below the limits: characters, cells, bytes


def code(source: str, number: int = 0) -> dict[str, Any]:
    """A code cell of the student's own."""
    return {
        "cell_type": "code",
        "id": f"own-{number}",
        "metadata": {},
        "outputs": [],
        "execution_count": None,
        "source": source,
    }


def text(source: str, number: int = 0) -> dict[str, Any]:
    """A text cell of the student's own."""
    return {"cell_type": "markdown", "id": f"text-{number}", "metadata": {}, "source": source}


def _repeated(unit: str, length: float) -> str:
    return unit * max(1, int(length / len(unit)))


def _one(make: Callable[[int], str]) -> Callable[[Notebook, float, str], None]:
    """A kind of one long cell; ``make`` gives its text of about so many characters."""

    def add(notebook: Notebook, share: float, head: str) -> None:
        notebook["cells"].append(code(make(int(CELL * share)).replace("HEAD", head)))

    return add


def _many(unit: str) -> Callable[[Notebook, float, str], None]:
    """A kind of many small cells, each with its number."""

    def add(notebook: Notebook, share: float, head: str) -> None:
        source = unit.replace("HEAD", head)
        notebook["cells"] += [code(source.replace("NUMBER", str(each)), each) for each in range(int(CELLS * share))]

    return add


def _lines(line: str, length: int) -> str:
    """Lines, each with its number."""
    count = max(1, length // (len(line) + 3))
    return "\n".join(line.replace("NUMBER", str(number)) for number in range(count))


def _locked(notebook: Notebook, share: float, _: str) -> None:
    """The texts of the release's locked cells, over and over."""
    texts = [
        "".join(cell["source"]) for cell in notebook["cells"] if cell["metadata"].get("nbgrader", {}).get("locked")
    ]
    shortest = min((each for each in texts if len(each) >= 20), key=len)
    notebook["cells"].append(code(_repeated(f"{shortest}\nx = 1\n", CELL * share)))


def _ends(notebook: Notebook, share: float, head: str) -> None:
    """Cells that begin a function, and cells that may be the end of any of them."""
    for number in range(int(CELLS * share / 2)):
        notebook["cells"] += [code(f"def {head}(a):\n    x = {number}", number), code(f"    return {number}", -number)]


def _objects(notebook: Notebook, share: float, _: str) -> None:
    notebook["metadata"]["x"] = [{}] * int(FILE / 8 * share / 4)


def _outputs(notebook: Notebook, share: float, _: str) -> None:
    data = {"image/png": "A" * int(FILE * share), "text/plain": "é 🙂"}
    notebook["cells"][-1] = {**code("x"), "outputs": [{"output_type": "display_data", "metadata": {}, "data": data}]}


def _attached(notebook: Notebook, share: float, _: str) -> None:
    cell = text("![a](attachment:a.png)")
    cell["attachments"] = {f"{number}.png": {"image/png": "A" * 1_000} for number in range(int(4_000 * share))}
    notebook["cells"].append(cell)


def _pieces(notebook: Notebook, share: float, _: str) -> None:
    """A text as a list of its characters."""
    notebook["cells"].append({**code(""), "source": list("x=1\n" * int(FILE / 32 * share))})


def _names(first: int, length: int) -> str:
    return ",".join(f"a{number}" for number in range(first, first + length // 14))


def _deep(opening: str, closing: str, middle: str = "1") -> Callable[[int], str]:
    return lambda length: opening * (length // 2) + middle + closing * (length // 2)


KINDS: Mapping[str, Callable[[Notebook, float, str], None]] = {
    "cells that define one name": _many("def HEAD():\n    pass\n    x = NUMBER"),
    "cells that define one name, each longer": _many("def HEAD():\n" + "    x = 1\n" * 20 + "    y = NUMBER"),
    "cells that define one name and do not parse": _many("def HEAD(:\n    x = NUMBER"),
    "cells that do not parse": _many("( + NUMBER"),
    "cells that begin within a function": _many("    return NUMBER"),
    "begun functions and the rest of them": _many("def HEAD(a):\n    if NUMBER:\n"),
    "begun functions and loose ends": _ends,
    "cells with one id": _many("NUMBER"),
    "cells of the release's words": _many("import numpy as np  # HEAD NUMBER"),
    "newlines in a cell that does not parse": _one(lambda length: "(" + "\n" * length + ")!"),
    "lines after what does not parse": _one(lambda length: "def HEAD(:\n" + _repeated("a\n", length)),
    "indented lines": _one(lambda length: _repeated("        a\n", length)),
    "blank lines with spaces": _one(lambda length: "(" + _repeated("    \n", length)),
    "one line of spaces": _one(lambda length: "(" + " " * length),
    "the heading of Colab": _one(lambda length: '"""' + _repeated("generated by Colab ", length) + '"""'),
    "strings that stand alone": _one(lambda length: _repeated('"""a"""\n', length)),
    "strings that are open": _one(lambda length: _repeated('"""\n', length) + '"'),
    "prompts": _one(lambda length: _repeated(">>> a\n", length)),
    "prompts of IPython": _one(lambda length: "In [1]: (\n" + _repeated("   ...: a\n", length)),
    "magics": _one(lambda length: "%%time\n" * 1_000 + _repeated("%time a\n", length - 7_000)),
    "shell lines": _one(lambda length: _repeated("a = !ls\n", length)),
    "questions": _one(lambda length: _repeated("a?\n", length)),
    "an f-string of many fields": _one(lambda length: 'f"' + _repeated("{a}", length) + '"'),
    "an f-string in a function": _one(lambda length: 'def HEAD():\n    return f"' + _repeated("{a}", length) + '"'),
    "f-strings in f-strings": _one(lambda length: _repeated("f\"{f'{a}'}\"\n", length)),
    "a long sum": _one(lambda length: "x = " + "+".join("1" * (length // 2))),
    "a long list in a function": _one(lambda length: "def HEAD():\n    return [" + _repeated("a,", length) + "]"),
    "a long comparison": _one(lambda length: "x = " + "<".join("a" * (length // 2))),
    "a chain of attributes": _one(lambda length: "x = a" + _repeated(".a", length)),
    "open brackets": _one(lambda length: _repeated("(", length)),
    "brackets": _one(_deep("(", ")")),
    "lists": _one(_deep("[", "]")),
    "signs": _one(lambda length: "x = " + "-" * length + "1"),
    "nots": _one(lambda length: "x = " + _repeated("not ", length) + "a"),
    "lambdas": _one(lambda length: "x = " + _repeated("lambda:", length) + "a"),
    "finally in finally": _one(
        lambda length: (
            "\n".join(" " * n + f"try: pass\n{' ' * n}finally:" for n in range(min(90, length // 100))) + " pass"
        )
    ),
    "ifs in ifs": _one(lambda length: "\n".join(" " * n + "if a:" for n in range(min(99, length // 50))) + " pass"),
    "many elifs": _one(lambda length: "if a: pass\n" + _repeated("elif a: pass\n", length)),
    "many small functions": _one(lambda length: _lines("def f_NUMBER(): f_1NUMBER()", length)),
    "a class of many methods": _one(lambda length: "class HEAD:\n" + _lines("    def f_NUMBER(self): pass", length)),
    "decorators": _one(lambda length: _repeated("@a\n", length) + "def HEAD(): pass"),
    "a chain of constants": _one(lambda length: _lines("a_NUMBER = a_1NUMBER", length) + "\ndef HEAD(): return a_0"),
    "names in one statement": _one(
        lambda length: (
            ",".join(f"a{n}" for n in range(length // 14))
            + "="
            + ",".join(f"a{n}" for n in range(1, length // 14))
            + "\ndef HEAD(): return a0"
        )
    ),
    "a global for every name": _one(lambda length: "def HEAD():\n" + _lines("    global a_NUMBER", length)),
    "the texts of locked cells": _locked,
    "objects in the metadata": _objects,
    "a large picture in the outputs": _outputs,
    "attachments": _attached,
    "a text in pieces": _pieces,
    "marks of exporters": _one(lambda length: _repeated("# In[ ]:\n\nx\n", length)),
    "comments": _one(lambda length: "(" + _repeated("# a\n", length)),
    "backslashes": _one(lambda length: "x = '" + "\\" * length),
    "continued lines": _one(lambda length: "x = 1 + \\\n" + _repeated("1 + \\\n", length) + "1"),
    "a long word": _one(lambda length: "def " + "a" * length),
    "assignments that do not parse": _one(lambda length: "(\n" + _repeated("a : b\n", length)),
    "a long number": _one(lambda length: "x = 0x" + "f" * length),
    "a long decimal number": _one(lambda length: "x = " + "1" * length),
}


def submission(course: Course, kind: str, share: float) -> bytes:
    """The release with that kind of text added, as a file's content."""
    notebook = copy.deepcopy(json.loads(json.dumps(course.release)))
    head = next(names[0] for names in course.practical.defines.values())
    KINDS[kind](notebook, share, head)
    return json.dumps(notebook, ensure_ascii=False).encode()


def reading(reader: Reader, content: bytes) -> tuple[float, float, str]:
    """Seconds of processor, MiB at most, and what came of it."""
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.flush()
        file.seek(0)
        try:
            reply = measured(reader, "a.ipynb", None, bounds=Bounds.of(reader.limits), files=[file.fileno()])
        except (OverrunError, BusyError, RaisedApartError) as error:
            return float("nan"), float("nan"), str(error)
    return reply.processor_seconds, reply.peak_memory / MIB, json.loads(reply.content).get("fault", "read")


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--course", type=Path, default=Path())
    parser.add_argument("--assignment", default="")
    parser.add_argument("--kind", action="append")
    given = parser.parse_args()
    course = course_in(given.course, given.assignment)
    reader = Reader.of(course)
    print("| kind | size | a quarter | a half | the whole | memory | |\n|---|---|---|---|---|---|---|")
    for kind in KINDS:
        if given.kind and not any(word in kind for word in given.kind):
            continue
        contents = [submission(course, kind, share) for share in SHARES]
        found = [reading(reader, content) for content in contents]
        seconds = " | ".join(f"{used:.2f} s" for used, _, _ in found)
        print(
            f"| {kind} | {len(contents[-1]) // 1000} kB | {seconds} | {found[-1][1]:.0f} MiB | {found[-1][2][:60]} |",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
