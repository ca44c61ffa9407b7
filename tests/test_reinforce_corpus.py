"""Every variant of the practical reinforce, judged without a sandbox: all keep and lose exactly what they should."""

import random

import pytest
import torch
from conftest import KIT
from local_exam import LocalJudge

from autograder.course.folders import course_in
from autograder.course.practical import load_practical
from autograder.grading.mark import Marking
from autograder.judging import Unreached
from autograder.judging.answer_key import AnswerKey
from autograder.verification.corpus import load_corpus
from autograder.verification.learning import REFERENCE
from autograder.verification.trying import try_variants

REINFORCE = load_practical(KIT, "reinforce")
SAMPLE = 3
VARIANTS = {each.id: each for each in (REFERENCE, *load_corpus([REINFORCE.folder / "variants"], REINFORCE))}


@pytest.fixture(autouse=True)
def _noise() -> None:
    """As in a student's process, the noise is the same in every run, whatever was tested before."""
    torch.manual_seed(0)


@pytest.fixture(scope="module")
def local() -> LocalJudge:
    return LocalJudge(AnswerKey(REINFORCE))


@pytest.mark.parametrize("name", VARIANTS)
def test_a_variant_loses_marks_on_just_the_questions_that_it_should(local: LocalJudge, name: str) -> None:
    lost = {found.question: found for found in local.results(VARIANTS[name]) if found.points < found.max_points}
    assert lost.keys() == set(VARIANTS[name].loses), lost


def test_a_sample_comes_to_the_same_in_the_sandbox_and_with_all_questions() -> None:
    marking = Marking(course_in(KIT, "reinforce"), skip=frozenset({"training"}))
    sample = random.Random(9).sample(list(VARIANTS.values()), SAMPLE)
    assert [found.problem for found in try_variants(marking, sample, "all")] == [""] * SAMPLE


def test_every_check_says_what_is_wrong_of_some_variant(local: LocalJudge) -> None:
    results = [found for variant in VARIANTS.values() for found in local.results(variant)]
    said = [(found, check) for found in results for check in found.checks if not check.passed]
    unreached = Unreached().happened
    failing = {f"{found.question}/{check.name}" for found, check in said if check.happened != unreached}
    checks = [check for check in local.key.checks if check.question != "training"]
    assert {f"{check.question}/{check.name}" for check in checks} - failing == set()


WORDS = {
    "policy-squeezes": "What forward returns for a batch of 1 should have the shape (1, 3), but has (3,).",
    "policy-detached": "No gradient reaches fc1.weight.",
    "act-greedy": "It is always the most likely action that comes back: nothing is sampled.",
    "act-uniform": "The most likely action comes back too rarely.",
    "act-same-noise": "The noise of two calls is not independent.",
    "act-sample-column": "The action for a batch of 12 should have the shape (12,), but has (12, 1).",
    "act-log-prob-detached": "No gradient leads from log_prob to the logits.",
    "explore-squeezes": "The actions for 1 environment should have the shape (1,), but has ().",
    "cell-explore-returns-a-tensor": "choose_actions returned a Tensor, but the environments take a NumPy array.",
    "returns-not-reset": "33 of 70 returns differ.",
    "cell-returns-numpy": "returns_to_go returned a NumPy array, but the updates need a tensor.",
    "baseline-no-step": (
        "The baseline did not change: after the update its gradient is there, and no step was taken with it."
    ),
    "baseline-sign": "The baseline moves exactly against the gradient of the mean squared error to the returns.",
    "baseline-summed": (
        "The baseline moves along the gradient of the mean squared error to the returns, but 10 times as far."
    ),
    "update-sign": (
        "The policy moves against the gradient of the log-probabilities, weighted by the advantages, as far as it "
        "should."
    ),
    "update-not-scaled": (
        "The policy moves along the gradient of the log-probabilities, weighted by the advantages, 184 times as far "
        "as it should."
    ),
    "update-not-detached": "The policy's loss sends a gradient to the baseline.",
    "update-freezes-the-baseline": "The baseline is left frozen: it cannot learn any more.",
}


@pytest.mark.parametrize("name", WORDS)
def test_a_student_reads_what_a_common_mistake_did(local: LocalJudge, name: str) -> None:
    checks = [check for question in local.results(VARIANTS[name]) for check in question.checks if not check.passed]
    assert checks[0].happened == WORDS[name]
