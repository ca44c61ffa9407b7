"""Why a statement of a notebook is not run when code is marked: it is known to be long or interactive, or beside it."""

import ast
from collections.abc import Collection, Iterable, Mapping

from autograder.notebook.statements import called, running

ASKS, SHOWS, SETS, LEAVES = (
    "it waits for an answer",
    "it plots or shows something",
    "it changes a setting of the whole process",
    "it ends this process or starts another",
)
REASONS = {  # a function, or a module with all that is in it
    **dict.fromkeys(("input", "breakpoint", "getpass", "pdb", "ipdb", "IPython.embed", "code.interact"), ASKS),
    **dict.fromkeys(("matplotlib", "seaborn", "plotly", "bokeh", "altair", "IPython", "ipywidgets", "wandb"), SHOWS),
    **dict.fromkeys(("tensorboard", "tensorboardX", "torch.utils.tensorboard", "torchviz", "google.colab"), SHOWS),
    **dict.fromkeys(("os._exit", "os.abort", "os.kill", "os.system", "os.popen", "os.fork", "subprocess"), LEAVES),
    **dict.fromkeys(("exit", "quit", "sys.exit"), LEAVES),
    "time.sleep": "it waits",
    "get_ipython": "it is a command of the shell or of IPython",
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


def reason(parts: Iterable[ast.AST], modules: Mapping[str, str], endless: Collection[str]) -> str:
    """Why a statement of these parts is left out; empty if nothing speaks against it.

    ``endless`` are the notebook's functions that run for long.
    """
    for part in running(*parts):
        if isinstance(part, ast.Call):
            name = called(part, modules)
            if name in endless:
                return f"it calls {name}, which takes long"
            if why := next((REASONS[each] for each in prefixes(name) if each in REASONS), ""):
                return why
    return ""


def costly_call(nodes: Iterable[ast.AST], modules: Mapping[str, str], costly: Collection[str]) -> str:
    """A function among the costly ones that one of these nodes calls; empty if there is none."""
    names = (called(node, modules) for node in nodes if isinstance(node, ast.Call))
    return next((name for name in names if any(each in costly for each in prefixes(name))), "")


def prefixes(name: str) -> Iterable[str]:
    """A dotted name and all that it begins with: a.b.c, a.b, a."""
    while name:
        yield name
        name = name.rpartition(".")[0]
