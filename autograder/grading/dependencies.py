"""What a question's marks depend on, read off the code: what is asked, and in which words the outcome is told.

A mark depends on the student's code, on the checks of its question with the files that these import from the
practical's folder or from the engine, on the probes, on the reference, on the engine that asks and on the libraries. It
does not depend on prose, on another question's checks, or on weights and sentences: those are applied to what is known
already.
"""

import ast
import copy
import hashlib
import importlib.metadata
import json
import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from autograder.course.engine_modules import engine_modules, parsed
from autograder.course.practical import Practical
from autograder.files import read_own
from autograder.notebook.extraction import extract

ENGINE = Path(__file__).parent.parent
ASKING = ("judging", "student", "notebook", "sandbox", "confined")  # the engine's rooms on which answers depend
OWN = ("probes", "warmup")  # sent to the student's process as they stand
WORDS = ("weight", "look_at")  # what @check says that is not asked


@dataclass(frozen=True)
class Dependencies:
    """Digests, by question: ``asked`` of all that an answer depends on, ``told`` of weights and sentences."""

    asked: Mapping[str, str]
    told: Mapping[str, str]

    @property
    def checks(self) -> str:
        """Of all questions together: what all answers depend on besides the submissions."""
        return digest(*(f"{name} {self.asked[name]}" for name in sorted(self.asked)))


def digest(*parts: str) -> str:
    """One digest of several texts."""
    return hashlib.sha256(json.dumps(parts).encode(errors="surrogatepass")).hexdigest()


def dependencies(practical: Practical) -> Dependencies:
    """What every question depends on besides the submission. CourseError if a file of the practical is no Python."""
    files = {path.stem: _File(path) for path in sorted(practical.folder.glob("*.py"))}
    reference = [source for _, source in extract(practical.source, practical.long_running).cells]
    own = [_dumped(files[name].body) for name in OWN if name in files]
    texts = {practical.folder / f"{name}.py": file.text for name, file in files.items()}
    shared = [text for _, text in engine_modules(texts, but=ASKING)]
    common = digest(_engine(), *map(_bare, [*shared, *reference]), *own, *_libraries(files.values()))
    asked, told = {}, {}
    for question in practical.questions:
        name = question.name
        code = [text for each in _imported(files, name) for text in files[each].asked(name)]
        asked[name] = digest(common, *question.functions, str(question.end_to_end), *code)
        told[name] = digest(*(text for file in files.values() for text in file.told(name)))
    return Dependencies(asked, told)


class _File:
    """One of the practical's files, by its top-level statements."""

    def __init__(self, path: Path) -> None:
        self.text = read_own(path)
        self.body = parsed(path, self.text).body
        self._dumped = [_dumped([node]) for node in self.body]
        self._constants = {
            target.id: node.value.value
            for node in self.body
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
            for target in node.targets
            if isinstance(target, ast.Name)
        }

    def imports(self) -> Iterator[str]:
        """The practical's own files that it may import."""
        for node in ast.walk(ast.Module(self.body, [])):
            if isinstance(node, ast.ImportFrom) and node.level:
                yield from [node.module] if node.module else [alias.name for alias in node.names]

    def _checks(self, question: str) -> Iterator[tuple[ast.FunctionDef, ast.Call, bool]]:
        """Its checks, the call that makes each one, and whether it is of that question, or may be."""
        for node in self.body:
            for call in node.decorator_list if isinstance(node, ast.FunctionDef) else ():
                if isinstance(call, ast.Call) and getattr(call.func, "id", getattr(call.func, "attr", "")) == "check":
                    assert isinstance(node, ast.FunctionDef)
                    first = call.args[0] if call.args else None
                    named = self._constants.get(first.id) if isinstance(first, ast.Name) else None
                    named = first.value if isinstance(first, ast.Constant) else named
                    yield node, call, named in (question, None)

    def has_checks(self, question: str) -> bool:
        """Whether a check of that question stands in it."""
        return any(of for _, _, of in self._checks(question))

    def asked(self, question: str) -> Iterator[str]:
        """Its code as far as that question's answers may depend on it."""
        checks = {id(node): (call, of) for node, call, of in self._checks(question)}
        for node, dumped in zip(self.body, self._dumped, strict=True):
            call, of = checks.get(id(node), (None, True))
            if call and of:
                bare = ast.Call(call.func, call.args, [each for each in call.keywords if each.arg not in WORDS])
                assert isinstance(node, ast.FunctionDef)
                others = [bare if each is call else each for each in node.decorator_list]
                node = copy.copy(node)
                node.decorator_list = others
                yield _dumped([node])
            elif of:
                yield dumped

    def told(self, question: str) -> Iterator[str]:
        """The weights and the words of that question's checks."""
        for node, call, of in self._checks(question):
            if of:
                yield ast.get_docstring(node) or ""
                yield from (ast.dump(each) for each in call.keywords if each.arg in WORDS)


def _imported(files: Mapping[str, _File], question: str) -> list[str]:
    """The files with checks of that question, and all that they import, by the files' names."""
    waiting = [name for name, file in files.items() if file.has_checks(question)]
    reached: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in files and name not in reached:
            reached.add(name)
            waiting.extend(files[name].imports())
    return sorted(reached)


def _dumped(body: Sequence[ast.stmt]) -> str:
    """Statements without layout, comments and docstrings."""
    tree = ast.Module(list(body), [])
    bodies = [inner for node in ast.walk(tree) if isinstance(inner := getattr(node, "body", None), list)]
    documented = [(inner, inner.pop(0)) for inner in bodies if inner and _is_text(inner[0])]
    dumped = ast.dump(tree)
    for inner, text in documented:  # to copy the tree instead takes longer than all else that is done here
        inner.insert(0, text)
    return dumped


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _bare(source: str) -> str:
    return _dumped(ast.parse(source).body)


@lru_cache
def _engine() -> str:
    """The engine's code on which answers depend, as it stands: to parse it takes longer than to ask a submission."""
    paths = [path for room in ASKING for path in sorted((ENGINE / room).glob("*.py"))]
    return digest(*(path.read_text(encoding="utf-8") for path in paths))


def versions(practical: Practical) -> dict[str, str]:
    """The versions of Python and of the libraries that the practical imports, by name; empty for a part of Python."""
    return _versions([_File(path) for path in sorted(practical.folder.glob("*.py"))])


def _versions(files: Iterable[_File]) -> dict[str, str]:
    nodes = [node for file in files for node in file.body]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module and not node.level}
    libraries = sorted({each.split(".")[0] for each in names})
    return {"Python": platform.python_version(), **{name: _version(name) for name in libraries}}


def _libraries(files: Iterable[_File]) -> list[str]:
    """The same, as it is part of a digest."""
    python, *others = _versions(files).items()
    return [python[1], *(f"{name} {version}".rstrip() for name, version in others)]


@lru_cache
def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""
