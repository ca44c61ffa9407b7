"""Who makes a known mistake is told its hint, and nobody else; the comparison is of answers, never of text."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from conftest import sac_course
from nbformat import NotebookNode
from small_course import notebook, small_course

from autograder.course.folders import Course
from autograder.course.practical import Practical, load_practical
from autograder.errors import CourseError
from autograder.grading.mark import Marking, mark
from autograder.grading.mend import Mended
from autograder.hints.known import bare, fingerprint, known_path, learnt, load_known
from autograder.hints.places import Spot
from autograder.hints.recognise import Known, KnownMistake, is_telling, same
from autograder.hints.signatures import MOST_LEAVES, Signature, signature
from autograder.hints.storage import read, save
from autograder.judging.checks import Value
from autograder.judging.judge import Heard
from autograder.judging.session import Answered, Gone, Outcome, Raised
from autograder.nbgrader.cards import card_outputs
from autograder.records import QuestionResult, SubmissionResult
from autograder.reports.tables import report_lines
from autograder.verification.corpus import Variant, load_corpus
from autograder.verification.several import parts_of, several

RNG = np.random.default_rng(0)
ASKED: dict[str, Value] = {"x": RNG.standard_normal((12, 3)).astype(np.float32), "alpha": 0.4}
RIGHT = RNG.standard_normal((12, 1)).astype(np.float32)
MORE = "def double(x):\n    y = 2 * x  ### SOLUTION double.body\n    return y + 0"
SLIP = RIGHT + RNG.standard_normal((12, 1)).astype(np.float32)


def heard(values: Value, **calls: Value) -> dict[str, Heard]:
    return {"ask": Heard(ASKED, Answered(values), tuple((name, {"said": said}) for name, said in calls.items()))}


def signatures_of(asked: Mapping[str, Heard]) -> dict[str, Signature]:
    return {key: signature(each) for key, each in asked.items()}


def mistake(name: str, values: Value, fills: int = 1) -> KnownMistake:
    return KnownMistake(name, "target", f"hint of {name}", fills, signatures_of(heard({"out": values})))


def known(*mistakes: KnownMistake) -> Known:
    return Known({"target": signatures_of(heard({"out": RIGHT}))}, mistakes, "made from this")


# ---- what is recognised ------------------------------------------------------------------------------------------


def test_the_answers_of_a_known_mistake_get_its_hint() -> None:
    assert known(mistake("slip", SLIP)).hint("target", heard({"out": SLIP})) == "hint of slip"


def test_rounding_as_other_machines_do_it_changes_nothing() -> None:
    noise = (1 + 1e-6 * RNG.standard_normal(SLIP.shape)).astype(np.float32)
    assert known(mistake("slip", SLIP)).hint("target", heard({"out": SLIP * noise})) == "hint of slip"


@pytest.mark.parametrize(
    "values",
    [
        {"out": SLIP * np.float32(1.01)},
        {"out": -SLIP},
        {"out": SLIP[::-1].copy()},
        {"out": SLIP.ravel()},
        {"out": SLIP, "more": 1.5},
        {"other": SLIP},
        [SLIP],
        None,
    ],
    ids=["scaled", "negative", "rows-mixed", "other-shape", "more", "other-name", "in-a-list", "nothing"],
)
def test_any_other_answer_is_met_with_silence(values: Value) -> None:
    assert known(mistake("slip", SLIP)).hint("target", heard(values)) == ""


def test_one_row_that_differs_is_another_answer() -> None:
    almost = SLIP.copy()
    almost[3] += 0.05
    assert known(mistake("slip", SLIP)).hint("target", heard({"out": almost})) == ""


def test_a_further_ask_that_the_mistake_was_not_put_means_silence() -> None:
    more = {**heard({"out": SLIP}), "another ask": heard({"out": SLIP})["ask"]}
    assert known(mistake("slip", SLIP)).hint("target", more) == ""


def test_a_mistake_in_another_question_is_not_looked_for() -> None:
    assert known(mistake("slip", SLIP)).hint("critic", heard({"out": SLIP})) == ""


def test_of_equal_mistakes_the_simplest_speaks_where_its_hint_is_true_of_the_others() -> None:
    two, one = mistake("two blanks", SLIP, 2), mistake("one blank", SLIP)
    assert known(two, one).hint("target", heard({"out": SLIP})) == ""
    read_over = known(two, replace(one, alike=("two blanks",)))
    assert read_over.hint("target", heard({"out": SLIP})) == "hint of one blank"


# ---- what machines made ------------------------------------------------------------------------------------------

FIRST, SECOND, LAST = (
    Spot("f", line, f"the line that makes `{name}`", area)
    for line, name, area in ((1, "first", (1, 2)), (2, "second", (1, 2, 3)), (3, "last", (2, 3)))
)


def made(operator: str, values: Value, place: Spot = FIRST, kind: str = "sign") -> KnownMistake:
    return replace(mistake(operator, values), hint="", kind=kind, place=place)


ELSEWHERE = [made("op 7", -RIGHT, LAST), made("op 8", 0 * RIGHT, Spot("f", 9, "the line with `g`", (9,)))]


def test_what_a_machine_made_is_told_by_its_place_and_asks_a_question() -> None:
    hint = known(made("one", SLIP), *ELSEWHERE).hint("target", heard({"out": SLIP}))
    assert "follow the line that makes `first`" in hint
    assert hint.endswith("?")


def test_kinds_are_asked_for_as_examples_where_the_answers_are_the_same() -> None:
    signs, terms = made("one", SLIP), made("two", SLIP, kind="term")
    hint = known(signs, terms, *ELSEWHERE).hint("target", heard({"out": SLIP}))
    assert "For instance, look at the signs" in hint
    assert "Or look at the sums" in hint


def test_two_places_are_told_by_the_one_that_is_near_both_or_both_by_name() -> None:
    near, far = made("two", SLIP, SECOND), made("two", SLIP, ELSEWHERE[0].place or FIRST)
    assert "`first`:" in known(made("one", SLIP), near, *ELSEWHERE).hint("target", heard({"out": SLIP}))
    hint = known(made("one", SLIP), far, *ELSEWHERE).hint("target", heard({"out": SLIP}))
    assert "follow the line that makes `first` and the line that makes `last`:" in hint


def test_places_that_are_nearly_all_of_a_function_are_not_told() -> None:
    every = [made(f"op {i}", SLIP, place) for i, place in enumerate((FIRST, LAST, Spot("f", 9, "line 9 of it", (9,))))]
    assert known(*every).hint("target", heard({"out": SLIP})) == ""
    assert known(*every[:2], *every[:2]).hint("target", heard({"out": SLIP})) == ""


def test_answers_that_are_wrong_in_the_same_way_are_told_where_several_operators_agree() -> None:
    others = [made(f"op {i}", SLIP * np.float32(1.1 + i)) for i in range(3)]
    assert "`first`" in known(*others, *ELSEWHERE).hint("target", heard({"out": SLIP * np.float32(9.7)}))
    assert known(*others[:2], *ELSEWHERE).hint("target", heard({"out": SLIP * np.float32(9.7)})) == ""


def test_several_operators_that_get_the_same_numbers_wrong_are_told_even_if_not_in_the_same_way() -> None:
    others = [made(f"op {i}", SLIP * np.float32(1.1 + i)) for i in range(3)]
    assert "`first`" in known(*others, *ELSEWHERE).hint("target", heard({"out": np.float32(0.3) - SLIP}))
    assert known(*others[:2]).hint("target", heard({"out": np.float32(0.3) - SLIP})) == ""


def test_a_persons_words_are_not_told_where_machines_know_two_kinds_of_the_same_answers() -> None:
    explained = [mistake("slip", SLIP), made("one", SLIP), made("two", SLIP, kind="term"), *ELSEWHERE]
    assert "`first`" in known(*explained).hint("target", heard({"out": SLIP}))
    assert known(*explained[:2]).hint("target", heard({"out": SLIP})) == "hint of slip"


# ---- what is evidence --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "outcome",
    [
        Raised("RuntimeError", "the sizes do not match", "cell 3", 2, "a + b"),
        Gone("did not come to an end", hung=True),
        Answered({"out": RIGHT}),
        Answered({"out": np.zeros((12, 1))}),
        Answered({"out": ASKED["x"]}),
        Answered({"out": 0.4}),
        Answered({"out": np.full((12, 1), np.nan)}),
        Answered({"out": "words"}),
        Answered(None),
    ],
    ids=["raised", "hung", "right", "zeros", "handed-in", "constant-handed-in", "nan", "words", "nothing"],
)
def test_what_quite_different_slips_leave_behind_is_no_evidence(outcome: Outcome) -> None:
    asked = {"ask": Heard(ASKED, outcome)}
    entry = KnownMistake("slip", "target", "hint", 1, signatures_of(asked))
    assert known(entry).hint("target", asked) == ""


def test_what_was_said_to_the_judge_meanwhile_is_evidence() -> None:
    right, slip = (signatures_of(heard({"out": RIGHT}, step=said)) for said in (RIGHT[:2], SLIP[:2]))
    assert is_telling(slip, right)
    assert not same(slip, right)


def test_addresses_in_messages_are_not_compared() -> None:
    one, other = ({"ask": Heard({}, Raised("E", f"<object at {at}>", "", 0, ""))} for at in ("0x7f01", "0x7fab"))
    assert same(signatures_of(one), signatures_of(other))


def test_an_answer_of_very_many_parts_is_kept_small() -> None:
    assert len(signature(heard([[1.0] * 100] * 100)["ask"])) <= MOST_LEAVES


def test_numbers_too_large_for_sums_do_not_disturb() -> None:
    huge = np.array([1e308, -1e308, np.inf, np.nan, 1.0, 2.0])
    assert same(signatures_of(heard({"out": huge})), signatures_of(heard({"out": huge.copy()})))


# ---- the file ----------------------------------------------------------------------------------------------------


def test_what_is_written_is_read_again_and_written_the_same(tmp_path: Path) -> None:
    before = known(mistake("slip", SLIP), mistake("other", [1, "two", None]), made("operator", SLIP, SECOND))
    one, other = tmp_path / "one.json", tmp_path / "other.json"
    save(one, before)
    after = read(one)
    assert after is not None
    assert [each.place for each in after.mistakes] == [None, None, SECOND]
    assert all(
        same(one.signatures, other.signatures) for one, other in zip(after.mistakes, before.mistakes, strict=True)
    )
    save(other, after)
    assert one.read_bytes() == other.read_bytes()


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": 99}', '{"format": 2, "right": 3}'])
def test_a_file_of_another_form_is_as_good_as_none(tmp_path: Path, content: str) -> None:
    path = tmp_path / "known.json"
    path.write_text(content)
    assert read(path) is None


def test_a_missing_file_is_told_with_the_next_step(tmp_path: Path) -> None:
    practical = load_practical(sac_course(tmp_path))
    known_path(practical).unlink()
    assert load_known(practical) == Known({}, ())
    with pytest.raises(CourseError) as caught:
        learnt(practical)
    assert "verify --learn" in caught.value.next_step


@pytest.mark.parametrize("name", ["sac", "reinforce"])
def test_the_committed_known_mistakes_are_up_to_date_and_small(name: str, kit: Path) -> None:
    practical = load_practical(kit, name)
    path = known_path(practical)
    found = read(path)
    assert found is not None
    assert found.fingerprint == fingerprint(practical), "run autograder verify --learn"
    assert path.stat().st_size < 2_000_000


def test_known_mistakes_of_other_checks_are_not_used(tmp_path: Path) -> None:
    practical = load_practical(sac_course(tmp_path))
    save(known_path(practical), known(mistake("slip", SLIP)))
    assert load_known(practical).mistakes == ()


def test_words_layout_and_comments_do_not_age_the_known_mistakes() -> None:
    one = 'def f(x):\n    """Says."""\n    # why\n    fail("this is wrong", f"{x} too")\n    return x + 1\n'
    other = 'def f(x):\n\n    """Says more."""\n    fail(\n"that is it", f"and {x}")\n    return x+1  # so\n'
    assert bare(one, without_prose=True) == bare(other, without_prose=True)


def test_nor_do_weights() -> None:
    one, other = (
        "@check(Q, weight=2, look_at='at it')\ndef f(): ask(1)\n",
        "@check(Q, weight=3.5, look_at='at it')\ndef f(): ask(1)\n",
    )
    assert bare(one, without_prose=True) == bare(other, without_prose=True)


@pytest.mark.parametrize("other", ['ask("a", 3)\n', 'ask("b", 2)\n', 'tell("a", 2)\n'])
def test_names_and_numbers_do(other: str) -> None:
    assert bare('ask("a", 2)\n', without_prose=True) != bare(other, without_prose=True)


# ---- several mistakes --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def corpus(sac: Practical) -> tuple[Variant, ...]:
    return load_corpus([sac.folder / "variants"], sac)


def test_sixty_submissions_have_two_to_four_mistakes_each_in_cells_of_their_own(
    corpus: tuple[Variant, ...], sac: Practical
) -> None:
    by_id = {variant.id: variant for variant in corpus}
    drawn = several(corpus, sac, seed=0, count=60)
    assert len({variant.id for variant in drawn}) == 60
    for variant in drawn:
        parts = [by_id[part] for part in parts_of(variant)]
        cells = [{sac.blanks[blank] for blank in part.fills} for part in parts]
        assert 2 <= len(parts) <= 4
        assert sum(map(len, cells)) == len(set().union(*cells))
        assert sorted(variant.loses) == sorted({question for part in parts for question in part.loses})


def test_the_same_seed_draws_the_same(corpus: tuple[Variant, ...], sac: Practical) -> None:
    assert several(corpus, sac, 3, 9) == several(corpus, sac, 3, 9) != several(corpus, sac, 4, 9)


def test_more_than_the_corpus_yields_is_refused(corpus: tuple[Variant, ...], sac: Practical) -> None:
    with pytest.raises(CourseError, match="yields only 0"):
        several(corpus[:1], sac, 0, 1)


# ---- through the front door --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def graded(
    kit: Path, sac: Practical, handed_in: Callable[..., NotebookNode]
) -> Callable[[str, str, str], SubmissionResult]:
    """Grades one question of a notebook that is right but for one blank; the process of each question stays."""

    @cache
    def asking(question: str) -> Marking:
        return Marking(Course(kit, "sac"), skip=frozenset(each.name for each in sac.questions if each.name != question))

    def grade(question: str, blank: str, fill: str) -> SubmissionResult:
        return mark(asking(question), Mended("someone", handed_in({blank: fill}))).result

    return grade


@pytest.fixture(scope="module")
def target_of(graded: Callable[[str, str, str], SubmissionResult]) -> Callable[[str], SubmissionResult]:
    return lambda fill: graded("critic-target", "target.min_q", fill)


def test_the_noise_of_the_students_process_is_the_same_in_every_run(
    graded: Callable[[str, str, str], SubmissionResult],
) -> None:
    result = graded("get-action", "get_action.sample", "torch.distributions.Normal(loc=mean, scale=std).sample()")
    assert "no gradient flows" in target(result).hint


def target(result: SubmissionResult) -> QuestionResult:
    (question,) = result.questions
    assert isinstance(question, QuestionResult)
    return question


def test_a_mistake_spelled_in_a_new_way_is_told_its_hint_wherever_results_are_read(
    target_of: Callable[[str], SubmissionResult],
) -> None:
    spelled = "torch.where(qf1_next_target > qf2_next_target, qf1_next_target, qf2_next_target)"
    result = target_of(f"{spelled} - alpha * next_state_log_pi")
    question = target(result)
    assert "larger of the two" in question.hint
    assert any("This looks like" in line.plain and "larger of the two" in line.plain for line in report_lines(result))
    card, _ = card_outputs(result, {"grade_id": "check-critic-target", "points": 3})
    assert all("larger of the two" in card.data[kind] for kind in ("text/html", "text/plain"))


@pytest.mark.parametrize(
    "fill",
    [
        "torch.min(qf1_next_target, qf2_next_target) - alpha * next_state_log_pi",
        "torch.min(qf1_next_target, 0.9 * qf2_next_target) - 0.7 * alpha * next_state_log_pi",
        "qf1_next_target @ qf2_next_target",
    ],
    ids=["right", "unheard-of", "raises"],
)
def test_whoever_makes_no_known_mistake_is_told_none(target_of: Callable[[str], SubmissionResult], fill: str) -> None:
    assert target(target_of(fill)).hint == ""


def test_a_check_cell_does_not_age_the_known_mistakes_and_the_solution_does(tmp_path: Path) -> None:
    def made(name: str, source: NotebookNode) -> str:
        (tmp_path / name).mkdir()
        return fingerprint(load_practical(small_course(tmp_path / name, source)))

    as_it_is = made("as it is", notebook())
    assert made("another check", notebook(check_double="assert double(1) == 2")) == as_it_is
    assert made("another solution", notebook(double=MORE)) != as_it_is
