"""A student's cells in the sandbox: compiled statement by statement, run as Jupyter would, and interrupted if need be.

It needs only the standard library.
"""

import __future__

import ast
import contextlib
import functools
import importlib
import inspect
import linecache
import operator
import signal
import sys
import time
import traceback
import types
from collections import UserDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

LONGEST_TEXT = 500  # characters of any message that is sent back
DEFINITIONS = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
NOTHING = compile("", "<nothing>", "exec")
TIMERS = {signal.ITIMER_PROF: signal.SIGPROF, signal.ITIMER_REAL: signal.SIGALRM}
WAITS, TOGETHER = 4, 5  # times the seconds of one statement: by the clock on the wall, and for all of them together
UNFIT = (SyntaxError, ValueError, RecursionError, MemoryError)  # what compiling raises


class MissingDefinitionError(Exception):
    """The notebook does not define a name that a probe needs."""


class TooLongError(BaseException):
    """A statement ran for longer than it may."""


class Statement(NamedTuple):
    """One statement of a cell: ``number`` counts from 0, ``loose`` says that it is no definition."""

    cell: str
    number: int
    line: int
    last: int
    loose: bool
    code: types.CodeType

    @property
    def said(self) -> dict[str, Any]:
        """How it is named before it runs."""
        where = {"number": self.number, "line": self.line, "last": self.last}
        return {"label": self.cell, **where, "loose": self.loose}


class Student(UserDict[str, Any]):
    """The names that the student's notebook defines; ``get_ipython`` is what goes by that name."""

    def __init__(self, get_ipython: Callable[[], Any] = lambda: None) -> None:
        self.module = types.ModuleType("__main__")
        self.data = self.module.__dict__
        self.update(display=lambda *_, **__: None, get_ipython=get_ipython, exit=sys.exit, quit=sys.exit)
        self.faults: list[dict[str, Any]] = []

    def __missing__(self, name: str) -> Any:
        raise MissingDefinitionError(f"your notebook does not define {name}")

    def run(self, statement: Statement, clock: "Clock | None" = None) -> None:
        """Run a statement, for as long as the clock lets it. What it raises is noted, and the next ones still run."""
        try:
            with clock.running(statement) if clock else contextlib.nullcontext():
                found = eval(statement.code, self.module.__dict__)  # noqa: S307 - the sandbox is there for this
                if statement.code.co_flags & inspect.CO_COROUTINE:  # as IPython does
                    asyncio = importlib.import_module("asyncio")
                    asyncio.run(found)
        except BaseException as error:
            if clock:
                clock.stop()
            self.faults.append({**described(error), "statement": statement.said})


class Clock:
    """Interrupts statements that run for longer than they may, as far as they let themselves be interrupted.

    A busy machine shall decide nothing, so processor time is counted; of wall-clock time a statement may use WAITS
    times as much.
    """

    def __init__(self, seconds: float) -> None:
        self.words = f"it takes longer than {seconds:g} second{'s' * (seconds != 1)}"
        self.seconds = seconds
        self.left = TOGETHER * seconds
        self.began: float | None = None  # when the statement began that runs; None if none may be interrupted
        self.late = False  # whether that statement was interrupted
        for number in TIMERS.values():
            signal.signal(number, self.interrupt)

    def interrupt(self, *_: object) -> None:
        """Raise TooLongError in the statement that runs."""
        if self.began is not None:
            self.late = True
            raise TooLongError(self.words)

    @contextlib.contextmanager
    def running(self, statement: Statement) -> Iterator[None]:
        """Interrupt what is done meanwhile, more than once if need be, unless the statement is a definition."""
        self.late = False
        if statement.loose:
            self.began, allowed = time.process_time(), max(min(self.seconds, self.left), 0.05)
            signal.setitimer(signal.ITIMER_PROF, allowed, 0.2)
            signal.setitimer(signal.ITIMER_REAL, WAITS * allowed, 0.2)
        yield
        self.stop()
        if self.late:  # and went on all the same
            raise TooLongError(self.words)

    def stop(self) -> None:
        """Interrupt nothing any more."""
        began, self.began = self.began, None
        for timer in TIMERS:
            signal.setitimer(timer, 0)
        if began is not None:
            self.left -= time.process_time() - began


class Loaded:
    """The student's cells and the probes, compiled once for all copies."""

    def __init__(
        self,
        cells: list[list[str]],
        probes: str,
        without: Iterable[list[Any]] = (),
        definitions: bool = False,
        announce: Callable[[dict[str, Any]], object] = dict,
        quiet: Sequence[str] = (),
    ) -> None:
        self.quiet = quiet  # the modules that plot or log
        self.statements: list[Statement] = []
        self.faults: list[dict[str, Any]] = []
        self.probes: dict[str, Any] = {"__name__": "probes"}
        exec(compile(probes, "<probes>", "exec"), self.probes)  # noqa: S102 - the judge's own text
        left_out = {(label, number) for label, number in without}
        flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        for label, source in cells:
            lines = [f"{line}\n" for line in source.split("\n")]  # others than Python's own may separate lines
            linecache.cache[label] = (len(source), None, lines, label)
            try:
                body = ast.parse(source, label).body
            except UNFIT as error:
                self.faults.append(described(error))
                continue
            for number, node in enumerate(body):
                loose = not isinstance(node, DEFINITIONS)
                if (label, number) in left_out or (definitions and loose) or isinstance(node, ast.Pass):
                    continue
                flags |= future_flags(node)
                statement = Statement(label, number, node.lineno, node.end_lineno or node.lineno, loose, NOTHING)
                announce(statement.said)
                try:
                    self.statements.append(statement._replace(code=compiled(node, label, flags)))
                except UNFIT as error:
                    self.faults.append({**described(error), "statement": statement.said})


def future_flags(node: ast.stmt) -> int:
    """What an import from __future__ switches on, for all that comes after it, in other cells too."""
    if not isinstance(node, ast.ImportFrom) or node.module != "__future__":
        return 0
    found = [getattr(__future__, each.name, None) for each in node.names]
    return functools.reduce(operator.or_, (each.compiler_flag for each in found if each is not None), 0)


def compiled(node: ast.stmt, label: str, flags: int) -> types.CodeType:
    """One statement's code. A method that cannot be compiled, being too deep, say, becomes one that says so."""
    make = functools.partial(compile, filename=label, mode="exec", flags=flags, dont_inherit=True)
    try:
        return make(ast.Module([node], []))
    except UNFIT as error:
        if not isinstance(node, ast.FunctionDef | ast.ClassDef):
            raise
        words = f"it cannot be compiled ({type(error).__name__}: {error})"
    for parent, place in [(node.body, i) for i in range(len(node.body))] if isinstance(node, ast.ClassDef) else []:
        try:
            make(ast.Module([parent[place]], []))
        except UNFIT:
            if isinstance(method := parent[place], ast.FunctionDef):
                parent[place] = unfit(method.name, words, method.lineno, label)
    if isinstance(node, ast.FunctionDef):
        node = unfit(node.name, words, node.lineno, label)
    return make(ast.Module([node], []))


def unfit(name: str, words: str, line: int, label: str) -> ast.stmt:
    """A function of that name that raises SyntaxError in these words."""
    text = f"def {name}(*_, **__): raise SyntaxError({words!r}, ({label!r}, {line}, 0, ''))"
    made = ast.parse(text).body[0]
    ast.increment_lineno(made, line - 1)
    return made


def described(error: BaseException) -> dict[str, Any]:
    """An exception in words: its type and message, and the student's cell, line and code that raised it."""
    try:
        message = str(error)[:LONGEST_TEXT]
    except BaseException:
        message = ""
    where: dict[str, Any] = {"cell": "", "line": 0, "code": ""}
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.filename.startswith("cell "):
            where.update(cell=frame.filename, line=frame.lineno or 0, code=(frame.line or "")[:200])
    if isinstance(error, SyntaxError) and error.filename:  # of a text that is not compiled: it knows the place itself
        code = linecache.getline(str(error.filename), int(error.lineno or 0))
        where.update(cell=str(error.filename), line=int(error.lineno or 0), code=(error.text or code).strip()[:200])
    message = str(error.msg) if isinstance(error, SyntaxError) else message
    return {"type": type(error).__name__[:100], "message": message, **where}
