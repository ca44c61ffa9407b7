"""Mutants: mistakes made by machine, what they answer, and where they are."""

import ast
from pathlib import Path

import pytest
from small_course import SHIFT, notebook, small_course

from autograder.course.practical import Practical, load_practical
from autograder.hints.words import QUESTIONS
from autograder.judging.answer_key import AnswerKey
from autograder.mutants.answering import Bench, Tried
from autograder.mutants.making import Maker, Mutant
from autograder.mutants.places import lines_between, places_of

STEPS = """
def update(data, network, optimizer, scale):
    with torch.no_grad():
        target = data.rewards + data.values
    first, second = network(data.states)
    loss = torch.min(first, second).sum(1, keepdim=True) - scale * target
    optimizer.zero_grad()
    loss.backward()
    return loss.mean().detach()
""".strip()
LOOP = """
def shift(x):
    ### BEGIN SOLUTION shift.body
    y = x
    while (y == x).all():
        y = y + 1
    ### END SOLUTION
    return y
""".strip()


@pytest.fixture(scope="module")
def practical(tmp_path_factory: pytest.TempPathFactory) -> Practical:
    made = notebook(shift=STEPS.replace("update", "shift"), setup="import torch")
    return load_practical(small_course(tmp_path_factory.mktemp("made") / "course", made))


@pytest.fixture(scope="module")
def mutants(practical: Practical) -> list[Mutant]:
    return Maker(practical).singles(practical.question("shift"))


OPERATORS = {
    "plus for minus": "loss = torch.min(first, second).sum(1, keepdim=True) + scale * target",
    "right term dropped": "loss = torch.min(first, second).sum(1, keepdim=True)",
    "left factor dropped": "loss = torch.min(first, second).sum(1, keepdim=True) - target",
    "max for min": "loss = torch.max(first, second).sum(1, keepdim=True) - scale * target",
    "first of both": "loss = first.sum(1, keepdim=True) - scale * target",
    "mean for sum": "loss = torch.min(first, second).mean(1, keepdim=True) - scale * target",
    "dimension 0": "loss = torch.min(first, second).sum(0, keepdim=True) - scale * target",
    "true for false": "loss = torch.min(first, second).sum(1, keepdim=False) - scale * target",
    "constant for a name": "loss = torch.min(first, second).sum(1, keepdim=True) - 0.0 * target",
    "neighbouring name": "loss = torch.min(second, second).sum(1, keepdim=True) - scale * target",
    "neighbouring attribute": "target = data.values + data.values",
    "parts exchanged": "second, first = network(data.states)",
    "method left out": "return loss.mean()",
    "detach added": "loss = torch.min(first.detach(), second).sum(1, keepdim=True) - scale * target",
}


@pytest.mark.parametrize("operator", OPERATORS)
def test_one_mistake_is_made_at_a_time(mutants: list[Mutant], operator: str) -> None:
    assert f"{operator}: {OPERATORS[operator]}" in {each.text for each in mutants}


def test_steps_are_dropped_doubled_moved_and_put_under_no_grad(mutants: list[Mutant]) -> None:
    steps = {each.text.partition(": ")[2] for each in mutants if each.slips[0].kind in ("step", "gradient")}
    before, after = "with torch.no_grad(): | first, second", "return loss.mean().detach()"
    moved = [text for text in steps if text.startswith(before) and text.endswith(after)]
    ends = {" | ".join(text.split(" | ")[-4:-1]) for text in moved}
    assert any(end.endswith("loss.backward() | optimizer.zero_grad()") for end in ends)
    assert any(end.endswith("optimizer.zero_grad() | optimizer.zero_grad() | loss.backward()") for end in ends)
    assert any(end.endswith("optimizer.zero_grad() | with torch.no_grad():") for end in ends)


def test_no_graph_is_cut_where_there_is_none(mutants: list[Mutant]) -> None:
    assert not [each for each in mutants if each.text.startswith("detach added: target")]


def test_every_mutant_is_python_once_and_of_a_kind_that_has_words(mutants: list[Mutant]) -> None:
    assert len({each.function for each in mutants}) == len(mutants) > 200
    for each in mutants:
        ast.parse(each.function)
        assert each.slips[0].kind in QUESTIONS


def test_two_mistakes_are_drawn_by_a_seed_in_two_lines(practical: Practical) -> None:
    maker, question = Maker(practical), practical.question("shift")
    drawn = maker.pairs(question, 20)
    assert [each.function for each in drawn] == [each.function for each in Maker(practical).pairs(question, 20)]
    assert all(len({slip.place.line for slip in each.slips}) == 2 for each in drawn)


def test_a_place_is_called_by_what_every_code_has_there_and_covers_what_is_near_it() -> None:
    function = ast.parse(STEPS).body[0]
    assert isinstance(function, ast.FunctionDef)
    places = places_of("update", function)
    assert places[3].words == "the line that makes `target`"
    assert places[6].words == "the line with `zero_grad`"
    assert set(places[5].area) == {3, 4, 5, 7, 8}


FILLS = """
def total(rows):
    sums = list(rows)
    for i in range(len(rows)):
        sums[i] = max(sums[i], 0)
        print(i)
        rows.pop()
    return sums
"""


def test_a_loop_is_called_by_its_keyword_and_what_it_fills_by_its_name() -> None:
    function = ast.parse(FILLS).body[0]
    assert isinstance(function, ast.FunctionDef)
    assert [each.words for each in places_of("total", function).values()] == [
        "the line with `list`",
        "the `for` line",
        "the line with `max`",
        "the line with `print`",
        "the line with `pop`",
        "what is returned",
    ]


def test_a_place_covers_what_is_returned_and_a_step_those_beside_it() -> None:
    function = ast.parse(FILLS).body[0]
    assert isinstance(function, ast.FunctionDef)
    areas = {line: set(place.area) for line, place in places_of("total", function).items()}
    assert all(8 in area for area in areas.values())
    assert {6, 7} <= areas[6] & areas[7]


def test_two_versions_of_a_function_differ_in_these_lines() -> None:
    one, other, longer = (
        ast.parse(text).body[0]
        for text in (
            STEPS,
            STEPS.replace("second).sum", "first).sum"),
            STEPS.replace("    loss.back", "    1\n    loss.back"),
        )
    )
    assert isinstance(one, ast.FunctionDef)
    assert isinstance(other, ast.FunctionDef)
    assert isinstance(longer, ast.FunctionDef)
    assert lines_between(one, other) == {5}
    assert lines_between(one, longer) == frozenset()


# ---- what they answer --------------------------------------------------------------------------------------------


def tried(root: Path, question: str, *wanted: str, shift: str = SHIFT) -> list[Tried]:
    practical = load_practical(small_course(root / "course", notebook(shift=shift)))
    made = {each.text: each for each in Maker(practical).singles(practical.question(question))}
    with Bench(practical, AnswerKey(practical), seconds=0.3) as bench:
        return [bench.tried(made[text]) for text in wanted]


def test_what_answers_as_the_solution_does_on_other_numbers_too_is_no_mistake(tmp_path: Path) -> None:
    cut_off = "cut off at -10 and 10: y = (2 * x).clip(-10.0, 10.0)"
    wrong, unseen, same = tried(tmp_path, "double", "plus for times: y = 2 + x", cut_off, "transposed: y = (2 * x).T")
    assert wrong.caught
    assert wrong.failed
    assert (unseen.caught, unseen.equivalent) == (False, False)
    assert (same.caught, same.equivalent) == (False, True)


def test_a_mutant_that_never_ends_is_caught(tmp_path: Path) -> None:
    (endless,) = tried(tmp_path, "shift", "0 for a number: y = y + 0", shift=LOOP)
    assert endless.caught
