"""From a notebook only definitions are taken, on their own lines; everything else neither runs nor matters."""

import nbformat
import pytest
from nbformat import NotebookNode

from autograder.assignment import Assignment
from autograder.extraction import Extract, extract


def notebook(*sources: str) -> NotebookNode:
    made: NotebookNode = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    return made


def taken(sac: Assignment, *sources: str) -> str:
    return "\n".join(source for _, source in extract(notebook(*sources), sac).cells)


@pytest.mark.parametrize(
    "statement",
    [
        "print('hello')",
        "for i in range(10**9): pass",
        "while True: pass",
        "input('name?')",
        "plt.show()",
        "actor, history = train(envs, hp)",
        "with open('x') as f: f.read()",
        "raise SystemExit",
        "%pip install torch",
        "!rm -rf /",
        "files = !ls",
        "unused = [0] * 10**10",
        "if True: print('no')",
        "assert False",
        "torch.set_default_dtype(torch.float64)",
    ],
)
def test_what_is_no_definition_is_left_out(sac: Assignment, statement: str) -> None:
    kept = taken(sac, f"import torch\n{statement}\ndef f(x): return x")
    namespace: dict[str, object] = {}
    exec(kept.replace("import torch", ""), namespace)
    assert callable(namespace["f"])
    assert not {"unused", "files", "actor"} & set(namespace)


@pytest.mark.parametrize(
    "definition",
    [
        "EPS = 1e-6\ndef f(x): return x + EPS",
        "A = 1; B = A + 1\ndef f(x): return x + B",
        "if 1 > 0:\n    EPS = 2\nelse:\n    EPS = 3\ndef f(x): return x + EPS",
        "try:\n    import nowhere\nexcept ImportError:\n    nowhere = None\ndef f(x): return nowhere",
        "def g(x): return x\nf = g",
        "class C:\n    pass\ndef g(self): return 1\nC.g = g\ndef f(x): return C().g()",
        "import functools\nbase = functools.partial(int, base=2)\ndef f(x): return base('11')",
        "def f(x: int, y: int = 3) -> int:\n    return x + y",
        "%%time\ndef f(x): return x",
        "x = 1; print(x); Y = 2; print(Y)\ndef f(x): return Y",
        "N: int = 3\nN += 1\ndef f(x): return N",
    ],
)
def test_definitions_and_the_constants_that_they_use_are_kept(sac: Assignment, definition: str) -> None:
    source = definition if "f = g" not in definition else definition + "\ndef h(x): return f(x)"
    namespace: dict[str, object] = {}
    exec(taken(sac, source), namespace)
    function = namespace["f"]
    assert callable(function)
    function(1)


def test_a_constant_that_takes_a_long_run_to_compute_is_left_out(sac: Assignment) -> None:
    kept = taken(sac, "def mine(): return train(1)\nA = train(1)\nB = mine()\ndef f(): return A, B")
    assert "A =" not in kept
    assert "B =" not in kept


def test_kept_code_stays_on_its_own_lines(sac: Assignment) -> None:
    source = 'print("""two\nlines"""); import math\n\nx = [i\n  for i in range(3)]; y = 2\ndef f():\n    return y'
    (_, kept), *_ = extract(notebook(source), sac).cells
    lines = source.splitlines()
    for number, line in enumerate(kept.splitlines()):
        if line.strip().startswith(("def", "return")):
            assert line == lines[number]


def test_the_last_definition_of_a_function_counts(sac: Assignment) -> None:
    found = extract(notebook("def f():\n    x = ...  # YOUR CODE HERE", "def f():\n    x = 1"), sac)
    assert found.open_blanks == {}


def test_blanks_that_are_still_open_are_named_with_their_lines(sac: Assignment) -> None:
    blanks = ["a, b = ...  # YOUR CODE HERE", "# YOUR CODE HERE", "raise NotImplementedError('YOUR CODE HERE in A.f')"]
    source = "\n        ".join(["class A:\n    def f(self):", *blanks])
    found = extract(notebook(source), sac)
    assert found.open_blanks == {
        "A.f": ("a, b = ...  # YOUR CODE HERE", "raise NotImplementedError('YOUR CODE HERE in A.f')")
    }


@pytest.mark.parametrize("broken", ["def f(:", "x = (", "\x00", "return 5 +", "a" * 300_000, "(" * 5000])
def test_a_cell_that_does_not_parse_costs_only_itself(sac: Assignment, broken: str) -> None:
    found = extract(notebook(broken, "def g(): return 1"), sac)
    assert list(found.faults) == ["cell 1"]
    assert "g" in found.names


def test_layout_comments_and_docstrings_make_no_other_function(sac: Assignment) -> None:
    def functions(source: str) -> Extract:
        return extract(notebook(source), sac)

    plain = functions("def f(x):\n    return x + 1")
    decorated = functions('def f( x ):\n    """Doc."""\n    # comment\n    return (x +\n            1)')
    assert plain.functions == decorated.functions
    assert plain.functions != functions("def f(x):\n    return x + 2").functions


def test_the_same_definitions_have_the_same_fingerprint_whatever_else_the_notebook_does(sac: Assignment) -> None:
    one = extract(notebook("def f(): return 1", "print(1)"), sac)
    other = extract(notebook("def f(): return 1", "print(2)"), sac)
    assert one.fingerprint == other.fingerprint
    assert one.fingerprint != extract(notebook("def f(): return 2"), sac).fingerprint
