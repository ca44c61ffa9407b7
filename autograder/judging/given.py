"""What a notebook gives, such as a training loop: a question that runs everything is asked with the release's.

A definition is given if its cell defines no function that a question marks. Where a student's notebook has another one,
or none, the release's stands in its place when such a question is asked, with all that it uses of the release.
"""

import ast
from collections.abc import Collection, Iterator, Mapping
from functools import cached_property

from autograder.course.practical import Practical
from autograder.notebook.extraction import Extract
from autograder.notebook.python import DEFINITIONS, bound_names, global_names, read_python, structure


class Given:
    """The definitions that a practical's release gives, as far as cells that students fill may hold them."""

    def __init__(self, practical: Practical, release: Extract) -> None:
        marked = {name.split(".")[0] for question in practical.questions for name in question.functions}
        self._theirs = {name for names in practical.defines.values() if marked & {*names} for name in names}
        self._names = {name for names in practical.defines.values() for name in names} - self._theirs
        self._release = release

    @cached_property
    def _statements(self) -> list[tuple[str, ast.stmt]]:
        return [pair for pair in _statements(self._release) if not bound_names(pair[1]) & self._theirs]

    @cached_property
    def cells(self) -> tuple[tuple[str, str], ...]:
        """(label, source) of cells to run after a student's own: the given definitions, and what they use."""
        wanted, reached = set(self._names), set[str]()
        while wanted:
            reached |= wanted
            uses = (global_names(node) for _, node in self._statements if bound_names(node) & wanted)
            wanted = set().union(*uses) - reached
        found: dict[str, list[str]] = {}
        for label, node in self._statements:
            if bound_names(node) & reached:
                found.setdefault(f"{label} of the release", []).append(ast.unparse(node))
        return tuple((label, "\n".join(parts)) for label, parts in found.items())

    def changed_in(self, submission: Extract) -> list[str]:
        """The given functions and classes of which a submission has another version, in the release's order."""
        ours, theirs = (_last(_statements(each), self._names) for each in (self._release, submission))
        names = [name for name, node in ours.items() if isinstance(node, DEFINITIONS)]
        return [name for name in names if name in theirs and structure(theirs[name]) != structure(ours[name])]


def _statements(extract: Extract) -> Iterator[tuple[str, ast.stmt]]:
    for label, source in extract.cells:
        for node in read_python(source)[1].body:
            yield label, node


def _last(statements: Iterator[tuple[str, ast.stmt]], names: Collection[str]) -> Mapping[str, ast.stmt]:
    """The last statement that gives each of these names its meaning."""
    return {name: node for _, node in statements for name in bound_names(node) if name in names}
