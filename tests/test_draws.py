"""Inputs are drawn from the course's secret: what one student learnt is worth nothing to another."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from small_course import CORPUS, INPUTS, NAME, asked, hand_in, run, said, small_course

from autograder.cluster.desk import Desk
from autograder.cluster.parcels import Parcel, packed_practical, unpack_practical
from autograder.course.folders import course_in
from autograder.course.practical import load_practical
from autograder.course.secret import LENGTH, SECRET, VERSIONS, make_secret
from autograder.doctor.examination import Finding, examine
from autograder.errors import CheckError
from autograder.grading.mark import Marking
from autograder.grading.store import kept
from autograder.judging import fitting_seed, generator
from autograder.judging.answer_key import AnswerKey
from autograder.judging.draws import Draw
from autograder.judging.proof import prove
from autograder.nbgrader.inputs import found_in
from autograder.platforms.gradescope_run import results_of, student_in
from autograder.records import SAME_INPUTS
from autograder.rl.environments import Task

DRAWN = re.sub(
    r"POSITIVE, NEGATIVE = .*",
    "POSITIVE, NEGATIVE = generator(1).uniform(1, 3, 2), -generator(2).uniform(1, 3, 2)",
    INPUTS.replace("import numpy as np", "from autograder.judging import generator"),
)
TELLS = "(_ for _ in ()).throw(ValueError(str(x.tolist())))"
TELLS_THE_REST = f"2 * x if x[0] > 0 else {TELLS}"
FULL = 5.0


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A course whose inputs are drawn, with a secret."""
    course = small_course(tmp_path / "course", files={"inputs.py": DRAWN, "variants/all.toml": CORPUS})
    make_secret(course)
    return course


def students_of(root: Path) -> dict[int, str]:
    """A student of each version."""
    key = course_in(root).key
    assert key
    found = {key.version_of(f"student-{number}"): f"student-{number}" for number in range(60)}
    assert found.keys() == set(range(1, VERSIONS + 1))
    return found


def graded(root: Path, *words: str) -> dict[str, dict[str, float]]:
    """Everybody's points, question by question."""
    done = run("grade", root, "--jobs", "1", "--no-gradebook", "--json", *words)
    assert done.exit_code in (0, 1), done.output
    results = json.loads(done.stdout)["results"]
    assert not any(result["fault"] for result in results), results
    return {each["student"]: {one["question"]: one["points"] for one in each["questions"]} for each in results}


def table_from(root: Path, student: str) -> str:
    """Code that looks up the right answers to all numbers which that student's feedback told, in two rounds."""
    numbers: list[float] = []
    for tells in (TELLS, TELLS_THE_REST):
        hand_in(root, student, double=tells)
        graded(root)
        found = kept(root / "results" / NAME, student)
        assert found
        words = " ".join(check.happened for question in found.questions for check in question.checks)
        numbers += [float(each) for told in re.findall(r"\[(-?\d+\.\d.*?)\]", words) for each in told.split(", ")]
    assert len(numbers) == 4
    return f"np.array([{ {number: 2 * number for number in numbers} }.get(each, 0.0) for each in x.tolist()])"


def test_a_table_of_what_one_feedback_told_earns_nothing_for_who_has_another_version(root: Path) -> None:
    students = students_of(root)
    table = table_from(root, students[1])
    for student in students.values():
        hand_in(root, student, double=table)
    points = {version: graded(root)[student]["double"] for version, student in students.items()}
    assert points == {1: 2.0, 2: 0.0, 3: 0.0, 4: 0.0}


def test_right_code_earns_everything_and_known_mistakes_are_told_under_every_version(root: Path) -> None:
    assert run("verify", "--learn", "--course", root, "--jobs", "1").exit_code == 0
    students = students_of(root)
    for student in students.values():
        hand_in(root, student)
        hand_in(root, f"{student}-too", double="3 * x")
    found = graded(root)
    for student in students.values():
        assert sum(found[student].values()) == FULL
        assert found[f"{student}-too"] == {"double": 0.0, "shift": 3.0}
        wrong = kept(root / "results" / NAME, f"{student}-too")
        assert wrong
        assert wrong.questions[0].hint == "The factor is three, and it should be two."
    versions = {getattr(kept(root / "results" / NAME, each), "inputs", "") for each in students.values()}
    assert versions == {f"version {number} of {VERSIONS}" for number in range(1, VERSIONS + 1)}


def test_the_same_is_asked_and_marked_again_until_there_is_another_secret(root: Path) -> None:
    hand_in(root, "ada", double="np.where(x > 2, x + x, 0)")
    first, _ = graded(root), asked(root)
    assert graded(root) == first
    assert not asked(root)
    result = kept(root / "results" / NAME, "ada")
    assert graded(root, "--force") == first
    again = kept(root / "results" / NAME, "ada")
    assert result
    assert again
    assert result.questions == again.questions
    asked(root)
    (root / SECRET).unlink()
    make_secret(root)
    graded(root)
    assert asked(root)


def test_every_road_asks_a_student_the_same(root: Path, tmp_path: Path) -> None:
    students = students_of(root)
    paths = {student: hand_in(root, student, double=TELLS) for student in students.values()}
    graded(root)
    marking = Marking(course_in(root))
    unpack_practical(packed_practical(marking), tmp_path / "desk")
    desk, inputs = Desk(tmp_path / "desk"), found_in(course_in(root))
    told: set[str] = set()
    for student, path in paths.items():
        result = kept(root / "results" / NAME, student)
        assert result
        words = [check.happened for question in result.questions for check in question.checks]
        told.add(words[0])
        from_desk = desk.graded(Parcel("", student, path.name, path.read_bytes()))["result"]
        assert [check["happened"] for each in from_desk["questions"] for check in each["checks"]] == words
        (root / "results" / NAME / "students" / f"{student}.json").unlink()
        from_nbgrader = inputs.result(inputs.mended(student))
        assert from_nbgrader.questions == result.questions
        from_gradescope = results_of(course_in(tmp_path / "desk/course"), path.parent, student)
        assert all(f"[{word}" in from_gradescope["tests"][0]["output"] for word in re.findall(r"\[(\S+),", words[0]))
    assert len(told) == VERSIONS


def test_gradescope_says_who_hands_in(tmp_path: Path) -> None:
    path = tmp_path / "submission_metadata.json"
    assert student_in(path) == "student"
    for users, name in (
        ([{"email": "b@x.org", "sid": "7"}], "7"),
        ([{"email": "b@x.org"}, {"email": "a@x.org", "sid": None}], "a@x.org"),
        ([], "student"),
    ):
        path.write_text(json.dumps({"users": users}), encoding="utf-8")
        assert student_in(path) == name


def test_the_secret_stands_in_no_file_and_no_output_but_its_own(root: Path, tmp_path: Path) -> None:
    hand_in(root, "ada", double=TELLS)
    outputs = [run("grade", root, "--jobs", "1"), run("check", hand_in(root, "bob"), "--course", root)]
    marking, secret = Marking(course_in(root)), root / SECRET
    key = course_in(root).key
    assert key
    hidden = [secret.read_text(encoding="ascii").strip(), key.key.hex()]
    hidden += [draw.bits.hex() for draw in marking.draws if draw.version]
    hidden += [repr(bytes.fromhex(each)) for each in hidden]
    texts = [path.read_bytes() for path in root.rglob("*") if path.is_file() and path != secret]
    texts += [done.output.encode() for done in outputs]
    texts += [repr([key, marking.course, *marking.draws]).encode()]
    assert not [each for each in hidden if any(each.encode() in text for text in texts)]
    assert secret.stat().st_mode & 0o777 == 0o600
    assert "/secret*" in (root / ".gitignore").read_text(encoding="utf-8").splitlines()
    unpack_practical(packed_practical(marking), tmp_path / "sent")
    assert not [path for path in (tmp_path / "sent").rglob("*") if path.is_file() and _holds(path, hidden[0])]


def _holds(path: Path, words: str) -> bool:
    return words.encode() in path.read_bytes()


def test_without_a_secret_the_result_and_doctor_say_so(root: Path) -> None:
    (root / SECRET).unlink()
    hand_in(root, "ada")
    done = run("grade", root, "--jobs", "1", "--no-gradebook")
    assert "Asked with inputs that are the same in every course: 1 of 1." in said(done)
    found = kept(root / "results" / NAME, "ada")
    assert found
    assert found.inputs == SAME_INPUTS
    assert f"autograder init --secret {root}" in secret_in(root).next_step
    assert run("init", "--secret", root).exit_code == 0
    assert "one of 4 versions" in secret_in(root).found
    assert "the same in every course" not in said(run("grade", root, "--jobs", "1", "--no-gradebook"))


def secret_in(root: Path) -> Finding:
    """What doctor finds of the secret."""
    return next(each for each in examine(root) if each.subject == "secret")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "it is empty"),
        ("ab" * (LENGTH - 1), "it is too short"),
        ("xy" * LENGTH, "64 hexadecimal digits"),
        (None, "cannot be read"),
    ],
)
def test_a_secret_that_is_none_is_told_before_anybody_is_graded(root: Path, content: str | None, words: str) -> None:
    (root / SECRET).unlink()
    if content is None:
        (root / SECRET).symlink_to(root / "gone")
    else:
        (root / SECRET).write_text(content, encoding="utf-8")
    hand_in(root, "ada")
    done = run("grade", root, "--jobs", "1")
    assert done.exit_code == 2
    assert words in said(done)
    assert str(root / SECRET) in said(done)
    assert not asked(root)
    assert words in secret_in(root).found
    again = run("init", "--secret", root)
    assert again.exit_code == 2
    assert "already" in said(again)


def test_a_generator_is_the_same_for_one_draw_and_another_for_the_next() -> None:
    draws = [Draw(), Draw(1, bytes(range(16))), Draw(2, bytes(range(1, 17)))]

    def number(draw: Draw, seed: int = 1) -> float:
        with draw.in_use():
            return float(generator(seed).normal())

    assert len({number(draw, seed) for draw in draws for seed in (1, 2)}) == 6
    assert [number(draw) for draw in draws] == [number(draw) for draw in draws]
    assert number(Draw()) == np.random.default_rng([20_180_104, 1]).normal()


def test_a_seed_is_taken_that_fits() -> None:
    assert fitting_seed(3, lambda seed: True) == 3
    found = fitting_seed(3, lambda seed: bool(generator(seed).normal() > 2))
    assert found != 3
    assert generator(found).normal() > 2
    with pytest.raises(CheckError, match="in place of 3"):
        fitting_seed(3, lambda seed: False)


@pytest.mark.parametrize("name", ["sac", "reinforce"])
def test_the_kits_own_checks_pass_with_the_solution_under_other_draws(name: str, kit: Path) -> None:
    practical = load_practical(kit, name)
    lenses = []
    for number in (1, 2):
        key = AnswerKey(practical, Draw(number, bytes([number]) * 16))
        prove(key, practical.questions)
        tasks = [each for each in vars(key.module("training")).values() if isinstance(each, Task)]
        lenses += [task.lens.mixing for task in tasks]
    one, other = lenses
    assert not np.allclose(one, other)
