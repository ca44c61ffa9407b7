"""A question that runs everything points to its parts: where one failed by itself, what was found there comes first."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from autograder.course.practical import Practical, Question
from autograder.judging.checks import Check
from autograder.records import CheckResult, QuestionResult

COMES_FIRST = ", where marks were lost too: what was found there comes first"


def listed(names: Sequence[str]) -> str:
    """Names as a sentence has them."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def pointing_to_parts(
    practical: Practical, results: Mapping[str, QuestionResult], checks: Callable[[], Sequence[Check]]
) -> dict[str, QuestionResult]:
    """All results, by question, with the advice that fits them together, whenever each of them was asked.

    ``checks`` gives today's; it is called where a part that was pointed to does not fail any more.
    """
    failed = [practical.question(name) for name, each in results.items() if each.points < each.max_points]
    found = dict(results)
    for question in map(practical.question, results):
        if question.end_to_end:
            found[question.name] = _advised(results[question.name], _parts_in(question, failed), checks)
    return found


def _parts_in(question: Question, failed: Sequence[Question]) -> list[str]:
    """Those of the questions that mark a part of this one."""
    return [each.name for each in failed if not each.end_to_end and {*each.functions} & {*question.functions}]


def _advised(result: QuestionResult, parts: Sequence[str], checks: Callable[[], Sequence[Check]]) -> QuestionResult:
    pointed = any(_points(each) for each in result.checks)
    if parts:
        look_at = f"{listed(parts)}{COMES_FIRST}"
        told = [replace(each, look_at=look_at, usual=False) if each.look_at else each for each in result.checks]
        return replace(result, checks=tuple(told), hint="")
    if pointed:
        usual = {check.name: check.look_at for check in checks() if check.question == result.question}
        told = [
            replace(each, look_at=usual.get(each.name, ""), usual=True) if _points(each) else each
            for each in result.checks
        ]
        return replace(result, checks=tuple(told))
    return result


def _points(found: CheckResult) -> bool:
    return found.look_at.endswith(COMES_FIRST)
