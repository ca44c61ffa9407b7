"""The practicals' notebooks as a student runs them: check cells tell one finding, and leave nothing behind."""

import random
import re
from pathlib import Path

import nbformat
import pytest
from conftest import KIT
from nbformat import NotebookNode
from nbgrader.validator import Validator

from autograder.course.practical import load_practical, read_release
from autograder.verification.corpus import load_corpus, variant_notebook
from autograder.verification.visible import run_notebooks

Notebook = tuple[list[tuple[str, str]], list[tuple[str, str]]]
SAC = load_practical(KIT, "sac")
SHUFFLED = 2  # orders that chance makes, besides the notebook's own
OWN_ERROR = """
def helper(values):
    return values.no_such_method()

def update_alpha(data, actor, log_alpha, a_optimizer, target_entropy):
    return helper(log_alpha)
"""
WRITTEN: dict[str, dict[str, tuple[str | None, str]]] = {  # a cell -> what a student made of it
    "nothing filled": {},
    "raise line left": {"critic": ("        # YOUR CODE HERE\n", "        x = self.fc1(torch.cat([x, a], 1))\n")},
    "own error": {"alpha-update": (None, OWN_ERROR)},
}
BEFORE = ("setup", "helpers")
SETTINGS = "torch.set_grad_enabled(False)\ntorch.set_default_dtype(torch.float64)\nnp.seterr(all='raise')"
ODD = (  # right answers in shapes that a check cell could mistake for wrong ones
    *("cell-critic-bare-matrices", "cell-actor-nameless-heads", "cell-actor-no-small-constant"),
    *("params-repeats-the-layers", "cell-target-own-argument-names", "cell-actor-update-mean-of-two-samples"),
    "cell-evaluate-lists",
)
HIDDEN = (  # wrong ones that show only far out, in a second example, or where samples differ
    *("critic-loss1-bfloat-precision", "cell-critic-one-hidden-layer", "sample-laplace-noise", "sample-fixed-seed"),
    *("cell-actor-scale-of-the-first-dimension", "explore-squeezed", "target-q2-newly-drawn"),
    *("cell-target-kept-average", "policy-soft-minimum", "cell-alpha-update-attached"),
    "cell-evaluate-cut-at-1000-steps",
)
MOVED = {"choose_actions": ("explore", "explore"), "test_actor": ("evaluate", "evaluation")}  # cell, question


def cells(notebook: NotebookNode) -> list[tuple[str, str]]:
    return [(cell.id, cell.source) for cell in notebook.cells if cell.cell_type == "code"]


def changed(changes: dict[str, tuple[str | None, str]]) -> list[tuple[str, str]]:
    """The release's cells up to the end of training's parts, with a student's changes."""
    found = []
    for name, source in cells(read_release(SAC)):
        old, new = changes.get(name, ("", ""))
        found.append((name, new if old is None else source.replace(old, new) if old else source))
        if name == "check-alpha-update":
            return found
    raise AssertionError("there is no check of update_alpha")


def told(name: str) -> str:
    """The code of a cell that shows the remark of a check."""
    return f'raise Finding(f"remark: {{CHECKS[{name!r}]()}}")'


@pytest.fixture(scope="module")
def shown() -> dict[str, dict[str, str]]:
    """What each check cell shows in each of the notebooks above, and of some variants of the corpus."""
    corpus = load_corpus([SAC.folder / "variants"], SAC)
    sample = [each for each in corpus if each.id in (*ODD, *HIDDEN)]
    notebooks = {name: changed(changes) for name, changes in WRITTEN.items()}
    known = {cell.id for cell in SAC.source.cells if cell.metadata.get("nbgrader")}
    for variant in sample:
        code = cells(variant_notebook(SAC.source, SAC, variant))
        filled = {*variant.cells, *(SAC.blanks[blank] for blank in variant.fills)}
        own = {f"check-{item.name}" for item in SAC.questions if item.cell in filled and not item.end_to_end}
        kept = [name for name, _ in code if name in known and (name in own or not name.startswith("check-"))]
        notebooks[variant.id] = [each for each in code if each[0] in kept]
    for name, (cell, question) in MOVED.items():
        for moves in (True, False):
            code = [(each, text if moves else text.replace(".to(device)", "")) for each, text in cells(SAC.source)]
            notebooks[f"{name} {moves}"] = [
                *(each for each in code if each[0] in (*BEFORE, cell, f"check-{question}")),
                ("remark", told(name)),
            ]
    explored = [each for each in cells(SAC.source) if each[0] in (*BEFORE, "explore", "check-explore")]
    notebooks["settings"] = [explored[0], ("settings", SETTINGS), *explored[1:], ("remark", told("choose_actions"))]
    first = cells(SAC.source)[:4]
    rest: list[Notebook] = [([each for each in code if each not in first], []) for code in notebooks.values()]
    warm = [("warm", "optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)")]  # its first use loads much
    return {name: found or {} for name, found in zip(notebooks, run_notebooks(first, warm, rest), strict=True)}


def test_a_failing_check_shows_one_finding_of_at_most_twelve_lines(shown: dict[str, dict[str, str]]) -> None:
    findings = [text for found in shown.values() for name, text in found.items() if name.startswith("check-")]
    assert len(findings) > 15
    for text in findings:
        lines = text.splitlines()
        assert lines[0][0] in "✗○", text
        assert all(line.startswith("  ") for line in lines[1:]), text
        assert 2 <= len(lines) <= 12, text
        assert "Traceback" not in text, text


def test_an_open_blank_is_named_with_its_line(shown: dict[str, dict[str, str]]) -> None:
    found = shown["nothing filled"]
    assert found["check-critic-target"].splitlines()[0] == "○ Still open: critic_target"
    assert "line 5 of its cell, in critic_target: qf1_next_target = ..." in found["check-critic-target"]
    assert "line 14 of its cell, in forward: the block marked YOUR CODE HERE" in found["check-critic-forward"]


@pytest.mark.parametrize("name", MOVED)
def test_observations_that_stay_where_a_gpus_actor_is_not_are_remarked(
    shown: dict[str, dict[str, str]], name: str
) -> None:
    assert shown[f"{name} True"] == {"remark": "remark:"}
    assert shown[f"{name} False"]["remark"].startswith("remark: On a GPU it would fail")


def test_what_a_cell_sets_for_the_whole_notebook_is_undone_in_a_check_and_remarked(
    shown: dict[str, dict[str, str]],
) -> None:
    words = "remark: Checks and grading undo torch.set_grad_enabled and torch.set_default_dtype. Your own runs don't"
    assert shown["settings"].keys() == {"remark"}
    assert shown["settings"]["remark"].startswith(words)


def test_a_right_answer_of_another_shape_passes_its_check_cell(shown: dict[str, dict[str, str]]) -> None:
    assert {name: shown[name] for name in ODD if shown[name]} == {}


def test_a_wrong_answer_that_shows_only_far_out_or_the_second_time_fails_its_check_cell(
    shown: dict[str, dict[str, str]],
) -> None:
    assert [name for name in HIDDEN if not shown[name]] == []


def test_where_only_the_raise_line_is_left_a_student_reads_that(shown: dict[str, dict[str, str]]) -> None:
    assert "your code is there; now delete the raise line too" in shown["raise line left"]["check-critic-forward"]


def test_an_error_in_a_student_s_own_code_is_shown_with_their_lines_alone(shown: dict[str, dict[str, str]]) -> None:
    assert shown["own error"]["check-alpha-update"].splitlines() == [
        "✗ update_alpha: an error in your code",
        "  AttributeError: 'Tensor' object has no attribute 'no_such_method'",
        "  line 5 of its cell, in update_alpha:",
        "      return helper(log_alpha)",
        "  line 2 of its cell, in helper:",
        "      return values.no_such_method()",
    ]


def test_every_cell_can_be_run_again_in_any_order_after_a_finished_run() -> None:
    short = {
        "quick-run": ("total_timesteps=2_000", "total_timesteps=160"),
        "animation": ("num_steps=100", "num_steps=3"),
    }
    code = [(name, source.replace(*short.get(name, ("\0", "")))) for name, source in cells(SAC.source)]
    forwards = [code, *(random.Random(seed).sample(code, len(code)) for seed in range(SHUFFLED))]
    orders = [order for each in forwards for order in (each, each[::-1])]  # each cell comes before and after each other
    every = [(f"{number}: {name}", source) for number, order in enumerate(orders) for name, source in order]
    assert next(iter(run_notebooks([], [], [(every, [])], seconds=600))) == {}


def test_both_practicals_share_the_text_of_the_check_cells_tools() -> None:
    texts = set()
    for name in ("sac", "reinforce"):
        tools = next(cell for cell in load_practical(KIT, name).source.cells if cell.id == "helpers")
        shared, mark, _ = tools.source.partition("\n# --- of this practical")
        assert mark
        texts.add(shared)
    assert len(texts) == 1


@pytest.mark.parametrize("name", ["sac", "reinforce"])
def test_the_code_of_check_cells_and_their_tools_is_folded_away(name: str) -> None:
    release = read_release(load_practical(KIT, name))
    folded = [cell for cell in release.cells if cell.source.startswith("# @title ")]
    checks = {cell.id for cell in release.cells if cell.id.startswith("check-") and cell.cell_type == "code"}
    assert {cell.id for cell in folded} >= checks | {"helpers"}
    for cell in folded:
        assert cell.metadata["jupyter"] == {"source_hidden": True}, "JupyterLab, Notebook 7"
        assert cell.metadata["cellView"] == "form", "Colab"


def test_a_finding_is_an_error_to_nbgrader_s_validate_and_stands_alone(tmp_path: Path) -> None:
    tools = next(cell for cell in SAC.source.cells if cell.id == "helpers").source
    text = tools[: tools.index("\n\nINLINE_BLANK")] + '\n\nraise Finding("✗ f\\n  It is not so.")'
    release = read_release(SAC)
    check = next(cell for cell in release.cells if cell.id == "check-explore")
    check.source = text
    release.cells = [check]
    nbformat.write(release, tmp_path / "sac.ipynb")
    found = Validator(ignore_checksums=True).validate(str(tmp_path / "sac.ipynb"))
    assert len(found["failed"]) == 1
    colourless = re.sub(r"<[^>]*>", "", found["failed"][0]["error"])
    assert colourless == "✗ f\n  It is not so."
