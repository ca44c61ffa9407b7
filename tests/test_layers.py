"""Imports run one way: records and errors, pure parts, sandbox, runner, command line and plug-in."""

import ast
from pathlib import Path

import pytest

ENGINE = Path(__file__).parent.parent / "autograder"

LAYERS = (
    # what everything speaks of
    ("errors", "records", "limits", "files", "stopping", "configuration"),
    # pure parts: notebooks, authoring, repair, extraction, what a check is, what is said of a result
    (
        *("checks", "assignment", "notebooks", "definitions", "extraction", "repair", "results"),
        *("mending", "mending.text", "mending.cells", "mending.exports", "mending.cutting"),
        *("mending.joining", "mending.matching", "mending.restoring", "mending.order", "mending.shape"),
        *("authoring", "authoring.cells", "authoring.markers", "authoring.blanks", "authoring.marked"),
        *("authoring.contract", "authoring.source", "authoring.release"),
        *("verification", "verification.corpus", "verification.several"),
        *("likeness", "likeness.prints", "likeness.pairs", "likeness.explained"),
        *("publishing", "publishing.disarm", "publishing.publish", "publishing.digest"),
    ),
    # the course's folders, the grader's own processes, and the walls around a student's process
    (
        *("locking", "workers", "course", "sandbox", "process", "doctor.trial", "doctor.look"),
        *("sandbox.view", "sandbox.users", "sandbox.usage", "sandbox.folder", "sandbox.syscalls", "sandbox.filters"),
        *("sandbox.barrier", "sandbox.bubblewrap", "sandbox.confined", "sandbox.launcher"),
    ),
    # runner: the judge, one submission, a class, the grader itself
    (
        *("sketches", "judge", "recognise", "batch", "classes", "likeness.store", "likeness.findings"),
        *("publishing.nbgrader_course", "publishing.gradebook", "publishing.marks"),
        *("verification.learning", "verification.verify"),
    ),
    # command line and plug-in
    ("nbgrader_plugin", "doctor", "cli", "demo", "__main__", ""),
)
LAYER_OF = {name: number for number, layer in enumerate(LAYERS) for name in layer}


def name_of(path: Path) -> str:
    """The module's name within the engine, such as authoring.blanks; a package's is the folder's."""
    parts = path.relative_to(ENGINE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {
    name_of(path): path
    for path in sorted(ENGINE.rglob("*.py"))
    if path.relative_to(ENGINE).parts[0] not in ("sac", "student")
}


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


def engine_modules(name: str) -> set[str]:
    """The engine's own modules that one of them imports: of autograder.<module>.<name> the longest that is a module."""
    found = set()
    for full in imported(MODULES[name]):
        parts = full.split(".")[1:] if full.startswith("autograder.") else []
        known = [".".join(parts[:end]) for end in range(len(parts), 0, -1) if ".".join(parts[:end]) in MODULES]
        found |= set(known[:1])
    return found


def test_every_module_of_the_engine_has_its_layer() -> None:
    assert MODULES.keys() == LAYER_OF.keys()


@pytest.mark.parametrize("name", MODULES)
def test_a_module_imports_from_its_own_layer_and_those_below(name: str) -> None:
    assert not {other for other in engine_modules(name) if LAYER_OF[other] > LAYER_OF[name]}


@pytest.mark.parametrize("name", MODULES)
def test_no_two_modules_import_each_other(name: str) -> None:
    below = {name}
    reached: set[str] = set()
    while below:
        below = {other for one in below for other in engine_modules(one)} - reached
        reached |= below
    assert name not in reached


@pytest.mark.parametrize("name", MODULES)
def test_the_engine_knows_nothing_of_the_practical(name: str) -> None:
    assert not {full for full in imported(MODULES[name]) if full.startswith(("autograder.sac", "solutions"))}


@pytest.mark.parametrize("path", sorted((ENGINE / "student").glob("*.py")), ids=lambda path: path.stem)
def test_the_student_host_imports_nothing_of_the_kit_but_its_own_folder(path: Path) -> None:
    kit = {name for name in imported(path) if name.split(".")[0] in ("autograder", "solutions", "tests")}
    assert not kit
