"""Which questions see that a notebook's code is not the reference's: no other has to be asked of it.

A question is asked only if the notebook's code differs, for that question, from the reference's; otherwise it has the
reference's results. Where more differs than plain functions and classes, every question is asked.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

from autograder.course.practical import Practical, Question
from autograder.judging.contract import SCENE
from autograder.judging.judge import Heard
from autograder.notebook.extraction import Extract
from autograder.notebook.python import DEFINITIONS, global_names, read_python, structure
from autograder.notebook.statements import ANY, DYNAMIC, declared_global, set_names
from autograder.records import QuestionResult, Status

FINDS_ALL = DYNAMIC | {"eval"}  # what uses these may use any name
# what a function's signature is made of where making the function runs nothing
_QUIET = (
    *(ast.arguments, ast.arg, ast.expr_context, ast.Name, ast.Attribute, ast.Constant),
    *(ast.Subscript, ast.Tuple, ast.List, ast.UnaryOp, ast.unaryop, ast.BinOp, ast.BitOr),
)


@dataclass(frozen=True)
class ReferenceAnswers:
    """What came of asking the reference: its results, and what was heard for each question."""

    practical: Practical
    extract: Extract
    results: Mapping[str, QuestionResult]  # by question
    heard: Mapping[str, Mapping[str, Heard]]  # as judge() tells it

    def shared_with(self, other: Extract) -> dict[str, QuestionResult]:
        """The results, by question, that another notebook's code would get as well: it need not be asked these.

        The notebook is one of the same practical, of which the code was taken in the same way. What is end to end is
        never among them.
        """
        changed = changed_names(self.extract, other)
        if changed is None:
            return {}
        uses = defaultdict(set, {name: set(used) for name, used in self._uses.items()})
        new = [node for node in _statements(other) if structure(node) not in self._structures]
        _add_uses(uses, new)
        if _reached({*self._run, *_run_by(new)}, uses) & changed:
            return {}  # statements that run at once come to something else
        free = [name for name, roots in self._roots.items() if not _reached(roots, uses) & (changed | FINDS_ALL)]
        return {name: self.results[name] for name in free}

    @cached_property
    def _structures(self) -> frozenset[str]:
        return frozenset(map(structure, _statements(self.extract)))

    @cached_property
    def _uses(self) -> Mapping[str, set[str]]:
        uses: defaultdict[str, set[str]] = defaultdict(set)
        _add_uses(uses, _statements(self.extract))
        return uses

    @cached_property
    def _run(self) -> frozenset[str]:
        return frozenset(_run_by(_statements(self.extract)))

    @cached_property
    def _roots(self) -> Mapping[str, frozenset[str]]:
        """Where each question's use of the code begins, of the questions that can be spared."""
        spared = [question for question in self.practical.questions if self._is_plain(question)]
        return {question.name: frozenset(self._named(question)) for question in spared}

    def _is_plain(self, question: Question) -> bool:
        """Whether the reference was asked that, and got full marks without a word."""
        result = self.results.get(question.name)
        right = result is not None and result.status == Status.RIGHT and not result.remark
        return right and not question.end_to_end and bool(self.heard.get(question.name))

    def _named(self, question: Question) -> Iterator[str]:
        """The question's own functions; the words in what was asked, and in the text that answers it."""
        yield from (name.partition(".")[0] for name in question.functions)
        texts = [self.practical.probes]
        for heard in self.heard[question.name].values():
            texts += _texts(heard.asked)
            if heard.probe != SCENE:
                texts += [text for _, text in self.practical.modules]
        for text in texts:
            yield from re.findall(r"\w+", text)


def changed_names(one: Extract, other: Extract) -> frozenset[str] | None:
    """The names of the functions and classes that are not the same in both; None if anything else is not the same."""
    if ANY in one.names | other.names or any(
        getattr(one, part) != getattr(other, part) for part in ("faults", "broken", "imports")
    ):
        return None
    if [(loose.names, loose.why) for loose in one.loose] != [(loose.names, loose.why) for loose in other.loose]:
        return None
    ours, theirs = ([(structure(node), node) for node in _statements(each)] for each in (one, other))
    both = {text for text, _ in ours} & {text for text, _ in theirs}
    if [text for text, _ in ours if text in both] != [text for text, _ in theirs if text in both]:
        return None
    differing = [node for text, node in (*ours, *theirs) if text not in both]
    names = [node.name for node in differing if isinstance(node, DEFINITIONS) and is_plain(node)]
    return frozenset(names) if len(names) == len(differing) else None


@lru_cache(maxsize=1024)  # the trees of what variants have in common are the same ones
def is_plain(node: ast.stmt) -> bool:
    """Whether it is a function, or a class of nothing but functions, that does nothing while it is made."""
    if not isinstance(node, ast.FunctionDef | ast.ClassDef) or node.name.startswith("__"):
        return False
    if isinstance(node, ast.FunctionDef):
        return _is_quiet(node)
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    named = all(isinstance(each, ast.Name | ast.Attribute) for each in node.bases)
    quiet = all(isinstance(each, ast.FunctionDef) and _is_quiet(each) for each in body)
    return named and quiet and not node.decorator_list and not node.keywords


def _is_quiet(node: ast.FunctionDef) -> bool:
    parts = [each for part in _at_once(node) for each in ast.walk(part)]
    return not node.decorator_list and all(isinstance(each, _QUIET) for each in parts)


def _at_once(node: ast.stmt) -> list[ast.AST]:
    """What of a statement runs when it does: of a definition not what the functions in it do."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return [*node.decorator_list, node.args, *([node.returns] if node.returns else [])]
    if isinstance(node, ast.ClassDef):
        inside = [part for each in node.body for part in _at_once(each)]
        return [*node.decorator_list, *node.bases, *node.keywords, *inside]
    return [node]


@lru_cache(maxsize=1024)
def _run_by_one(node: ast.stmt) -> frozenset[str]:
    nodes = [each for part in _at_once(node) for each in ast.walk(part)]
    return frozenset(each.id for each in nodes if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load))


def _run_by(nodes: Iterable[ast.stmt]) -> set[str]:
    """The names that are used while these statements run."""
    return {name for node in nodes for name in _run_by_one(node)}


def _statements(extract: Extract) -> list[ast.stmt]:
    """What is run of it, statement by statement; what was left out stands there as pass."""
    nodes = [node for _, source in extract.cells for node in read_python(source)[1].body]
    return [node for node in nodes if not isinstance(node, ast.Pass)]


def _add_uses(uses: defaultdict[str, set[str]], nodes: Iterable[ast.stmt]) -> None:
    """Note for the names that these statements set, and that functions in them do, which ones they use."""
    for node in nodes:
        for name in set_names(node) | declared_global(node):
            uses[name] |= global_names(node)


def _reached(names: Iterable[str], uses: Mapping[str, Collection[str]]) -> set[str]:
    """These names, what they use, and so on."""
    found: set[str] = set()
    waiting = set(names)
    while waiting:
        found |= waiting
        waiting = {used for name in waiting for used in uses.get(name, ())} - found
    return found


def _texts(value: object) -> Iterator[str]:
    """The texts in what was asked, keys among them."""
    if isinstance(value, str):
        yield value
    for each in value.items() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ():
        yield from _texts(each)
