"""One ask of the student's process, as far as it decides the answer: the same ask is put only once."""

import hashlib
import sys
from collections.abc import Mapping
from functools import partial

import numpy as np

from autograder.errors import CheckError
from autograder.judging.checks import MakeHandler, Value
from autograder.student import wire


def digest_of(probe: str, values: Mapping[str, Value], make: MakeHandler | None) -> str:
    """The same for the same ask, on every machine. CheckError where a value or the handler is not fit for one."""
    said = [probe, dict(values), _in_words(make)] if make else [probe, dict(values)]
    try:
        return hashlib.sha256(wire.pack(said)).hexdigest()
    except wire.WireError as error:
        raise CheckError(f"what {probe!r} is asked with cannot be sent: {error}.", "Ask with less.") from error


def _in_words(make: MakeHandler) -> str:
    """What a handler is made from: the class or function, and what it is called with."""
    made, given, named = make, (), {}
    if isinstance(make, partial):
        made, given, named = make.func, make.args, make.keywords
    name = getattr(made, "__qualname__", type(made).__qualname__)
    with np.printoptions(threshold=sys.maxsize, floatmode="unique"):
        words = f"{name}({given!r}, {sorted(named.items())!r})"
    # two functions made in one place have one name, whatever they hold
    if " at 0x" in words or "<locals>" in name or not hasattr(made, "__qualname__"):
        message = f"the handler {name} is not known by a name and plain values, so its answers could not be kept."
        step = (
            "Write it as a class or a function at the top of the file, and hand it over as partial(Script, 1): with"
            " numbers, texts, arrays, or dataclasses of them."
        )
        raise CheckError(message, step)
    return words
