"""The known mistakes of a practical: ``known.json``, which ``autograder verify --learn`` makes.

They depend on the checks, the source notebook and the corpus. Once one of these has changed, none is used.
"""

import ast
import hashlib
import io
import json
import tokenize
import tomllib
from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path
from typing import TypeVar

from autograder.course.engine_modules import engine_modules
from autograder.course.practical import Practical
from autograder.errors import CourseError
from autograder.grading.dependencies import ASKING
from autograder.hints import signatures
from autograder.hints.recognise import Known
from autograder.hints.storage import read
from autograder.notebook.extraction import extract
from autograder.student import stage

T = TypeVar("T")


def known_path(practical: Practical) -> Path:
    """Where a practical's known mistakes stand."""
    return practical.folder / "known.json"


def corpus_path(practical: Practical) -> Path:
    """Where its corpus stands."""
    return practical.folder / "variants"


def load_known(practical: Practical) -> Known:
    """The known mistakes; none of them where there is no file or what they were learnt from has changed."""
    known = read(known_path(practical))
    return known if known and known.fingerprint == fingerprint(practical) else Known({}, ())


def learnt(practical: Practical) -> str:
    """How many mistakes are known, in words; CourseError if they have to be learnt again."""
    path = known_path(practical)
    known = read(path)
    if known is None and not path.exists() and not corpus_path(practical).is_dir():
        return f"none, since there is no {corpus_path(practical)}"
    step = f"Run: autograder verify --learn --assignment {practical.name}"
    if known is None:
        raise CourseError(f"There is no {path} that can be read, so no known mistake is recognised.", step)
    if known.fingerprint != fingerprint(practical):
        message = f"{path} was made before the checks, the source or the corpus changed, so no mistake is recognised."
        raise CourseError(message, step)
    return f"{len(known.mistakes)} are recognised"


def fingerprint(practical: Practical) -> str:
    """Of all that the known mistakes' answers depend on: what is asked, by what, of which code. Words do not count.

    Nor do the check cells that students see: nothing of them is run.

    CourseError names a file that cannot be read.
    """
    folder = practical.folder
    files = {path: _read(path, str) for path in sorted(folder.glob("*.py"))}
    parts = [_read(path, partial(bare, without_prose=path.name != "probes.py")) for path in files]
    parts += [bare(text, without_prose=True) for _, text in engine_modules(files, but=ASKING)]
    parts += [bare(Path(str(module.__file__)).read_text(encoding="utf-8"), False) for module in (signatures, stage)]
    parts += [bare(code, False) for _, code in extract(practical.source, practical.long_running).cells]
    for path in sorted(corpus_path(practical).glob("*.toml")):
        entries = _read(path, tomllib.loads).get("variant", [])
        found = [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
        parts += [json.dumps(entry, sort_keys=True) for entry in found if entry.get("verdict") == "wrong"]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _read(path: Path, reader: Callable[[str], T]) -> T:
    try:
        return reader(path.read_text(encoding="utf-8"))
    except (SyntaxError, ValueError) as error:  # TOML's errors, which name the line, and Unicode's are ValueErrors
        raise CourseError(f"{path} cannot be read: {error}.", "Correct the file.") from error


@lru_cache
def bare(source: str, without_prose: bool) -> str:
    """Python's text without layout, comments and docstrings, the same under every version of Python.

    ``without_prose`` leaves out texts with a blank in them, f-strings and weights too: they ask nothing of the student.
    """
    tree = ast.parse(source)
    spans = [_span(node) for node in ast.walk(tree) if _is_docstring(node) or (without_prose and _is_prose(node))]
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            spans.append((*token.start, *token.end))
    lines = [line.encode() for line in source.splitlines()]
    for first, start, last, end in sorted(spans, reverse=True):
        lines[first - 1 : last] = [lines[first - 1][:start] + lines[last - 1][end:], *[b""] * (last - first)]
    return "".join(b"\n".join(lines).decode(errors="replace").split())


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _is_prose(node: ast.AST) -> bool:
    is_sentence = isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value
    return is_sentence or isinstance(node, ast.JoinedStr) or (isinstance(node, ast.keyword) and node.arg == "weight")


def _span(node: ast.AST) -> tuple[int, int, int, int]:
    assert isinstance(node, ast.stmt | ast.expr | ast.keyword)
    return node.lineno, node.col_offset, node.end_lineno or node.lineno, node.end_col_offset or 0
