"""Nothing that is handed in, collected or listed stops, bloats or misleads the stages that read it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from small_course import NAME, handed_in, small_course

from autograder.course.folders import Course
from autograder.grading.reading import Reader
from benchmarks.reading import reading
from benchmarks.trusted_side import SUBMISSIONS, TRIALS, Attack, Trial


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """The small course."""
    return Course(small_course(tmp_path_factory.mktemp("trusted") / "my course"), NAME)


@pytest.mark.parametrize("attack", SUBMISSIONS, ids=lambda attack: attack.does)
def test_a_submission_that_attacks_a_stage_is_read_or_refused_within_limits(course: Course, attack: Attack) -> None:
    notebook = json.loads(json.dumps(handed_in(course.root)))
    text = attack.edit(notebook)
    content = (json.dumps(notebook) if text is None else text).encode(errors="surrogatepass")
    reader = Reader.of(course)
    patient = replace(reader, limits=replace(reader.limits, seconds_to_read=100))  # of the processor it takes less
    seconds, memory, said = reading(patient, content)
    assert seconds < 10, said
    assert memory < 400
    assert (said == "read") == (attack.points > 0)
    assert attack.told in said


@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial.does)
def test_a_file_by_others_is_taken_or_refused_and_does_no_harm(trial: Trial, tmp_path: Path) -> None:
    assert trial.holds(tmp_path)
