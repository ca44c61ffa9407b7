"""The figures of a class: each answers one question that an instructor has. Plain data, for page and JSON."""

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from autograder.course.term import DAY
from autograder.records import QuestionResult, Status, SubmissionResult
from autograder.term.class_table import NOTHING, SOMETHING_ELSE, UNGRADABLE, ClassRow, ClassTable, number

BINS = 10
FEWEST = 10  # students below which a correlation says nothing
MOST_LISTED = 15
POINTS = 40  # of a curve that is drawn
BAND = (10, 90)  # percentiles
RUNNING = 10  # points in a curve's running mean
Figures = dict[str, Any]


def figures(table: ClassTable) -> Figures:
    """All figures that the marks and results give."""
    graded = [row.result for row in table.rows if row.result is not None and not row.result.fault]
    return {
        "practical": table.practical,
        "points": table.most,
        "status": dict(Counter(row.status for row in table.rows)),
        "marks": marks(table),
        "questions": questions(table, graded),
        "mistakes": mistakes(graded),
        "calls": calls(table),
        "curves": curves(graded),
        "mended": mended(graded),
        "slow": slow(table.rows),
        "barriers": barriers(graded),
    }


def marks(table: ClassTable) -> Figures:
    """How the class did: the totals so far, in tenths of the points."""
    totals = sorted(row.total for row in table.rows if row.total is not None)
    waiting = sum(row.total is not None and row.waiting > 0 for row in table.rows)
    if not totals:
        return {"count": 0, "waiting": waiting, "bins": []}
    edges = [table.most * n / BINS for n in range(BINS + 1)]
    counts: list[int] = np.histogram(np.clip(totals, 0, table.most), edges)[0].tolist()
    quartiles = [round(float(value), 2) for value in np.percentile(totals, (25, 50, 75))]
    return {
        "count": len(totals),
        "waiting": waiting,
        "mean": round(statistics.fmean(totals), 2),
        "deviation": round(statistics.pstdev(totals), 2),
        "quartiles": quartiles,
        "lowest": totals[0],
        "highest": totals[-1],
        "bins": [
            {"from": round(edges[n], 2), "to": round(edges[n + 1], 2), "count": count} for n, count in enumerate(counts)
        ],
    }


def questions(table: ClassTable, graded: Sequence[SubmissionResult]) -> list[Figures]:
    """Which question was hard, how well it tells strong from weak, and which check decided."""
    by_name: dict[str, list[QuestionResult]] = defaultdict(list)
    for result in graded:
        for each in result.questions:
            by_name[each.question].append(each)
    return [_question(table, name, worth, by_name.get(name, [])) for name, worth in table.points.items()]


def _question(table: ClassTable, name: str, worth: float, found: Sequence[QuestionResult]) -> Figures:
    rows = [row for row in table.rows if name in row.cells and row.cells[name].final is not None]
    scores = [float(row.cells[name].final or 0.0) for row in rows]
    rest = [sum(cell.final or 0.0 for key, cell in row.cells.items() if key != name) for row in rows]
    untried = sum(each.status in (Status.NOT_ATTEMPTED, Status.MISSING) for each in found)
    failed = Counter(check.sentence for each in found for check in each.checks if not check.passed)
    full = sum(score >= worth for score in scores)
    some = sum(0 < score < worth for score in scores)
    return {
        "question": name,
        "points": worth,
        "marked": len(scores),
        "waiting": sum(name in row.cells and row.cells[name].final is None for row in table.rows),
        "share": round(statistics.fmean(scores) / worth, 3) if scores and worth else None,
        "full": full,
        "some": some,
        "none": len(scores) - full - some - min(untried, len(scores) - full - some),
        "not_attempted": untried,
        "discrimination": correlation(scores, rest),
        "checks": [{"sentence": sentence, "failed": count} for sentence, count in failed.most_common(3)],
    }


def correlation(scores: Sequence[float], rest: Sequence[float]) -> float | None:
    """Pearson's, of a question's marks and those of all others; None where it says nothing."""
    if len(scores) < FEWEST or np.ptp(scores) == 0 or np.ptp(rest) == 0:
        return None
    return round(float(np.corrcoef(scores, rest)[0, 1]), 2)


def mistakes(graded: Iterable[SubmissionResult]) -> list[Figures]:
    """What they got wrong most: known mistakes, with the hint that was given."""
    found = Counter((each.question, " ".join(each.hint.split())) for result in graded for each in result.questions)
    told = [(key, count) for key, count in found.most_common() if key[1]]
    return [{"question": question, "hint": hint, "count": count} for (question, hint), count in told[:MOST_LISTED]]


def calls(table: ClassTable) -> list[Figures]:
    """Who needs a call, and why."""
    found = []
    for row in table.rows:
        if reasons := list(_reasons(row, table.most)):
            found.append({"student": row.student, "name": row.name, "reasons": reasons})
    return found


def _reasons(row: ClassRow, most: float) -> Iterable[str]:
    if row.status in (NOTHING, UNGRADABLE, SOMETHING_ELSE):
        yield f"{row.status}: {row.note}" if row.note else row.status
    if row.seconds_late:
        cost = f", {number(row.penalty)} points taken off" if row.penalty else ""
        yield f"{_how_long(row.seconds_late)} late{cost}"
    elif row.late:
        yield "late by the platform's mark"
    if not row.in_roster:
        yield "not in the roster"
    if row.total is not None and row.total < most / 4:
        yield f"{number(row.total)} of {number(most)} points"


def _how_long(seconds: float) -> str:
    """A time in the largest unit of which it holds one."""
    units = (("days", DAY), ("hours", DAY / 24))
    return next((f"{seconds / size:.1f} {unit}" for unit, size in units if seconds >= size), "less than an hour")


def curves(graded: Iterable[SubmissionResult]) -> list[Figures]:
    """Did their agents learn: everyone's running mean, over the band of those that earned full marks."""
    by_name: dict[str, list[tuple[str, QuestionResult]]] = defaultdict(list)
    for result in graded:
        for each in result.questions:
            if each.curve is not None and len(each.curve.values) > 1:
                by_name[each.question].append((result.student, each))
    return [_curves(name, found) for name, found in by_name.items()]


def _curves(name: str, found: Sequence[tuple[str, QuestionResult]]) -> Figures:
    last = max(each.curve.steps[-1] for _, each in found if each.curve)
    steps = np.linspace(0, last, POINTS)
    lines = [(student, each.status, _line(each, steps)) for student, each in found]
    right = np.array([line for _, status, line in lines if status is Status.RIGHT])
    band = [] if len(right) < 3 else [np.nanpercentile(right, at, axis=0).round(2).tolist() for at in BAND]
    first = found[0][1].curve
    assert first is not None
    return {
        "question": name,
        "step_name": first.step_name,
        "value_name": first.value_name,
        "steps": steps.round().astype(int).tolist(),
        "band": band,
        "right": len(right),
        "lines": [
            {"student": student, "status": status.value, "values": line.round(2).tolist()}
            for student, status, line in lines
        ],
    }


def _line(question: QuestionResult, steps: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """A curve's running mean at these steps; what was not reached keeps the last value.

    Of several values at one step, such as those at the end of a run, the mean after the last counts.
    """
    assert question.curve is not None
    values = np.nan_to_num(np.array(question.curve.values, dtype=float), posinf=0.0, neginf=0.0)
    sums = np.cumsum(np.insert(values, 0, 0.0))
    starts = np.maximum(np.arange(1, len(values) + 1) - RUNNING, 0)
    ends = np.arange(1, len(values) + 1)
    at, means = np.array(question.curve.steps), (sums[ends] - sums[starts]) / (ends - starts)
    last = np.append(np.diff(at) > 0, True)
    line: np.ndarray[Any, Any] = np.interp(steps, at[last], means[last])
    return line


def mended(graded: Iterable[SubmissionResult]) -> Figures:
    """What was repaired, left out or cut before grading."""
    touched = [result for result in graded if result.repairs]
    found = Counter(repair for result in touched for repair in set(result.repairs))
    listed = [{"what": what, "count": count} for what, count in found.most_common(MOST_LISTED)]
    return {"submissions": len(touched), "kinds": len(found), "repairs": listed}


def slow(rows: Iterable[ClassRow]) -> Figures:
    """What took long."""
    timed = sorted(((row.result.seconds, row) for row in rows if row.result), key=lambda each: -each[0])
    seconds = [each for each, _ in timed]
    longest = [{"student": row.student, "name": row.name, "seconds": round(time, 1)} for time, row in timed[:5]]
    median = round(statistics.median(seconds), 1) if seconds else 0.0
    return {"median": median, "sum": round(sum(seconds), 1), "longest": longest}


def barriers(graded: Iterable[SubmissionResult]) -> list[Figures]:
    """Behind what the students' code ran."""
    found: Mapping[tuple[str, bool], int] = Counter((each.barrier, bool(each.weaknesses)) for each in graded)
    return [{"barrier": name, "weaker": weaker, "count": count} for (name, weaker), count in sorted(found.items())]
