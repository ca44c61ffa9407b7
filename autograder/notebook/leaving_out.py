"""Why a statement of a notebook is not run when code is marked: it is known to be long or interactive, or beside it."""

import ast
from collections.abc import Collection, Iterable, Mapping, Sequence

from autograder.notebook.python import DEFINITIONS
from autograder.notebook.statements import called, root, running, shows_only

ASKS, SHOWS, SETS, LEAVES, SHELL, WAITS = (
    "it waits for an answer",
    "it plots or shows something",
    "it changes a setting of the whole process",
    "it ends this process or starts another",
    "it is a command of the shell or of IPython",
    "it waits",
)
SIMPLE = (ast.Expr, ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Delete, ast.Import, ast.ImportFrom, *DEFINITIONS)
REASONS = {  # a function, or a module with all that is in it
    **dict.fromkeys(("input", "breakpoint", "getpass", "pdb", "ipdb", "IPython.embed", "code.interact"), ASKS),
    **dict.fromkeys(("matplotlib", "seaborn", "plotly", "bokeh", "altair", "IPython", "ipywidgets", "wandb"), SHOWS),
    **dict.fromkeys(("tensorboard", "tensorboardX", "torch.utils.tensorboard", "torchviz", "google.colab"), SHOWS),
    **dict.fromkeys(("mlflow", "comet_ml", "neptune", "torchinfo", "torchsummary", "livelossplot"), SHOWS),
    **dict.fromkeys(("loguru", "clearml", "visdom", "termcolor", "colorama", "tabulate", "prettytable"), SHOWS),
    **dict.fromkeys(("os._exit", "os.abort", "os.kill", "os.system", "os.popen", "os.fork", "subprocess"), LEAVES),
    **dict.fromkeys(("exit", "quit", "sys.exit"), LEAVES),
    "time.sleep": WAITS,
    "get_ipython": SHELL,
}
SETTINGS = {
    "torch": "set_default_dtype set_default_device set_default_tensor_type set_grad_enabled set_num_threads"
    " set_num_interop_threads use_deterministic_algorithms set_flush_denormal autograd.set_detect_anomaly"
    " autograd.set_grad_enabled",
    "numpy": "seterr",
    "sys": "setrecursionlimit settrace setprofile",
    "os": "chdir",
    "signal": "signal alarm setitimer",
    "warnings": "filterwarnings simplefilter",
}
REASONS |= {f"{module}.{name}": SETS for module, names in SETTINGS.items() for name in names.split()}
COLAB = "google.colab"  # notebooks ask whether it is there
QUIET = tuple(name for name, why in REASONS.items() if why == SHOWS and name != COLAB)  # need not be installed
SHOWN = "a plot's own"  # stands for the module of what came of a call that shows something
REASONS[SHOWN] = SHOWS
DOES_NOTHING = "get_ipython()"  # stands in place of what is left out: whatever is done with it does nothing


def reason(
    parts: Iterable[ast.AST],
    modules: Mapping[str, str],
    endless: Collection[str],
    without: Collection[ast.AST] = (),
) -> str:
    """Why a statement of these parts is left out; empty if nothing speaks against it.

    ``endless`` are the notebook's functions that run for long, ``without`` what is not looked at.
    """
    for part in running(*parts, without=without):
        if isinstance(part, ast.Call):
            name = called(part, modules)
            if name in endless:
                return f"it calls {name}, which takes long"
            if why := next((REASONS[each] for each in prefixes(name) if each in REASONS), ""):
                return why
    return ""


def judged(
    statement: ast.stmt, parts: Sequence[ast.AST], modules: Mapping[str, str], endless: Collection[str]
) -> tuple[str, dict[ast.AST, str]]:
    """Why a statement is left out, empty if it is run; and what of it is replaced, with the text in its place.

    A with statement is run without the contexts that show something, and a loop or a match without the statements in
    it that do or that change a setting, if it does something else. What a left-out plot or command assigns is a value
    with which nothing can be done.
    """
    why = reason(parts, modules, endless)
    if isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value:
        why = why or SHOWS * (modules.get(root(statement.value)[0]) == SHOWN)
    if why and isinstance(statement, ast.With):
        whys = {item.context_expr: reason([item.context_expr], modules, endless) for item in statement.items}
        if {*whys.values()} <= {"", SHOWS, SETS}:  # a setting holds within the block alone
            return "", {context: DOES_NOTHING for context, each in whys.items() if each == SHOWS}
    if why and isinstance(statement, ast.For | ast.Match):
        within = _within(statement, modules, endless)
        return ("", within) if within else (why, {})
    text = _in_place(statement, why)
    return why, {statement: text} if text not in ("", "pass") else {}


def _within(statement: ast.stmt, modules: Mapping[str, str], endless: Collection[str]) -> dict[ast.AST, str]:
    """What is replaced within a loop or a match so that it can be run; nothing where it cannot, or would do nothing."""
    simple: list[ast.stmt] = [node for node in running(statement) if isinstance(node, SIMPLE)]
    found: dict[ast.AST, str] = {
        node: text for node in simple if (text := _in_place(node, reason([node], modules, endless)))
    }
    acts = [node for node in simple if node not in found and not shows_only(node)]
    return found if acts and not reason([statement], modules, endless, without=found) else {}


def _in_place(statement: ast.stmt, why: str) -> str:
    """The text that can stand in place of a simple statement that is left out for that reason; empty if none can."""
    if isinstance(statement, ast.Expr):
        return "pass" if why in (SHOWS, SHELL, SETS, WAITS) else ""
    if why not in (SHOWS, SHELL) or not isinstance(statement, ast.Assign | ast.AnnAssign):
        return ""
    waiting = list(statement.targets if isinstance(statement, ast.Assign) else [statement.target])
    names: list[str] = []
    for target in waiting:  # which grows meanwhile
        if isinstance(target, ast.Tuple | ast.List):
            waiting += target.elts
        else:
            names.append(ast.unparse(target.value if isinstance(target, ast.Starred) else target))
    return " = ".join([*names, DOES_NOTHING])


def costly_call(nodes: Iterable[ast.AST], modules: Mapping[str, str], costly: Collection[str]) -> str:
    """A function among the costly ones that one of these nodes calls; empty if there is none."""
    names = (called(node, modules) for node in nodes if isinstance(node, ast.Call))
    return next((name for name in names if any(each in costly for each in prefixes(name))), "")


def prefixes(name: str) -> Iterable[str]:
    """A dotted name and all that it begins with: a.b.c, a.b, a."""
    while name:
        yield name
        name = name.rpartition(".")[0]
