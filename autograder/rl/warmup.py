"""What a student's process does once, before it is copied for every question: a practical's ``warmup.py`` imports it.

Students can read this; it gives nothing away.
"""

import importlib
import random
import sys
import types
from collections.abc import Callable
from typing import Any

META = "torch._meta_registrations"


class Placeholder(types.ModuleType):
    """Takes the place of a part of PyTorch that takes long to import, until code uses it."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name != "__path__":
            raise AttributeError(name)
        for each in (META, self.__name__):  # what builds on the former does not import it by itself
            if isinstance(sys.modules.get(each), Placeholder):
                package, _, last = each.rpartition(".")
                del sys.modules[each]
                vars(sys.modules[package]).pop(last, None)
                importlib.import_module(each)
        return getattr(sys.modules[self.__name__], name)


class Dynamo(Placeholder):
    """Every optimizer imports torch._dynamo, although only torch.compile has a use for it.

    The real one takes as long to import as torch itself, and makes every copy of the process slower.
    """

    def disable(self, function: Any = None, *_: Any, **__: Any) -> Callable[..., Any]:
        """Nothing is compiled, so there is nothing to switch off."""
        return function if function is not None else lambda decorated: decorated

    def graph_break(self, *_: Any, **__: Any) -> None:
        """There is no graph to break."""


if "torch" not in sys.modules:  # a third of its import serves compiling and tensors without content (device "meta")
    sys.modules[META] = Placeholder(META)

# these come after the placeholder, or they would import what it stands for
import gymnasium  # noqa: E402, F401
import numpy as np  # noqa: E402
import torch  # noqa: E402
import torch.distributions  # noqa: E402
import torch.nn.functional as F  # noqa: E402
from torch import nn  # noqa: E402


def uncompiled(model: Any = None, *_: object, **__: object) -> Any:
    """What torch.compile becomes: the code as it is. Compiling would take longer than all that is asked."""
    return model if model is not None else lambda decorated: decorated


vars(torch)["compile"] = uncompiled
if "torch._dynamo" not in sys.modules:
    sys.modules["torch._dynamo"] = torch._dynamo = Dynamo("torch._dynamo")
torch.set_num_threads(1)


def use_once() -> None:
    """Train a small network once, so that what is set up at first use is set up here and not in every copy."""
    network = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    mean, log_std = network(torch.randn(3, 4)).chunk(2, dim=-1)
    normal = torch.distributions.Normal(mean, log_std.tanh().exp())
    drawn = normal.rsample()
    loss = F.mse_loss(drawn.tanh(), torch.zeros_like(drawn)) - normal.log_prob(drawn).sum(1, keepdim=True).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    with torch.no_grad():
        torch.min(mean, log_std).detach().numpy()


use_once()
# PyTorch seeds itself from the machine's entropy: from one state, the same code draws the same noise in every run
torch.manual_seed(0)
np.random.seed(0)
random.seed(0)
