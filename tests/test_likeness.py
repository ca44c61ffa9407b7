"""Likeness: copies are reported to the instructor however they are disguised, honest work is not, and no mark moves."""

import ast
import itertools
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat
import pytest
import small_course
from conftest import sac_course
from nbformat import NotebookNode
from small_course import KIT
from test_results import ODD_NAMES, shown
from typer.testing import CliRunner

from autograder.cli import app
from autograder.course.folders import Course
from autograder.grading.mark import Marking
from autograder.grading.mend import mend_once
from autograder.grading.publish import ClassResults
from autograder.grading.store import mended_path
from autograder.likeness.explained import ALL_CODE, MOST_FINGERPRINTS, Explained, Profile, explained_by
from autograder.likeness.findings import ANSWERS, CODE, MEANING, Findings, Pair
from autograder.likeness.fingerprints import Names, fingerprints_of_code, fingerprints_of_prose
from autograder.likeness.pairs import COMMON_COUNT, COMMON_SHARE, Bar, Comparison
from autograder.likeness.sinks import Likeness
from autograder.records import Submission
from autograder.sandbox.apart import Bounds, Packed, apart
from autograder.verification.corpus import in_place
from benchmarks.disguise import DISGUISES, all_at_once
from benchmarks.likeness import HABITS, HELPERS, OWN_WAYS, Habits, Laboratory, seeded

TITLE = "Alike beyond what is common"
ANSWER = """
A target network is a slow copy of the critic. Since the regression target then hardly moves while the critic is
fitted to it, errors are not fed straight back into themselves. The smaller tau is, the calmer and the slower learning
gets; with tau equal to one there is no target network left at all.
"""
REWORDED = ANSWER.replace("hardly moves", "barely changes").replace("calmer", "MORE STEADY").replace(".", " !")
ANOTHER = """
If the same network produced prediction and label, each update would shift both. Keeping a lagging duplicate breaks
that loop, and Polyak averaging lets the duplicate trail smoothly. I would pick the biggest step size that does not
make the loss explode.
"""


@pytest.fixture(scope="module")
def laboratory() -> Laboratory:
    return Laboratory()


@pytest.fixture(scope="module")
def explained(laboratory: Laboratory) -> Explained:
    """What the release, the reference and the whole corpus explain."""
    return explained_by(laboratory.release, laboratory.marked, laboratory.variants)


@pytest.fixture(scope="module")
def honest(laboratory: Laboratory) -> tuple[Explained, list[Profile]]:
    """What one half of the corpus explains, and a class drawn from the other."""
    half, drawn = laboratory.halves(0)
    rng = seeded(0)
    return half, [half.profile(drawn.draw(rng, Habits(wrong=0.15)), laboratory.practical) for _ in range(25)]


def own_way(laboratory: Laboratory, name: str) -> NotebookNode:
    fills, extra = OWN_WAYS[name]
    return laboratory.marked.fill(fills, {}, extra)


def answered(laboratory: Laboratory, text: str) -> NotebookNode:
    """A textbook submission with that answer to the first written question and none to the others."""
    notebook = laboratory.marked.fill({}, {}, ())
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        if name in laboratory.practical.written:
            cell.source = text if name == "target-networks" else "*YOUR ANSWER HERE*"
    return notebook


def code_pairs(profiles: Sequence[Profile]) -> list[tuple[int, int]]:
    return Comparison([profile.code for profile in profiles], CODE).reached()


def prints(source: str) -> set[int]:
    tree = ast.parse(source)
    names = Names.of([tree]).under(Names({}, frozenset(), frozenset(), frozenset()))
    return {item for group in fingerprints_of_code(tree, names) for item in group}


# --- what makes no difference, and what does

CODE_OF_MINE = "def f(a, b):\n    c = torch.clamp(a.rewards * 3, max=b) + g(a)\n    return c"
SAME = {
    "other names": "def h(x, y):\n    z = torch.clamp(x.rewards * 3, max=y) + k(x)\n    return z",
    "comments and a docstring": CODE_OF_MINE.replace(":\n", ":  # mine\n    '''Mine.'''\n", 1),
    "type hints": CODE_OF_MINE.replace("(a, b)", "(a: int, b: 'T' = ...) -> int")
    .replace(" = ...", "")
    .replace("c =", "c: int ="),
    "layout": CODE_OF_MINE.replace("(a.rewards * 3, max=b)", "(\n        (a.rewards*3),\n        max = b,\n    )"),
    "a print": CODE_OF_MINE.replace("    return", "    print(c)\n    return"),
}


@pytest.mark.parametrize("source", SAME.values(), ids=SAME)
def test_names_comments_hints_layout_and_prints_make_no_difference(source: str) -> None:
    assert prints(source) == prints(CODE_OF_MINE)


def test_an_alias_of_a_module_makes_no_difference() -> None:
    assert prints("import torch as t\ny = t.min(x, t.zeros(3))") == prints(
        "import torch\ny = torch.min(x, torch.zeros(3))"
    )


def test_the_content_of_a_string_makes_no_difference() -> None:
    assert prints("y = {'first': f('a'), 'second': 2}") == prints('y = {"1st": f("bcd"), "2nd": 2}')


@pytest.mark.parametrize(
    "source",
    [
        CODE_OF_MINE.replace("clamp", "clip"),
        CODE_OF_MINE.replace("3", "4"),
        CODE_OF_MINE.replace("+", "-"),
        CODE_OF_MINE.replace("max=b", "max=a"),
        CODE_OF_MINE.replace("rewards", "dones"),
    ],
)
def test_what_is_called_counted_and_computed_makes_a_difference(source: str) -> None:
    assert prints(source) != prints(CODE_OF_MINE)


def test_words_are_compared_apart_from_case_and_punctuation() -> None:
    assert fingerprints_of_prose("Tau, the *step* size; 王先生 said so.") == fingerprints_of_prose(
        "tau the step size 王先生 SAID so"
    )
    assert not fingerprints_of_prose(ANSWER) & fingerprints_of_prose(ANOTHER)


def test_fingerprints_are_the_same_in_every_process() -> None:
    program = f"from autograder.likeness.fingerprints import *; print(sorted(fingerprints_of_prose({ANSWER!r})))"
    environment = {**os.environ, "PYTHONHASHSEED": "1"}
    said = subprocess.run([sys.executable, "-c", program], cwd=KIT, env=environment, capture_output=True, check=True)
    assert json.loads(said.stdout) == sorted(fingerprints_of_prose(ANSWER))


# --- what is explained


def test_the_release_and_the_reference_leave_nothing(laboratory: Laboratory, explained: Explained) -> None:
    assert explained.profile(laboratory.release, laboratory.practical) == Profile({}, {})
    reference = explained.profile(laboratory.marked.fill({}, {}, ()), laboratory.practical)
    assert reference.code == {}
    assert reference.answers.keys() == laboratory.practical.written.keys()  # a model answer is no common one


def test_no_variant_of_the_corpus_leaves_anything(laboratory: Laboratory, explained: Explained) -> None:
    for variant in laboratory.variants[::6]:
        profile = explained.profile(in_place(laboratory.marked, variant), laboratory.practical)
        assert profile.code == {}, variant.id


def test_textbook_solutions_are_never_alike(laboratory: Laboratory, explained: Explained) -> None:
    textbook = explained.profile(answered(laboratory, ""), laboratory.practical)
    assert code_pairs([textbook] * 30) == []


def test_what_more_than_a_fifth_of_a_class_wrote_says_nothing(laboratory: Laboratory, explained: Explained) -> None:
    helper = explained.profile(own_way(laboratory, "a helper"), laboratory.practical)
    textbook = Profile({}, {})
    assert code_pairs([helper, helper, *[textbook] * 78]) == [(0, 1)]
    assert len(code_pairs([*[helper] * 4, *[textbook] * 76])) == 6
    many = int(COMMON_SHARE * 80) + 1
    assert many > COMMON_COUNT
    assert code_pairs([*[helper] * many, *[textbook] * (80 - many)]) == []


# --- honest work


@pytest.mark.parametrize(
    ("size", "habits"), [(300, HABITS["right fills"]), (40, HABITS["15 % wrong fills"])], ids=["300 right", "40 mixed"]
)
def test_a_class_who_choose_by_themselves_gives_no_pair(laboratory: Laboratory, size: int, habits: Habits) -> None:
    assert code_pairs(laboratory.honest_class(0, size, habits)) == []


def test_one_odd_formula_is_too_little_to_tell_by(laboratory: Laboratory, explained: Explained) -> None:
    fills = {"target.min_q": OWN_WAYS["wrong formulas"][0]["target.min_q"]}
    odd = explained.profile(laboratory.marked.fill(fills, {}, ()), laboratory.practical)
    comparison = Comparison([odd.code] * 2, CODE)
    assert odd.code
    assert comparison.reached() == []
    assert comparison.share(0, 1) is None


# --- copies


@pytest.mark.parametrize("name", OWN_WAYS)
@pytest.mark.parametrize("disguise", [*DISGUISES.values(), all_at_once], ids=[*DISGUISES, "all"])
def test_a_copy_is_found_in_every_disguise(
    laboratory: Laboratory, honest: tuple[Explained, list[Profile]], name: str, disguise: object
) -> None:
    half, others = honest
    original = own_way(laboratory, name)
    assert callable(disguise)
    copied = disguise(original, laboratory.release, seeded(1))
    assert copied != original
    two = [half.profile(notebook, laboratory.practical) for notebook in (original, copied)]
    assert code_pairs([*others, *two]) == [(25, 26)]


def test_where_is_told_by_the_cells_of_both(laboratory: Laboratory, explained: Explained) -> None:
    original = own_way(laboratory, "a helper")
    moved = laboratory.marked.fill({}, {}, ("unrelated = 1", HELPERS))
    two = [explained.profile(notebook, laboratory.practical).code for notebook in (original, moved)]
    ((one, other), *_) = Comparison(two, CODE).where(0, 1)
    assert one != other
    assert {one, other} <= {f"cell {number}" for number in range(1, len(moved.cells) + 1)}


def test_a_share_is_that_of_the_one_with_less() -> None:
    few, many = frozenset(range(20)), frozenset(range(5, 105))
    comparison = Comparison([{"a": few}, {"b": many}], Bar(0.7, 10))
    assert comparison.share(0, 1) == comparison.share(1, 0) == pytest.approx(15 / 20)
    assert comparison.where(0, 1) == [("a", "b")]
    assert comparison.reached() == [(0, 1)]
    assert Comparison([{"a": few}, {"b": many}], Bar(0.8, 10)).reached() == []
    assert Comparison([{"a": few}, {"b": many}], Bar(0.7, 16)).reached() == []


def test_a_class_of_none_or_one_has_no_pairs() -> None:
    assert Comparison([], CODE).reached() == []
    assert Comparison([{"a": frozenset(range(99))}], CODE).reached() == []


# --- written answers


@pytest.mark.parametrize(
    ("one", "other", "alike"), [(ANSWER, REWORDED, True), (ANSWER, ANOTHER, False), ("", "", False)]
)
def test_answers_are_alike_in_nearly_the_same_words(
    laboratory: Laboratory, explained: Explained, one: str, other: str, alike: bool
) -> None:
    two = [explained.profile(answered(laboratory, text), laboratory.practical).answers for text in (one, other)]
    assert Comparison(two, ANSWERS).reached() == ([(0, 1)] if alike else [])


def test_an_answer_that_quotes_the_question_shares_nothing_by_that(
    laboratory: Laboratory, explained: Explained
) -> None:
    cells = {cell.metadata.get("nbgrader", {}).get("grade_id"): cell.source for cell in laboratory.release.cells}
    texts = [f"{cells['question-target-networks']}\n\n{own}" for own in (ANSWER, ANOTHER)]
    two = [explained.profile(answered(laboratory, text), laboratory.practical).answers for text in texts]
    comparison = Comparison(two, ANSWERS)
    assert comparison.reached() == []
    assert comparison.share(0, 1) == 0


# --- hostile submissions

DEEP = "x = " + "(" * 90 + "1" + ")" * 90 + "\ny = " + "-" * 5000 + "1\n"
HOSTILE = {
    "200 kB in one cell": ["x = 1\n" * 33_000],
    "statements without end": [f"x{number} = {number} + a{number}[{number}]\n" * 2000 for number in range(40)],
    "one long expression": ["x = " + " + ".join(f"f{number}(a, {number})" for number in range(2000))],
    "deep nesting": [DEEP, "if a:\n" + "".join(" " * depth + "if a:\n" for depth in range(1, 95)) + " " * 95 + "x = 1"],
    "a thousand cells": ["x = a.b(c)"] * 1000,
    "no code": ["%%bash\nrm -rf /", "def f(:", "\0", "\ud800"],
}


@pytest.mark.parametrize("cells", HOSTILE.values(), ids=HOSTILE)
def test_a_monstrous_submission_is_cut_and_hides_nothing(
    laboratory: Laboratory, explained: Explained, cells: list[str]
) -> None:
    original = own_way(laboratory, "another structure")
    copied = nbformat.from_dict(original)
    copied.cells = [*(nbformat.v4.new_code_cell(source) for source in cells), *original.cells]
    assert sum(map(len, cells)) < 100 * ALL_CODE
    two = [explained.profile(notebook, laboratory.practical) for notebook in (original, copied)]
    assert all(len(found) <= MOST_FINGERPRINTS for found in two[1].code.values())
    assert code_pairs(two) == [(0, 1)]


def test_ids_that_a_student_made_up_are_not_repeated(laboratory: Laboratory, explained: Explained) -> None:
    notebook = own_way(laboratory, "a helper")
    for made_up in ("\x1b[2J", ["critic"], {"a": 1}, None):
        cell = nbformat.v4.new_code_cell(f"{HELPERS}\nodd = {len(str(made_up))}", metadata={"nbgrader": {}})
        cell.metadata["nbgrader"]["grade_id"] = made_up
        notebook.cells.append(cell)
    profile = explained.profile(notebook, laboratory.practical)
    known = {cell.metadata.get("nbgrader", {}).get("grade_id") for cell in laboratory.release.cells}
    assert all(place in known or place.startswith("cell ") for place in profile.code)


# --- what the instructor is shown


@pytest.mark.parametrize("student", ODD_NAMES)
def test_nothing_in_a_name_acts_on_the_terminal_or_breaks_the_file(student: str) -> None:
    found = Findings([Pair((student, "bob"), 0.934, None, ("critic", "cell 7 = cell 9"))], 2)
    sent = "".join(shown(each) for each in found.words())
    sent.encode()
    assert "\x1b[2J" not in sent
    assert "\u202e" not in sent
    for part in (TITLE, "0.93", "critic, cell 7 = cell 9", MEANING):
        assert part in sent
    assert json.loads(json.dumps(found.data()))["pairs"][0]["students"] == [student, "bob"]


def test_where_nothing_is_alike_nothing_is_said() -> None:
    assert Findings((), 12).words() == []


def test_a_long_list_is_cut_on_the_terminal_and_whole_in_the_file() -> None:
    pairs = [Pair((f"a{number}", "b"), 1.0, 1.0, ("critic",) * 9) for number in range(50)]
    said = "".join(shown(each) for each in Findings(pairs, 51).words())
    assert "a19" in said
    assert "a20" not in said
    assert "30 more pairs" in said
    assert "and 4 more" in said
    assert len(Findings(pairs, 51).data()["pairs"]) == 50


# --- a class on disk


@pytest.fixture
def course(tmp_path: Path) -> Course:
    """The kit's course with a corpus of one file."""
    sac_course(tmp_path)
    for path in (tmp_path / "solutions/sac/variants").glob("*.toml"):
        if path.name != "explore.toml":
            path.unlink()
    return Course(tmp_path, "sac")


def hand_in(course: Course, student: str, content: NotebookNode | str) -> Submission:
    path = course.submitted / student / "sac/sac.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else nbformat.writes(content), encoding="utf-8")
    return Submission(student, path)


def compare(course: Course, submissions: Sequence[Submission]) -> dict[str, Any]:
    """What comes of comparing these submissions once they are mended."""
    fresh = Course(course.root, course.name)
    for item in submissions:
        mend_once(fresh, item, course.results)
    results = ClassResults(Marking(fresh), course.results, submissions, (), frozenset())
    found: dict[str, Any] = Likeness().publish(results, lambda *_: None).data["alike"]
    return found


def class_of_copies(course: Course, laboratory: Laboratory) -> list[Submission]:
    """One with something of her own, a copy of hers, one by the textbook, and one whose file is none."""
    original = own_way(laboratory, "a helper")
    for name, text in zip(laboratory.practical.written, (ANSWER, ANOTHER, ""), strict=True):
        next(cell for cell in original.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == name).source = text
    copied = DISGUISES["renamed"](original, laboratory.release, seeded(2))
    textbook = laboratory.marked.fill({}, {}, ())
    students: dict[str, NotebookNode | str] = {
        "alice": original,
        "=bob": copied,
        "carol": textbook,
        "dave": "no notebook",
    }
    return [hand_in(course, student, content) for student, content in students.items()]


def test_a_class_is_compared_and_what_was_found_is_written(course: Course, laboratory: Laboratory) -> None:
    submissions = class_of_copies(course, laboratory)
    found = compare(course, submissions)
    (pair,) = found["pairs"]
    assert (pair["students"], pair["code"], pair["answers"]) == (("alice", "=bob"), 1.0, 1.0)
    assert {"target-networks", "target"} <= set(pair["where"])
    assert json.loads((course.results / "alike.json").read_text()) == {
        **{"meaning": MEANING, "compared": 4, "fault": "", "left_out": {}},
        "pairs": [{"students": ["alice", "=bob"], "code": 1.0, "answers": 1.0, "where": list(pair["where"])}],
    }


def test_only_mended_notebooks_are_compared_and_those_that_did_not_change_are_not_read_again(
    course: Course, laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    submissions = class_of_copies(course, laboratory)
    first = compare(course, submissions)
    read: list[bytes] = []

    def noted(work: Packed, content: bytes, bounds: Bounds) -> bytes:
        read.append(content)
        return apart(work, content, bounds=bounds)

    monkeypatch.setattr("autograder.likeness.sinks.apart", noted)
    assert compare(course, submissions) == first
    assert read == []
    hand_in(course, "=bob", answered(laboratory, ""))
    assert compare(course, submissions)["pairs"] == []
    assert len(read) == 1
    mended_path(course.results, "carol").unlink()
    hand_in(course, "carol", "gone")
    results = ClassResults(Marking(course), course.results, submissions, (), frozenset())
    assert Likeness().publish(results, lambda *_: None).data["alike"]["compared"] == 3


@pytest.mark.parametrize("content", [b"", b"\xc1", b"\x80", b"\x81\xa8profiles\xc0"])
def test_a_spoilt_cache_is_made_anew(course: Course, laboratory: Laboratory, content: bytes) -> None:
    submissions = class_of_copies(course, laboratory)[:2]
    course.results.mkdir(parents=True)
    (course.results / "alike.cache").write_bytes(content)
    assert len(compare(course, submissions)["pairs"]) == 1


def test_what_the_corpus_learns_is_explained_from_then_on(course: Course, laboratory: Laboratory) -> None:
    copied = answered(laboratory, "")
    theirs = own_way(laboratory, "dead code")
    copied.cells = [theirs.cells[at] if cell.cell_type == "code" else cell for at, cell in enumerate(copied.cells)]
    submissions = [hand_in(course, name, copied) for name in ("alice", "bob")]
    assert len(compare(course, submissions)["pairs"]) == 1
    fill = OWN_WAYS["dead code"][0]["alpha.step"]
    entry = f"[[variant]]\nid = 'gap'\nverdict = 'right'\nsummary = 's'\nfills.'alpha.step' = '''{fill}'''\n"
    (course.root / "solutions/sac/variants/more.toml").write_text(entry, encoding="utf-8")
    assert compare(course, submissions)["pairs"] == []


def test_a_fault_of_the_corpus_is_told_and_stops_nothing(course: Course, laboratory: Laboratory) -> None:
    submissions = class_of_copies(course, laboratory)[:2]
    (course.root / "solutions/sac/variants/more.toml").write_text("[[variant]]", encoding="utf-8")
    found = compare(course, submissions)
    assert "more.toml" in found["fault"]
    assert "not compared" in "".join(shown(line) for line in Findings(fault=found["fault"]).words())


def test_grading_reports_the_pair_to_the_instructor_and_nowhere_else(tmp_path: Path) -> None:
    course = small_course.small_course(tmp_path / "course")  # which has no corpus
    for student in ("alice", "=bob", "carol"):
        path = small_course.hand_in(course, student)
        notebook = nbformat.read(path, as_version=4)
        if student != "carol":
            notebook.cells.insert(0, nbformat.v4.new_code_cell(HELPERS))
        nbformat.write(notebook, path)
    done = CliRunner().invoke(app, ["grade", "--course", str(course), "--jobs", "1"], env={"COLUMNS": "200"})
    assert done.exit_code == 0
    assert TITLE in done.stdout
    (line,) = (line for line in done.stdout.splitlines() if "alice" in line and "bob" in line)
    assert "1.00" in line
    results = json.loads((course / "results/hw-1/results.json").read_text())
    assert {result["student"]: result["points"] for result in results} == {"=bob": 5, "alice": 5, "carol": 5}
    mine = {course / "results/hw-1" / name for name in ("alike.json", "alike.cache")}
    given = {course / name for name in ("submitted", "source", "release", "solutions")}
    others = [path for path in course.rglob("*") if path.is_file() and not {path, *path.parents} & {*given, *mine}]
    assert {"gradebook.db", "results.csv", "hw-1.html", "alice.json"} <= {path.name for path in others}
    for path, word in itertools.product(others, (b"alike", b"Alike", b"fingerprints")):
        assert word not in path.read_bytes(), path
