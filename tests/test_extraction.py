"""From a notebook only definitions are taken, on their own lines; everything else neither runs nor matters."""

import ast
import contextlib
import itertools

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from IPython.core.inputtransformer2 import TransformerManager
from nbformat import NotebookNode

from autograder.notebook.extraction import Extract
from autograder.notebook.extraction import extract as take
from autograder.notebook.python import bound_names, read_python


def notebook(*sources: str) -> NotebookNode:
    made: NotebookNode = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    return made


def extract(*sources: str) -> Extract:
    return take(notebook(*sources), frozenset({"train"}))


def taken(*sources: str) -> str:
    return "\n".join(source for _, source in extract(*sources).cells)


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
def test_what_is_no_definition_is_left_out(statement: str) -> None:
    kept = taken(f"import torch\n{statement}\ndef f(x): return x")
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
def test_definitions_and_the_constants_that_they_use_are_kept(definition: str) -> None:
    source = definition if "f = g" not in definition else definition + "\ndef h(x): return f(x)"
    namespace: dict[str, object] = {}
    exec(taken(source), namespace)
    function = namespace["f"]
    assert callable(function)
    function(1)


def test_a_constant_that_takes_a_long_run_to_compute_is_left_out() -> None:
    kept = taken("def mine(): return train(1)\nA = train(1)\nB = mine()\ndef f(): return A, B")
    assert "A =" not in kept
    assert "B =" not in kept


def test_kept_code_stays_on_its_own_lines() -> None:
    source = 'print("""two\nlines"""); import math\n\nx = [i\n  for i in range(3)]; y = 2\ndef f():\n    return y'
    (_, kept), *_ = extract(source).cells
    lines = source.splitlines()
    for number, line in enumerate(kept.splitlines()):
        if line.strip().startswith(("def", "return")):
            assert line == lines[number]


def test_the_last_definition_of_a_function_counts() -> None:
    found = extract("def f():\n    x = ...  # YOUR CODE HERE", "def f():\n    x = 1")
    assert found.open_blanks == {}


def test_blanks_that_are_still_open_are_named_with_their_lines() -> None:
    blanks = ["a, b = ...  # YOUR CODE HERE", "# YOUR CODE HERE", "raise NotImplementedError('YOUR CODE HERE in A.f')"]
    source = "\n        ".join(["class A:\n    def f(self):", *blanks])
    found = extract(source)
    assert found.open_blanks == {
        "A.f": ("a, b = ...  # YOUR CODE HERE", "raise NotImplementedError('YOUR CODE HERE in A.f')")
    }


BROKEN = [
    "def f(:",
    "x = (",
    "\x00",
    "return 5 +",
    "a" * 1_000_001,
    "(" * 5000,
    "\ud800",
    "x = " + "9" * 5000,
    "!ls\nx = = 1",
]


@pytest.mark.parametrize("broken", [*BROKEN, "x = " + "-" * 50_000 + "1", "if a: b\n" + "elif a: b\n" * 20_000])
def test_a_cell_that_does_not_parse_costs_only_itself(broken: str) -> None:
    found = extract(broken, "def g(): return 1")
    assert list(found.faults) == ["cell 1"]
    assert "g" in found.names


@pytest.mark.parametrize(
    "body",
    [
        "return 0x" + "f" * 5000,
        "return " + "+".join(["1"] * 1500),
        "return " + "not " * 500 + "x",
        "if x: pass\n" + "    elif x: pass\n" * 500,
        "raise NotImplementedError(0x" + "f" * 5000 + ")",
        "return '\\ud800'",
    ],
)
def test_deep_code_and_huge_numbers_are_code_like_any_other(body: str) -> None:
    found = extract(f"def f(x):\n    {body}", "def g(): return 1")
    assert not found.faults
    assert found.names == {"f", "g"}
    assert found.functions["f"] != found.functions["g"]


def test_a_chain_of_branches_at_the_top_level_is_looked_through() -> None:
    found = extract("if a: pass\n" + "elif a: pass\n" * 1000 + "else: x = 3\ndef f(): return x")
    assert found.names == {"f", "x"}


@pytest.mark.parametrize(
    "dropped",
    [
        'print("""a\nb"""); ',
        'import math; print("""a\nb"""); ',
        'if 1: print("""a\nb"""); ',
        'print("""a\nb""");\n',
        'print("a\u2028b\x0c")\n',
        "%%time\n!ls \\\n  -l\n",
        "files = !ls \\\n  -l\n",
        "\n\n%%capture\n\n",
        "print(1)\r\n",
    ],
)
def test_what_is_left_out_leaves_the_lines_below_in_their_places(dropped: str) -> None:
    ((_, kept),) = extract(f"{dropped}Y = 2\ndef f():\n    return Y").cells
    (function,) = [node for node in ast.parse(kept).body if isinstance(node, ast.FunctionDef)]
    assert function.lineno == dropped.replace("\r\n", "\n").count("\n") + 2
    namespace: dict[str, object] = {}
    exec(kept, namespace)
    assert namespace["Y"] == 2


LINES = [
    *("x = 1", "!ls", "!ls \\", "%who", "y = !ls \\", "  -a", "z = %who", "if x:", "    !pip install a", "    w = 2"),
    *("foo?", "?foo", "s = '''", "'''", 't = """what?"""', "# why?", "f(x)", "    return x", "def g():", "", "   "),
    *("d['k'] = !ls", "a, b = 1, 2", "u = x \\", "% 3", "%%time", ";f a", ", f a", "/f a", 'print("it\'s")'),
    *("!echo it's", 'v = "a\\', 'b"', "c = d = !ls", "x == 1", "%timeit x", "q: int = !ls", "x++?", "class A:"),
]


@settings(deadline=None)  # a busy machine is no fault of the code
@given(st.lists(st.sampled_from(LINES), max_size=7).filter(lambda lines: not "".join(lines).lstrip().startswith("%%")))
def test_a_cell_binds_what_it_binds_in_ipython_and_its_lines_stay(lines: list[str]) -> None:
    if any(line.endswith("\\") and after.endswith("?") for line, after in itertools.pairwise([*lines, "?"])):
        return  # IPython makes both of them, whatever they are, a call for help
    source = "\n".join(lines)
    text, names = source, []
    with contextlib.suppress(SyntaxError):
        text, tree = read_python(source)
        names = bound(tree)
    assert text.count("\n") == source.count("\n")
    expected = []
    with contextlib.suppress(SyntaxError):
        expected = bound(ast.parse(TransformerManager().transform_cell(source)))
    assert names == expected


def bound(tree: ast.Module) -> list[str]:
    """The names that a cell binds, statement by statement."""
    return [name for node in tree.body for name in sorted(bound_names(node))]


def test_layout_comments_and_docstrings_make_no_other_function() -> None:
    plain = extract("def f(x):\n    return x + 1")
    decorated = extract('def f( x ):\n    """Doc."""\n    # comment\n    return (x +\n            1)')
    assert plain.functions == decorated.functions
    assert plain.functions != extract("def f(x):\n    return x + 2").functions


def test_the_same_definitions_have_the_same_fingerprint_whatever_else_the_notebook_does() -> None:
    one = extract("def f(): return 1", "print(1)")
    other = extract("def f(): return 1", "print(2)")
    assert one.fingerprint == other.fingerprint
    assert one.fingerprint != extract("def f(): return 2").fingerprint
