"""Imports run one way: records and errors, pure parts, sandbox, runner, command line and plug-in."""

import ast
from pathlib import Path

import pytest

ENGINE = Path(__file__).parent.parent / "autograder"

LAYERS = (
    # what everything speaks of, and the wire that the sandbox's inside shares
    ("errors", "records", "limits", "files"),
    # pure parts: notebooks, their cells, authoring, repair, extraction, what a check is, what is said of a result
    (
        *("checks", "assignment", "notebooks", "cells", "markers", "blanks", "marked", "contract", "authoring"),
        *(
            "definitions",
            "extraction",
            "repair",
            "corpus",
            "disarm",
            "several",
            "publish",
            "digest",
            "results",
            "release",
        ),
    ),
    # the course's folders, and the walls around a student's process
    ("course", "sandbox", "process"),
    # runner: the judge, one submission, a class, the grader itself
    ("sketches", "judge", "recognise", "learning", "batch", "verify", "nbgrader_course", "gradebook", "classes"),
    # command line and plug-in
    ("nbgrader_plugin", "doctor", "cli", "demo", "__main__", "__init__"),
)
LAYER_OF = {name: number for number, layer in enumerate(LAYERS) for name in layer}
MODULES = sorted(ENGINE.glob("*.py"))


def imported(path: Path) -> set[str]:
    """The full names of all that a file imports, inside its functions too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} imports relatively"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def engine_modules(names: set[str]) -> set[str]:
    """The engine's own modules among the names imported: the second part of autograder.<module>."""
    return {name.split(".")[1] for name in names if name.startswith("autograder.")}


def test_every_module_of_the_engine_has_its_layer() -> None:
    assert {path.stem for path in MODULES} <= LAYER_OF.keys()


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_a_module_imports_from_its_own_layer_and_those_below(path: Path) -> None:
    above = {name for name in engine_modules(imported(path)) - {"student"} if LAYER_OF[name] > LAYER_OF[path.stem]}
    assert not above


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_no_two_modules_import_each_other(path: Path) -> None:
    below = {path.stem}
    reached: set[str] = set()
    while below:
        below = {name for one in below for name in engine_modules(imported(ENGINE / f"{one}.py"))} - {"student"}
        below -= reached
        reached |= below
    assert path.stem not in reached


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_the_engine_knows_nothing_of_the_practical(path: Path) -> None:
    practical = {name for name in imported(path) if name.startswith(("autograder.sac", "solutions"))}
    assert not practical


@pytest.mark.parametrize("path", sorted((ENGINE / "student").glob("*.py")), ids=lambda path: path.stem)
def test_the_student_host_imports_nothing_of_the_kit_but_its_own_folder(path: Path) -> None:
    kit = {name for name in imported(path) if name.split(".")[0] in ("autograder", "solutions", "tests")}
    assert not kit
