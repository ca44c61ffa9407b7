"""What common mistakes cost, question by question.

    python -m benchmarks.shares

grades them in the sandbox and prints the tables of docs/shares.md. Which mistakes are common is a judgement from the
places where the corpus saw them; tests/test_sac_corpus.py holds the page to what the checks give today.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from autograder.course.folders import course_in
from autograder.grading.mark import Marking
from autograder.records import QuestionResult
from autograder.verification.corpus import Variant, load_corpus
from autograder.verification.trying import try_variants

ROOT = Path(__file__).resolve().parents[1]
COMMON: Mapping[str, str] = {  # question -> ids of the corpus
    "critic-forward": """critic-no-first-relu critic-no-second-relu critic-relu-on-the-output critic-action-first
        critic-joins-along-the-batch critic-flat-output critic-ignores-the-action critic-detaches-the-action
        critic-skips-the-second-layer critic-clamped-to-ten""",
    "actor-forward": """actor-log-std-unsquashed actor-log-std-clamped actor-returns-std actor-tanh-mean actor-relu-mean
        actor-heads-swapped actor-no-first-relu actor-skips-the-second-layer actor-squeezes-its-outputs
        actor-log-std-without-gradient""",
    "get-action": """sample-without-gradient std-log-std-itself std-variance std-half-the-logarithm params-swapped
        sample-the-mean sample-without-std cell-actor-no-correction cell-actor-no-sum cell-actor-mean-not-squashed""",
    "explore": """explore-mean-action explore-numpy-to-the-network explore-double-precision explore-extra-dimension
        explore-forward cell-explore-returns-a-tensor explore-squeezed explore-first-environment-only
        explore-log-prob-as-action explore-clipped-observations""",
    "critic-target": """target-larger-critic target-one-critic target-average-critic target-no-entropy
        target-entropy-sign target-entropy-without-alpha target-q1-current-observations cell-target-no-mask
        cell-target-square cell-target-no-discount""",
    "critic-update": """critic-values-broadcast critic-loss2-copied critic-step-no-zero-grad critic-step-no-backward
        critic-step-no-step critic-loss2-summed several-absolute-errors critic-step-ascent
        critic-values-second-detached cell-critic-update-keeps-the-graph""",
    "actor-update": """policy-larger-critic policy-first-critic-only policy-average-critic policy-sample-stored-actions
        policy-sample-mean-action policy-min-detached policy-min-sign policy-sample-entropy-sign
        policy-sample-log-prob-detached policy-q2-flat""",
    "alpha-update": """alpha-step-no-zero-grad alpha-step-no-backward alpha-step-no-step
        alpha-step-clears-the-new-gradient alpha-step-ascent alpha-step-summed alpha-step-target-subtracted
        alpha-step-only-downwards alpha-step-kept-within-one cell-alpha-update-attached""",
    "evaluation": """evaluate-keeps-the-first-observation evaluate-no-return evaluate-last-reward-only
        evaluate-no-batch-dimension evaluate-batched-action evaluate-ignores-the-time-limit cell-evaluate-running-sum
        cell-evaluate-one-seed cell-evaluate-variance-by-numpy cell-evaluate-cut-at-500-steps""",
}


def tables(variants: Mapping[str, Variant], results: Mapping[str, tuple[QuestionResult, ...]]) -> Iterator[str]:
    """Markdown: for each question its mistakes, the dearest first; ``results`` are by the variants' ids."""
    for question, ids in COMMON.items():
        found = {name: next(each for each in results[name] if each.question == question) for name in ids.split()}
        worth = next(iter(found.values())).max_points
        yield from ("", f"## {question} ({worth:g} points)", "", "| costs | what the student does | in the corpus |")
        yield "|---|---|---|"
        for name, each in sorted(found.items(), key=lambda pair: (pair[1].points, pair[0])):
            yield f"| {worth - each.points:.2f} | {variants[name].summary} | `{name}` |"


def main() -> None:
    """Grade the mistakes and print the tables."""
    marking = Marking(course_in(ROOT, "sac"), skip=frozenset({"training"}))
    practical = marking.course.practical
    wanted = {name for ids in COMMON.values() for name in ids.split()}
    corpus = load_corpus([practical.folder / "variants"], practical, practical.source)
    variants = {variant.id: variant for variant in corpus if variant.id in wanted}
    tried = try_variants(marking, list(variants.values()), asked="lost")
    print(*tables(variants, {each.variant.id: each.questions for each in tried}), sep="\n")


if __name__ == "__main__":
    main()
