"""Every variant of the corpus, judged without a sandbox: right ones keep their marks, wrong ones lose what is due.

``autograder verify`` says the same of all questions, through the whole pipeline, which takes several minutes.
"""

import random
from collections.abc import Iterator

import pytest
from conftest import KIT
from local_exam import LocalJudge

from autograder.course.folders import course_in
from autograder.course.practical import load_practical
from autograder.grading.mark import Marking
from autograder.judging.answer_key import AnswerKey
from autograder.verification.corpus import Variant, load_corpus
from autograder.verification.learning import REFERENCE
from autograder.verification.verify import try_variants

SAC = load_practical(KIT, "sac")
SAMPLE = 10
VARIANTS = {variant.id: variant for variant in (REFERENCE, *load_corpus([SAC.folder / "variants"], SAC))}


@pytest.fixture(scope="module")
def local() -> LocalJudge:
    return LocalJudge(AnswerKey(SAC))


def failed(local: LocalJudge, variant: Variant) -> Iterator[str]:
    """The checks that find something wrong, as question/check."""
    for question in local.results(variant):
        yield from (f"{question.question}/{check.name}" for check in question.checks if not check.passed)


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
def test_a_variant_loses_marks_on_just_the_questions_that_it_should(local: LocalJudge, variant: Variant) -> None:
    lost = {found.question: found for found in local.results(variant) if found.points < found.max_points}
    assert lost.keys() == set(variant.loses), lost


def test_a_sample_comes_to_the_same_in_the_sandbox_and_with_all_questions() -> None:
    marking = Marking(course_in(KIT, "sac"), skip=frozenset({"training"}))
    sample = random.Random(9).sample(list(VARIANTS.values()), SAMPLE)
    assert [found.problem for found in try_variants(marking, sample)] == [""] * SAMPLE


def test_every_check_fails_for_some_variant(local: LocalJudge) -> None:
    found = {check for variant in VARIANTS.values() for check in failed(local, variant)}
    checks = [check for check in local.key.checks if check.question != "training"]
    assert {f"{check.question}/{check.name}" for check in checks} - found == set()


WORDS = {
    "critic-flat-output": "What forward returns for a batch of 12 should have the shape (12, 1), but has (12,).",
    "critic-action-first": "12 of 12 Q-values differ.",
    "actor-squeezes-its-outputs": "Mean for a batch of 1 should have the shape (1, 2), but has (2,).",
    "std-half-the-logarithm": "The sampled actions scatter too widely for their standard deviation.",
    "sample-without-gradient": "No gradient of the action reaches the mean.",
    "explore-mean-action": "These are the actor's mean actions: they do not explore.",
    "cell-explore-returns-a-tensor": "choose_actions returned a Tensor, but the environment takes a NumPy array.",
    "cell-target-no-mask": "8 of 8 targets of finished episodes differ.",
    "critic-step-no-step": "Neither critic changed.",
    "critic-step-ascent": "The critics move away from the target.",
    "critic-loss2-summed": "The step is too large for a mean squared error.",
    "policy-min-detached": "The actor did not change.",
    "policy-min-sign": "The actor moves in the wrong direction.",
    "alpha-step-no-zero-grad": "The first update is right, the second is not.",
    "alpha-step-ascent": "log_alpha moves in the wrong direction.",
    "cell-evaluate-one-episode": "1 episodes were played to their end, where 4 were asked for.",
    "cell-evaluate-returns-a-tuple": "test_actor returned a tuple, not a dict of mean and standard deviation.",
}


@pytest.mark.parametrize("name", WORDS)
def test_a_student_reads_what_a_common_mistake_did(local: LocalJudge, name: str) -> None:
    checks = [check for question in local.results(VARIANTS[name]) for check in question.checks if not check.passed]
    assert checks[0].happened == WORDS[name]
