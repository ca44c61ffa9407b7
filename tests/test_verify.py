"""The grader is graded: verify finds a false verdict, and a slice of the corpus that touches everything holds."""

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from autograder.assignment import load_assignment
from autograder.cli import app
from autograder.demo import KIT
from autograder.verification.corpus import Variant, load_corpus

SAC = load_assignment("sac")
CORPUS = KIT / "solutions/variants"
CAUGHT_BY = Path(__file__).parent / "caught_by.json"  # check -> some variants that fail it; made by this file, run
FEW = 4  # variants a check, so that the slice outlives a change of the corpus
CHECKS = frozenset(f"{one.question}/{one.name}" for one in SAC.checks() if one.question != "training")


def verify(*words: str | Path) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["verify", "--course", str(KIT), *map(str, words)], env={"COLUMNS": "300"})
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.stdout, done.stderr


def corpus_file(path: Path, variants: Sequence[Variant]) -> Path:
    """A corpus file that holds those variants."""
    path.write_text("\n".join(line for one in variants for line in _entry(one)), encoding="utf-8")
    return path


def _entry(one: Variant) -> Iterator[str]:
    yield f"[[variant]]\nid = {_toml(one.id)}\nverdict = {_toml(one.verdict)}\nsummary = {_toml(one.summary)}"
    yield from (f"fills.{_toml(blank)} = {_toml(text)}" for blank, text in one.fills.items())
    yield from (f"cells.{_toml(cell)} = {_toml(text)}" for cell, text in one.cells.items())
    yield f"extra_cells = [{', '.join(map(_toml, one.extra_cells))}]"
    yield f"parses = {json.dumps(one.parses)}\nloses = [{', '.join(map(_toml, one.loses))}]"


def _toml(text: str) -> str:
    """A text as TOML writes it: JSON's strings are TOML's, but for DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


# --- verdicts, true and false

TRUE = """
[[variant]]
id = "minimum"
verdict = "right"
summary = "the other function for the smaller one"
fills."target.min_q" = "torch.minimum(qf1_next_target, qf2_next_target) - alpha * next_state_log_pi"

[[variant]]
id = "larger"
verdict = "wrong"
summary = "the larger of the two critics"
loses = ["critic-target"]
fills."target.min_q" = "torch.max(qf1_next_target, qf2_next_target) - alpha * next_state_log_pi"
"""
FALSE = """
[[variant]]
id = "said-to-be-right"
verdict = "right"
summary = "half the standard deviation"
fills."get_action.std" = "0.5 * log_std.exp()"

[[variant]]
id = "said-to-be-wrong"
verdict = "wrong"
summary = "nothing is wrong with this"
loses = ["explore", "critic-target"]
fills."target.min_q" = "torch.minimum(qf1_next_target, qf2_next_target) - alpha * next_state_log_pi"
"""


def test_verdicts_that_hold_are_counted_and_end_well(tmp_path: Path) -> None:
    path = tmp_path / "true.toml"
    path.write_text(TRUE, encoding="utf-8")
    code, said, _ = verify("--corpus", path, "--json")
    assert code == 0
    found = json.loads(said)
    assert found["problems"] == {}
    assert found["figures"] == {
        "right kept": {"count": 1, "total": 1},
        "wrong caught": {"count": 1, "total": 1},
        "blame exact": {"count": 1, "total": 1},
    }
    assert found["variants"]["larger"]["lost"] == ["critic-target"]
    assert found["per_blank"]["target.min_q"] == {"right": 1, "wrong": 1}


def test_a_verdict_that_does_not_hold_is_named_with_question_expected_and_outcome(tmp_path: Path) -> None:
    path = tmp_path / "false.toml"
    path.write_text(FALSE, encoding="utf-8")
    code, said, _ = verify("--corpus", path)
    assert code == 1
    words = re.sub(r"\s+", " ", said)
    assert "false.toml: said-to-be-right (right) expected to lose marks: nowhere" in words
    assert re.search(r"get-action lost marks and should not have \(\w+: .+?\.\)", words)
    assert "false.toml: said-to-be-wrong (wrong) expected to lose marks: critic-target, explore" in words
    assert "critic-target should have lost marks and did not; explore should have lost marks and did not" in words
    assert "right kept: 0 / 1" in words
    assert "wrong caught: 0 / 1" in words


def test_a_corpus_that_cannot_be_read_is_a_fault_of_the_course(tmp_path: Path) -> None:
    path = tmp_path / "broken.toml"
    path.write_text(TRUE.replace("target.min_q", "target.max_q"), encoding="utf-8")
    code, _, said = verify("--corpus", path)
    assert code == 2
    assert "broken.toml, variant 'minimum': unknown blank 'target.max_q'" in re.sub(r"\s+", " ", said)


# --- a slice of the corpus: every blank, right and wrong, and every check


def the_slice(corpus: Sequence[Variant], caught_by: Mapping[str, Sequence[str]]) -> list[Variant]:
    """The fewest variants, taken greedily, that fill every blank rightly and wrongly and fail every check.

    A variant counts for the blanks that it fills and, by the table ``caught_by``, for the checks that it fails.
    """
    plain = [one for one in corpus if len(one.loses) <= 1]  # where all goes wrong at once, any check fails
    worth = {one.id: {f"{one.verdict} {blank}" for blank in one.fills} for one in plain}
    for check, ids in caught_by.items():
        for name in worth.keys() & set(ids):
            worth[name].add(check)
    left = {f"{verdict} {blank}" for verdict in ("right", "wrong") for blank in SAC.blanks} | CHECKS
    chosen: list[Variant] = []
    while left:
        best = max(plain, key=lambda one: len(left & worth[one.id]))  # of equals the first
        assert left & worth[best.id], f"no variant shows {sorted(left)}"
        chosen.append(best)
        left -= worth[best.id]
    return chosen


def table_of(verification: Mapping[str, Any]) -> dict[str, list[str]]:
    """For every check some variants that fail it, and few others: what ``caught_by.json`` holds."""
    variants = sorted(verification["variants"].items(), key=lambda item: len(item[1]["failed"]))
    return {check: [name for name, one in variants if check in one["failed"]][:FEW] for check in sorted(CHECKS)}


@pytest.fixture(scope="module")
def sliced(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What verify says of the slice."""
    chosen = the_slice(load_corpus([CORPUS], SAC), json.loads(CAUGHT_BY.read_text(encoding="utf-8")))
    path = corpus_file(tmp_path_factory.mktemp("slice") / "slice.toml", chosen)
    _, said, _ = verify("--corpus", path, "--jobs", "2", "--json")
    found: dict[str, Any] = json.loads(said)
    assert found["variants"].keys() == {one.id for one in chosen}
    return found


def test_every_verdict_of_the_slice_holds(sliced: dict[str, Any]) -> None:
    assert sliced["problems"] == {}


def test_the_slice_fills_every_blank_rightly_and_wrongly(sliced: dict[str, Any]) -> None:
    assert sliced["per_blank"].keys() == SAC.blanks.keys()
    assert all(counts["right"] and counts["wrong"] for counts in sliced["per_blank"].values())


def test_every_check_fails_for_some_variant_of_the_slice(sliced: dict[str, Any]) -> None:
    assert {check for one in sliced["variants"].values() for check in one["failed"]} >= CHECKS


if __name__ == "__main__":  # autograder verify --json | python tests/test_verify.py > tests/caught_by.json
    print(json.dumps(table_of(json.load(sys.stdin)), indent=1))
