"""Who does not train earns nothing for training: the judge's own environment decides."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from conftest import sac_course
from hostile_class import hand_in, handed_in, load_faults
from typer.testing import CliRunner

from autograder.authoring import read_marked
from autograder.cli import app
from autograder.course.practical import load_practical

KIT = Path(__file__).parent.parent
SAC = load_practical(KIT, "sac")
FAULTS = {name: fault for name, fault in load_faults().items() if fault.of_training}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What each student's training came to; nothing else is asked."""
    course = sac_course(tmp_path_factory.mktemp("training") / "course")
    marked = read_marked(SAC.source, SAC)
    for name, fault in FAULTS.items():
        hand_in(course / "submitted" / name, handed_in(marked, [fault]), [fault])
    others = [word for each in SAC.questions if each.name != "training" for word in ("--skip", each.name)]
    words = ["grade", str(course), "--no-gradebook", "--jobs", "1", "--json", *others]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    return {item["student"]: item["questions"][0] for item in json.loads(done.stdout)["results"]}


@pytest.mark.parametrize("name", FAULTS)
def test_it_earns_nothing_and_says_why(results: dict[str, Any], name: str) -> None:
    question = results[name]
    assert (question["question"], question["points"]) == ("training", 0)
    first, *others = (check["happened"] for check in question["checks"])
    assert re.search(FAULTS[name].says, first)
    assert all(re.search(f"{FAULTS[name].says}|Not reached", words) for words in others)


@pytest.mark.parametrize("name", ["returns-canned-weights", "fakes-its-environment"])
def test_no_return_that_is_claimed_is_in_the_curve(results: dict[str, Any], name: str) -> None:
    curve = results[name].get("curve")
    assert curve is None or max(curve["values"]) < 1000
