"""What stands in place of what plots, logs or is IPython's own, and modules that a notebook wrote beside itself."""

import importlib
import importlib.abc
import importlib.machinery
import os
import sys
import types
from collections.abc import Iterator, Sequence
from typing import Any


class NotRunWhenMarked:
    """Whatever is done with it does nothing; as a decorator it leaves a function as it is. It is empty and false.

    An error that comes of it bears its name.
    """

    __array_ufunc__ = None  # or NumPy would take it for an empty list of numbers

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return NotRunWhenMarked()

    def __call__(self, *given: object, **others: object) -> Any:
        """Do nothing."""
        return given[0] if len(given) == 1 and not others and callable(given[0]) else NotRunWhenMarked()

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __getitem__(self, _: object) -> Any:
        return NotRunWhenMarked()

    def __setitem__(self, _: object, __: object) -> None:
        pass

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        pass


def find_modules(quiet: Sequence[str]) -> None:
    """Have Python find what a notebook wrote beside itself, and the ``quiet`` modules, which plot or log.

    A quiet module is the real one where it is installed, unless it is a part of another package.
    """
    parts, whole = ([name for name in quiet if ("." in name) == inside] for inside in (True, False))
    sys.meta_path[:0] = [QuietFinder(parts)]
    sys.meta_path += [WrittenFinder(), QuietFinder(whole)]


class QuietModule(types.ModuleType):
    """A module of which every name is ``NotRunWhenMarked``."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return NotRunWhenMarked()


class QuietFinder(importlib.abc.Loader):
    """Makes modules of these names, and all that is in them, quiet."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names

    def find_spec(self, name: str, *_: object) -> importlib.machinery.ModuleSpec | None:
        """Python's own protocol for finders."""
        if not any(name == each or name.startswith(f"{each}.") for each in self.names):
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        """Python's own protocol for loaders."""
        return QuietModule(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        """Nothing has to be run."""


class WrittenFinder:
    """Finds modules in the working folder, behind all others, however short a time ago they were written."""

    @staticmethod
    def find_spec(name: str, path: object = None, _: object = None) -> importlib.machinery.ModuleSpec | None:
        """Python's own protocol for finders."""
        if path is not None:
            return None
        importlib.invalidate_caches()
        return importlib.machinery.PathFinder.find_spec(name, [os.getcwd()])
