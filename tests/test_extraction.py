"""What a student wrote is taken, on its own lines; what is long, interactive or beside the point is left out."""

import __future__

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


LONG = frozenset({"train", "gymnasium.make"})
RELEASE = take(notebook("GIVEN = 1\nactor, history = train(GIVEN)\nparts = [GIVEN]"), LONG)


def extract(*sources: str) -> Extract:
    return take(notebook(*sources), LONG, release=RELEASE)


def taken(*sources: str) -> str:
    return "\n".join(source for _, source in extract(*sources).cells)


IMPORTS = "import os, sys, time, torch, warnings\nimport gymnasium as gym\nimport matplotlib.pyplot as plt\n"


@pytest.mark.parametrize(
    "statement",
    [
        "print('hello', X, X[0])",
        "X",
        "'text'",
        "input('name?')",
        "name = input('name?')",
        "plt.show()",
        "fig, ax = plt.subplots(); ax.plot([1]); fig.show()",
        "for lr in [1, 2]: plt.plot(train(lr))",
        "actor, history = train(envs, hp)",
        "history = train(envs, hp)[1]\nlast = history[-1]\nprint(last.mean())",
        "parts = [GIVEN]",
        "sys.exit()",
        "os._exit(0)",
        "%pip install torch",
        "!rm -rf /",
        "env = gym.make('A')\nobs, _ = env.reset()",
        "def make(): return gym.make('A')\nenvs = make()\nfor _ in range(9): envs.step(1)",
        "if True: print('no')",
        "if True:\n    actor = train(1)",
        "with open('x') as f: train(f)",
        "torch.set_default_dtype(torch.float64)",
        "warnings.filterwarnings('error')",
        "%%bash\nls",
        "%%time\n%%html\n<b>",
    ],
)
def test_what_is_long_interactive_or_beside_the_point_is_left_out(statement: str) -> None:
    kept = "\n".join(source for _, source in extract(IMPORTS, statement, "def f(x): return x").cells[1:])
    calls = [node for node in ast.walk(ast.parse(kept)) if isinstance(node, ast.Call)]
    assert {ast.unparse(call) for call in calls} <= {"gym.make('A')", "open('x')", "get_ipython()"}
    assert not {"actor", "history", "envs", "parts"} & names_in(kept)


def names_in(text: str) -> set[str]:
    return {name for node in ast.parse(text).body for name in bound_names(node)}


SETUPS = [
    "T = {}\nT['x'] = 1\nT.update(y=2)\ndef f(x): return T['x'] + T['y']",
    "T = []\nT.append(3)\ndef f(x): return T[0]",
    "T = [0] * 3\nfor i in range(3):\n    T[i] += i\ndef f(x): return T[2] / 2",
    "N = 1\ndel N\nN = 2\ndef f(x):\n    global N\n    N += 1\n    return N",
    "with open('/dev/null') as file:\n    T = 1\ndef f(x): return T",
    "if (T := 3) > 2: print(T)\ndef f(x): return T",
    "(T := 3)\ndef f(x): return T",
    "[T := i for i in range(3)]\ndef f(x): return T / 2",
    "globals()['T'] = 3\ndef f(x): return T",
    "exec('T = 3')\ndef f(x): return T",
    "class C: pass\nsetattr(C, 'm', lambda self: 3)\ndef f(x): return C().m()",
    "import functools\ndef g(x, y): return x + y\nf = functools.partial(g, y=1)",
    "def f(x): return x\ndef twice(g): return lambda x: 2 * g(x)\nf = twice(f)",
    "class f:\n    def __call__(self, x): return x\nf = f()",
    "def f(x): return f.calls\nf.calls = 1",
    "from __future__ import annotations\ndef f(x: nowhere): return 1",
    "try:\n    T = 1 / 0\nexcept ZeroDivisionError:\n    T = 3\ndef f(x): return T",
    "for k, v in {'T': 3}.items():\n    globals()[k] = v\ndef f(x): return T",
    "match 3:\n    case T: pass\ndef f(x): return T",
    "while True:\n    T = 1\n    break\ndef f(x): return T",
    "%time T = 3\ndef f(x): return T",
    "%%time\n%%capture out\nT = 3\ndef f(x): return T",
    "%%memit\nT = 3\ndef f(x): return T",
    "def f(x):\n    %timeit x\n    !ls\n    y = !ls\n    return 1",
    "L = GIVEN + 1\nGIVEN = 1\ndef f(x): return GIVEN",
    "parts = [GIVEN]\nGIVEN = 2\nmine = list(parts) * 2\ndef f(x): return GIVEN",
    "class A:\n    def f(self): return 1\nclass A(A):\n    def g(self): return self.f()\ndef f(x): return A().g()",
    "x, *rest = 1, 2, 3\nfirst = rest.pop(0)\ndef f(y): return rest[0] - first",
    "import asyncio\nT = 1\nasync def g(): return 1\ndef f(x): return T",
    "GIVEN = 1\nif GIVEN:\n    low = train(1)\n    T = 2\ndef f(x): return T",
]


@pytest.mark.parametrize("setup", SETUPS)
def test_what_sets_something_up_is_kept(setup: str) -> None:
    namespace: dict[str, object] = {"__name__": "__main__", "get_ipython": lambda: None}
    tree = ast.parse(taken(setup))
    flags = __future__.annotations.compiler_flag if "__future__" in setup else 0
    for node in tree.body:
        with contextlib.suppress(NameError):  # of GIVEN, say
            exec(compile(ast.Module([node], []), "cell", "exec", flags), namespace)
    function = namespace["f"]
    assert callable(function)
    assert function(1) in (1, 2, 3)


def test_what_is_left_out_is_known_by_name_line_and_reason() -> None:
    found = extract("limit = 3\nlow = train(1)[0]\nhigh = low + limit\ndef f(): return high")
    assert [(each.line, each.names, each.why) for each in found.loose] == [
        (1, ("limit",), ""),
        (2, ("low",), "it calls train, which takes long"),
        (3, ("high",), ""),
    ]


@pytest.mark.parametrize(
    "change",
    ["C.m = abs", "setattr(C, 'm', abs)", "C = type(C)('C', (C,), {})", "register(C)", "for C in [1]: pass", "del C.m"],
)
def test_a_class_that_another_statement_changes_is_not_as_released(change: str) -> None:
    source = "class C:\n    def m(self):\n        x = ...  # YOUR CODE HERE"
    assert "C.m" in extract(source).functions
    found = extract(source, change)
    assert "C.m" not in found.functions
    assert not found.open_blanks


@pytest.mark.parametrize("harmless", ["c = C()", "print(C)", "C().m()", "help(C)", "C.n = 1", "isinstance(3, C)"])
def test_a_class_that_is_only_used_is_as_released(harmless: str) -> None:
    assert "C.m" in extract("class C:\n    def m(self):\n        x = ...  # YOUR CODE HERE", harmless).functions


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        ("def g(x):\n    return (x", 6),
        ("def g(x):\n  a = 1\n    b = 2", 7),
        ("def g(x):\n    return f'{x['a']}' +", 6),
        ("def g(x) -> int\n    return 1", 5),
        ("def g(x):\n    def h(): nonlocal zz\n    return 1", 6),
        ("@wraps\ndef g(x):\n    x = <YOUR CODE HERE>", 7),
    ],
)
def test_a_fault_costs_the_function_in_which_it_stands(fault: str, line: int) -> None:
    above, below = "LIMIT = 3\ndef f(x):\n    return LIMIT\n", "\ndef h(x):\n    return [x,\n  1]\nT = '''\ndef'''"
    for source in (f"{above}\n{fault}\n{below}", above + class_of(fault)):
        found = extract(source)
        (name,) = found.broken
        assert name.endswith("g")
        assert found.names >= {"f", "LIMIT"}
        assert "as Python 3." in found.broken[name]
        if "class" not in source:
            assert found.names >= {"h", "T"}
            assert f"line {line}:" in found.broken[name]
        ((_, text),) = found.cells
        assert text.split("\n")[: above.count("\n")] == above.split("\n")[:-1]


def class_of(method: str) -> str:
    """A class with that method between two others."""
    lines = ["def a(self):", "    return (1,", "  2)", *method.split("\n"), "def b(self): pass"]
    return "\n".join(["class C(object):", *(f"    {line}" for line in lines), ""])


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
    "(" + "\n" * 100_000 + ")!",
    "def f(:\n" + "a\n" * 20_000,
    "class A(\n" + "\n@d" * 10_000,
    "\n".join(f"def f{i}(: pass" for i in range(3_000)),
    "class A:\n" + "\n".join(f"    def f{i}(: pass" for i in range(3_000)),
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
    namespace: dict[str, object] = {"get_ipython": list}
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
