"""The grader is graded: verify finds a false verdict and names it, for any practical."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest
from small_course import BOTH, CHECKS, CORPUS, DOUBLE, NAME, SHIFT, asked, both, notebook, run, small_course

FALSE = """
[[variant]]
id = "said-to-be-right"
verdict = "right"
summary = "three times the number"
fills = { "double.body" = "3 * x" }

[[variant]]
id = "said-to-be-wrong"
verdict = "wrong"
summary = "nothing is wrong with this"
loses = ["double", "shift"]
fills = { "double.body" = "x + x" }
"""

IDLE = '''
import numpy as np


@check("double", look_at="the factor")
def it_doubles_nothing(exam: Exam) -> None:
    """Twice nothing is nothing."""
    compare(exam, np.zeros(2), "double")
'''

EQUIVALENT = """
[[equivalent]]
reason = "no number of this practical is that large"
mutants = ["shift: cut off at -10 and 10: y = (x + 1).clip(-10.0, 10.0)"]
"""


@pytest.fixture
def course(tmp_path: Path) -> Path:
    return small_course(tmp_path / "my course", notebook(both()), files={**BOTH, "variants/all.toml": CORPUS})


def test_verdicts_that_hold_are_counted_and_a_check_that_nothing_fails_is_named(course: Path) -> None:
    with (course / "solutions" / NAME / "checks.py").open("a", encoding="utf-8") as file:
        file.write(IDLE)
    done = run("verify", "--course", course, "--jobs", "1", "--json")
    assert done.exit_code == 0
    found = json.loads(done.stdout)
    assert found["problems"] == {}
    assert found["figures"] == {
        "right kept": {"count": 1, "total": 1},
        "wrong caught": {"count": 2, "total": 2},
        "blame exact": {"count": 2, "total": 2},
    }
    assert found["idle"] == ["double/it_doubles_nothing"]
    assert found["variants"]["triples"]["lost"] == ["double"]
    assert found["per_blank"]["double.body"] == {"right": 1, "wrong": 1}
    assert "no known mistake is recognised" in found["unlearnt"]


def test_mistakes_are_learnt_and_then_recognised_also_where_there_are_several(course: Path) -> None:
    assert run("verify", "--course", course, "--jobs", "1", "--learn").exit_code == 0
    found = json.loads(run("verify", "--course", course, "--jobs", "1", "--json", "--several", "1").stdout)
    assert found["figures"]["several mistakes, blame exact"] == {"count": 1, "total": 1}
    assert found["figures"]["hints true, whole"] == {"count": 2, "total": 2}
    assert found["figures"]["hints true, apart"]["total"] == 2
    assert {found["figures"][f"hints false, {of}"]["count"] for of in ("whole", "apart", "mutants")} == {0}
    assert found["seconds"].keys() == {"corpus", "hints"}


def test_mutants_are_scored_the_survivors_named_and_hints_counted_on_one_page(course: Path) -> None:
    (course / "solutions" / NAME / "equivalent.toml").write_text(EQUIVALENT, encoding="utf-8")
    assert run("verify", "--course", course, "--jobs", "1", "--learn").exit_code == 0
    done = run("verify", "--course", course, "--jobs", "1", "--mutants")
    assert done.exit_code == 0
    words = re.sub(r"\s+", " ", done.stdout)
    assert re.search(r"shift │ blanks │ \d+ │ [1-9] │ 1 │ \d+ │ 100.0%", words)
    assert re.search(r"double │ blanks │ \d+ │ \d+ │ 0 │ \d+ │ 9\d.\d%", words)
    assert "survives double: cut off at -10 and 10: y = (2 * x).clip(-10.0, 10.0)" in words
    assert "survives shift: cut off at -10 and 10: y =" not in words
    assert "marked the same in the sandbox: 16 / 16 of a sample" in words
    assert "right kept: 1 / 1" in words
    assert re.search(r"its own file left out │ 2 │ 0 │", words)
    assert re.search(r"corpus: \d+ s mutants: \d+ s", words)


def test_a_question_that_runs_everything_together_is_asked_where_that_is_wanted(course: Path) -> None:
    found = json.loads(run("verify", "--course", course, "--jobs", "1", "--end-to-end", "--json").stdout)
    assert found["problems"] == {}
    assert found["variants"]["triples"]["lost"] == ["both", "double"]


def test_a_verdict_that_does_not_hold_is_named_with_question_expected_and_outcome(course: Path) -> None:
    path = course / "false.toml"
    path.write_text(FALSE, encoding="utf-8")
    done = run("verify", "--course", course, "--jobs", "1", "--corpus", path)
    assert done.exit_code == 1
    words = re.sub(r"\s+", " ", done.stdout)
    assert "false.toml: said-to-be-right (right) expected to lose marks: nowhere" in words
    assert re.search(r"double lost marks and should not have \(\w+: .+?\.\)", words)
    assert "false.toml: said-to-be-wrong (wrong) expected to lose marks: double, shift" in words
    assert "double should have lost marks and did not; shift should have lost marks and did not" in words
    assert "right kept: 0 / 1" in words
    assert "wrong caught: 0 / 1" in words


def test_a_corpus_that_cannot_be_read_is_a_fault_of_the_course(course: Path) -> None:
    path = course / "solutions" / NAME / "variants/all.toml"
    path.write_text(CORPUS.replace("shift.body", "shift.bdoy"), encoding="utf-8")
    done = run("verify", "--course", course)
    assert done.exit_code == 2
    assert "all.toml, line 15: variant 'shifts-down': unknown blank 'shift.bdoy'" in re.sub(r"\s+", " ", done.stderr)


def test_a_practical_without_a_corpus_is_told_what_to_write(tmp_path: Path) -> None:
    done = run("verify", "--course", small_course(tmp_path / "course"))
    assert done.exit_code == 2
    assert "variants" in done.stderr


# --- which questions a variant is asked

EACH = Counter(double=1, shift=1)
HELPED = {
    "double": f"def plus(x, y):\n    return x + y\n\n\n{DOUBLE.replace('2 * x', 'plus(x, x)')}",
    "shift": f"class Step:\n    def by(self):\n        return 1\n\n\n{SHIFT.replace('x + 1', 'plus(x, Step().by())')}",
}
PLUS = "def plus(x, y):\n    return y + x\n"
CALLS_BACK = f'''{CHECKS.replace("expect_close", "expect_close, help_with", 1)}

@check("shift", look_at="the rest")
def it_works_with_the_other(exam: Exam) -> None:
    """It can be used together with what doubles."""
    scene = Scene({{"x": array(POSITIVE)}}, help_with("doubled", "x", into="y"), call("shift", "y"))
    theirs, right = (each.step(1).array("returned", (2,), "it") for each in (exam.play(scene), exam.right(scene)))
    expect_close(theirs, right, "numbers")
'''
PROBES = "def doubled(stage, x):\n    return stage.functions['double'](x)\n"
PROBED = f'''{CHECKS}

@check("shift", look_at="the rest")
def it_answers_a_probe(exam: Exam) -> None:
    """A probe is answered."""
    if exam.ask("doubled", x=1.0).number("twice", "it") != 2:
        raise Mistake("It is not two.")
'''
ASKED = "def doubled(session, x):\n    return {'twice': session.student['double'](x)}\n"


def questions_of(root: Path, *variants: str) -> Counter[str]:
    """How often each question is asked of these right answers together; of the reference all are, once beside them."""
    entries = [
        f'[[variant]]\nid = "{n}"\nverdict = "right"\nsummary = "fine"\n{each}' for n, each in enumerate(variants)
    ]
    path = root / "own.toml"
    path.write_text("\n".join(entries), encoding="utf-8")
    asked(root)
    done = run("verify", "--course", root, "--jobs", "1", "--corpus", path, "--json")
    found = json.loads(done.stdout)
    assert found["problems"] == {}
    assert found["figures"]["right kept"] == {"count": len(variants), "total": len(variants)}
    processes = Counter({name: min(len(variants), 2) for name in EACH})
    return asked(root) - processes


def small(root: Path, files: Mapping[str, str] | None = None) -> Path:
    return small_course(root / "my course", files=files)


def test_a_variant_is_asked_what_it_changes_and_has_the_results_of_the_reference_in_all_else(tmp_path: Path) -> None:
    root = small(tmp_path)
    assert questions_of(root, 'fills = { "double.body" = "x + x" }') == Counter(double=1)
    assert questions_of(root, 'fills = { "shift.body" = "1 + x" }') == Counter(shift=1)
    both_filled = 'fills = { "double.body" = "x + x", "shift.body" = "1 + x" }'
    assert questions_of(root, both_filled) == EACH


AT_ONCE = [  # cells of which something is run at once, or the effect is not plain
    ["FACTOR = 2"],
    ["np.random.seed(1)"],
    ["import math"],
    ["if True:\n    def more(x):\n        return x"],
    ["@np.vectorize\ndef more(x):\n    return x"],
    ["def more(x=np.zeros(1)):\n    return x"],
    ["def more(x: np.zeros(1)):\n    return x"],
    ["class More:\n    number = 1"],
    ["class One:\n    pass", "class Two(One):\n    pass"],
    ["def __getattr__(name):\n    return 1"],
    ["double = None"],
]


def test_a_variant_with_more_than_plain_functions_and_classes_is_asked_everything(tmp_path: Path) -> None:
    variants = [f"extra_cells = {json.dumps(cells)}" for cells in AT_ONCE]
    assert questions_of(small(tmp_path), *variants) == Counter({name: len(variants) for name in EACH})


def test_what_a_function_of_the_students_uses_is_part_of_it(tmp_path: Path) -> None:
    root = small_course(tmp_path / "my course", notebook(double=HELPED["double"], shift=HELPED["shift"]))
    changed = json.dumps(HELPED["double"].replace("x + y", "y + x").replace("  ### SOLUTION double.body", ""))
    assert questions_of(root, f"cells.double = {changed}") == EACH
    changed = json.dumps(HELPED["shift"].replace("return 1", "return 3 - 2").replace("  ### SOLUTION shift.body", ""))
    assert questions_of(root, f"cells.shift = {changed}") == Counter(shift=1)
    helper = json.dumps(["def more(x):\n    return x + x\n", "class Unused:\n    def nothing(self):\n        pass"])
    assert questions_of(root, f'fills = {{ "double.body" = "more(x)" }}\nextra_cells = {helper}') == Counter(double=1)


@pytest.mark.parametrize(("checks", "probes"), [(CALLS_BACK, PROBES), (PROBED, ASKED)], ids=["helper", "probe"])
def test_what_the_probes_call_is_part_of_the_question(tmp_path: Path, checks: str, probes: str) -> None:
    root = small(tmp_path, {"checks.py": checks, "probes.py": probes})
    assert questions_of(root, 'fills = { "double.body" = "x + x" }') == EACH
    assert questions_of(root, 'fills = { "shift.body" = "1 + x" }') == Counter(shift=1)


def test_a_wrong_variant_is_asked_what_it_should_lose_whatever_it_changes(course: Path) -> None:
    path = course / "false.toml"
    path.write_text(FALSE, encoding="utf-8")
    asked(course)
    run("verify", "--course", course, "--jobs", "1", "--corpus", path)
    assert asked(course) == Counter(double=2 + 2, shift=2 + 1)
