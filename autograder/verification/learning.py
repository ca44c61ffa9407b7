"""What recognition knows, learnt by running the corpus, and how well it does on that corpus."""

import ast
import hashlib
import io
import json
import tokenize
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from autograder.course import Course
from autograder.errors import CourseError
from autograder.recognise import Known, KnownMistake, Sketches, is_telling, read
from autograder.verification.corpus import RESERVED, Variant
from autograder.verification.several import parts_of

ENGINE = Path(__file__).parent.parent
REFERENCE = Variant(RESERVED, "right", "every blank as in the source", {}, {}, (), (), "", "", Path("reference"))
NEXT_STEP = "Run autograder verify --learn."


class Tried(Protocol):
    """A variant, and the sketches of what it answered: question -> digest of an ask -> sketch."""

    @property
    def variant(self) -> Variant: ...  # noqa: D102

    @property
    def sketches(self) -> Mapping[str, Sketches]: ...  # noqa: D102


def known_path(course: Course) -> Path:
    """Where a course keeps its known mistakes."""
    return course.root / "solutions" / "known.json"


def load_known(course: Course) -> Known:
    """The course's known mistakes; none of them where there is no file or what they were learnt from has changed."""
    known = read(known_path(course))
    return known if known and known.fingerprint == fingerprint(course) else Known({}, ())


def learnt(course: Course) -> str:
    """How many mistakes are known, in words; CourseError if they have to be learnt anew."""
    known = read(known_path(course))
    if known is None:
        raise CourseError("no known mistakes, so none is recognised", NEXT_STEP)
    if known.fingerprint != fingerprint(course):
        raise CourseError("learnt before the checks, the source or the corpus changed: none is recognised", NEXT_STEP)
    return f"{len(known.mistakes)} known mistakes"


def learn(tried: Sequence[Tried], made_from: str) -> Known:
    """The known mistakes: wrong variants with a hint that lose one question, by answers that tell them apart.

    The reference must be among what was tried; ``made_from`` is the fingerprint.
    """
    right = next(each.sketches for each in tried if each.variant.id == REFERENCE.id)
    return Known(right, tuple(found for each in tried for found in _mistake(each, right)), made_from)


def _mistake(tried: Tried, right: Mapping[str, Sketches]) -> Iterable[KnownMistake]:
    variant = tried.variant
    if variant.hint and len(variant.loses) == 1 and len(parts_of(variant)) == 1:
        question = variant.loses[0]
        sketches = tried.sketches.get(question, {})
        if is_telling(sketches, right.get(question, {})):
            fills = len(variant.fills) + len(variant.cells) + len(variant.extra_cells)
            yield KnownMistake(variant.id, question, variant.hint.strip(), fills, sketches)


# ---- how well it does --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Attribution:
    """A mistake that is named for a variant that is another one; ``fits`` if a person found that its hint is true."""

    variant: str
    question: str
    named: str
    fits: bool


@dataclass(frozen=True)
class Recognition:
    """What recognition says to the wrong variants; the attributions with each variant's own entry left out."""

    recognised: tuple[str, ...]
    silent: tuple[str, ...]
    attributions: tuple[Attribution, ...]

    @property
    def misleading(self) -> tuple[Attribution, ...]:
        """The attributions whose hint nobody has found to be true of the variant."""
        return tuple(each for each in self.attributions if not each.fits)


def measure(known: Known, tried: Sequence[Tried], alike: Sequence[frozenset[str]]) -> Recognition:
    """Ask for a hint for every question that a wrong variant loses, with and without the variant's own entry.

    Submissions drawn from several variants count among the attributions alone. ``alike`` are groups of variants of
    which a person found that each one's hint is true of all.
    """
    recognised: list[str] = []
    silent: list[str] = []
    attributions: set[Attribution] = set()
    for each in tried:
        own = parts_of(each.variant)
        asked = {question: each.sketches[question] for question in each.variant.loses if question in each.sketches}
        names = [(question, known.named(question, sketches)) for question, sketches in asked.items()]
        if len(own) == 1:
            (recognised if any(named for _, named in names) else silent).append(each.variant.id)
        for one in own:
            names += [(question, known.named(question, sketches, one)) for question, sketches in asked.items()]
        attributions |= {
            Attribution(each.variant.id, question, named.id, _fits(named.id, own, alike))
            for question, named in names
            if named and named.id not in own
        }
    in_order = sorted(attributions, key=lambda found: (found.variant, found.question, found.named))
    return Recognition(tuple(recognised), tuple(silent), tuple(in_order))


def _fits(named: str, own: Sequence[str], alike: Sequence[frozenset[str]]) -> bool:
    return any({one, named} <= group for group in alike for one in own)


def load_alike(path: Path) -> tuple[frozenset[str], ...]:
    """The groups of variants that one hint fits; CourseError if the file is not of that form."""
    try:
        groups = tomllib.loads(path.read_text(encoding="utf-8"))["alike"]
        return tuple(frozenset(map(str, group)) for group in groups)
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CourseError(f"{path} cannot be read: {error!r}.", "It holds one list, alike, of lists of ids.") from error


# ---- what it depends on ------------------------------------------------------------------------------------------


def fingerprint(course: Course) -> str:
    """Of all that the known mistakes' answers depend on: what is asked, by what, of which code. Words do not count."""
    folder = ENGINE / course.name
    code = [(path, path.name != "probes.py") for path in sorted(folder.glob("*.py"))]
    code.append((ENGINE / "sketches.py", False))
    parts = [bare(path.read_text(encoding="utf-8"), without_prose) for path, without_prose in code]
    source = json.loads((course.root / "source" / course.name / f"{course.name}.ipynb").read_text(encoding="utf-8"))
    parts += ["".join(cell["source"]) for cell in source["cells"] if cell["cell_type"] == "code"]
    for path in sorted((course.root / "solutions" / "variants").glob("*.toml")):
        entries = tomllib.loads(path.read_text(encoding="utf-8")).get("variant", [])
        parts += [json.dumps(entry, sort_keys=True) for entry in entries if entry.get("verdict") == "wrong"]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def bare(source: str, without_prose: bool) -> str:
    """Python's text without layout, comments and docstrings, the same under every version of Python.

    ``without_prose`` leaves out texts with a blank in them and f-strings too: they are words for the student.
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
    return is_sentence or isinstance(node, ast.JoinedStr)


def _span(node: ast.AST) -> tuple[int, int, int, int]:
    assert isinstance(node, ast.stmt | ast.expr)
    return node.lineno, node.col_offset, node.end_lineno or node.lineno, node.end_col_offset or 0
