"""Every variant of the corpus, judged without a sandbox: right ones keep their marks, wrong ones lose what is due.

``autograder verify`` says the same of all questions, through the whole pipeline, which takes several minutes.
"""

import random
import re
from collections.abc import Iterable, Iterator

import pytest
from conftest import KIT
from local_exam import LocalJudge

from autograder.course.folders import course_in
from autograder.course.practical import load_practical
from autograder.grading.mark import Marking
from autograder.judging import Unreached
from autograder.judging.answer_key import AnswerKey
from autograder.records import QuestionResult
from autograder.verification.corpus import Variant, load_corpus
from autograder.verification.learning import REFERENCE
from autograder.verification.trying import try_variants
from benchmarks.shares import COMMON, tables

SAC = load_practical(KIT, "sac")
SAMPLE = 3  # beside the sample class, of which test_demo.py asks the same
VARIANTS = {variant.id: variant for variant in (REFERENCE, *load_corpus([SAC.folder / "variants"], SAC))}


@pytest.fixture(scope="module")
def local() -> LocalJudge:
    return LocalJudge(AnswerKey(SAC))


UNREACHED = Unreached().happened


def told(results: Iterable[QuestionResult]) -> list[str]:
    """What a student reads that happened, finding by finding."""
    return [check.happened for question in results for check in question.checks if not check.passed]


def failed(local: LocalJudge, variant: Variant, reached: bool = False) -> Iterator[str]:
    """The checks that fail, as question/check; those alone that say what is wrong, if they are to be ``reached``."""
    for question in local.results(variant):
        for check in question.checks:
            if not check.passed and not (reached and check.happened == UNREACHED):
                yield f"{question.question}/{check.name}"


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
def test_a_variant_loses_just_the_marks_that_it_should_and_each_fault_is_told_once_in_words_true_of_names(
    local: LocalJudge, variant: Variant
) -> None:
    results = local.results(variant)
    lost = {found.question: found for found in results if found.points < found.max_points}
    assert lost.keys() == set(variant.loses), lost
    for question in results:
        words = [each for each in told([question]) if each != UNREACHED]
        assert len(set(words)) == len(words)
        assert words or question.points == question.max_points or question.remark
        assert not [each for each in words if re.search(r"\b[A-Z][a-z]+_[a-z]|\bQf\d", each)], words


def test_a_sample_comes_to_the_same_in_the_sandbox_whether_all_questions_are_asked_or_those_that_can_tell() -> None:
    marking = Marking(course_in(KIT, "sac"), skip=frozenset({"training"}))
    sample = random.Random(9).sample(list(VARIANTS.values()), SAMPLE)
    results = try_variants(marking, sample, "all")
    assert [found.problem for found in results] == [""] * SAMPLE
    assert try_variants(marking, sample, "affected") == results


def test_every_check_says_what_is_wrong_of_some_variant(local: LocalJudge) -> None:
    found = {check for variant in VARIANTS.values() for check in failed(local, variant, reached=True)}
    checks = [check for check in local.key.checks if check.question != "training"]
    assert {f"{check.question}/{check.name}" for check in checks} - found == set()


WORDS = {
    "critic-flat-output": "What forward returns for a batch of 12 should have the shape (12, 1), but has (12,).",
    "critic-action-first": "12 of 12 Q-values differ.",
    "critic-skips-the-second-layer": "12 of 12 Q-values differ.",
    "actor-squeezes-its-outputs": "The mean for a batch of 1 should have the shape (1, 2), but has (2,).",
    "std-half-the-logarithm": "The sampled actions scatter too widely for their standard deviation.",
    "sample-the-mean": "Nothing is drawn: every sample lies at its mean, in every call.",
    "sample-without-gradient": "No gradient of the action reaches the mean.",
    "explore-mean-action": "These are the actor's mean actions: they do not explore.",
    "cell-explore-returns-a-tensor": "choose_actions returned a Tensor, but the environment takes a NumPy array.",
    "cell-target-no-mask": "8 of 8 targets of finished episodes differ.",
    "cell-target-column": "next_q_value for a batch of 12 should have the shape (12,), but has (12, 1).",
    "target-no-entropy": "The entropy term changes nothing in the targets.",
    "target-entropy-sign": "The entropy term has the right size and the wrong sign in the targets.",
    "target-entropy-without-alpha": "The entropy term is the same in the targets whatever alpha is.",
    "critic-step-no-step": (
        "Neither critic changed: after the update its gradient is there, and no step was taken with it."
    ),
    "critic-step-no-backward": "Neither critic changed: after the update it has no gradient, or one of zero.",
    "critic-step-ascent": ("Both critics move exactly against the gradient of the mean squared error to the target."),
    "critic-loss2-summed": (
        "Both critics move along the gradient of the mean squared error to the target by different scales: qf1 1 times "
        "and qf2 10 times as far."
    ),
    "critic-step-no-zero-grad": (
        "Gradients that were there before the second update take part in it: with them qf1 moves otherwise than "
        "without them."
    ),
    "policy-min-detached": "The actor did not change: after the update it has no gradient, or one of zero.",
    "policy-min-sign": "The actor moves against the gradient of the smaller critic's value, as far as it should.",
    "policy-sample-log-prob-detached": "The entropy term changes nothing in the actor's step.",
    "alpha-step-no-zero-grad": "The gradient that was there before the second update takes part in it.",
    "alpha-step-ascent": "log_alpha moves in the wrong direction.",
    "alpha-step-twice": "log_alpha moves 2 times as far as it should.",
    "cell-evaluate-one-episode": "The environment was reset 1 times, where 6 were asked for.",
    "cell-evaluate-returns-a-tuple": "test_actor returned a tuple, not a dict of mean and standard deviation.",
}


@pytest.mark.parametrize("name", WORDS)
def test_a_student_reads_what_a_common_mistake_did(local: LocalJudge, name: str) -> None:
    assert WORDS[name] in told(local.results(VARIANTS[name]))


ABOUT_ENTROPY = {"critic-target/the_entropy_counts", "actor-update/the_actor_keeps_its_entropy"}
WITHOUT_ENTROPY = [  # or without its factor
    "target-no-entropy",
    "target-entropy-without-alpha",
    "target-fixed-alpha",
    "target-entropy-sign",
    "policy-sample-log-prob-detached",
    "policy-sample-entropy-sign",
    "cell-actor-update-no-entropy",
    "cell-actor-update-no-alpha",
]


@pytest.mark.parametrize("name", WITHOUT_ENTROPY)
def test_a_mistake_in_the_entropy_costs_what_is_about_the_entropy_alone(local: LocalJudge, name: str) -> None:
    assert set(failed(local, VARIANTS[name])) <= ABOUT_ENTROPY


def test_the_page_about_common_mistakes_says_what_they_cost(local: LocalJudge) -> None:
    wanted = [name for ids in COMMON.values() for name in ids.split()]
    lines = list(tables(VARIANTS, {name: local.results(VARIANTS[name]) for name in wanted}))
    page = (KIT / "docs" / "shares.md").read_text(encoding="utf-8")
    assert page.endswith("\n".join([*lines, ""])), "run python -m benchmarks.shares"
