"""The engine's own modules that a practical's files import, such as what practicals about agents share."""

import ast
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from autograder.errors import CourseError

ENGINE = Path(__file__).parent.parent


def engine_modules(files: Mapping[Path, str], but: Collection[str] = ()) -> list[tuple[str, str]]:
    """The engine's modules that these files import: name and source text, each after those that it imports itself.

    Modules of the rooms ``but`` are left out. CourseError names file and line of an import of what the engine has not,
    and of what is not Python.
    """
    found: dict[str, str] = {}
    for path, text in files.items():
        _add(path, text, but, found)
    return list(found.items())


def _add(path: Path, text: str, but: Collection[str], found: dict[str, str]) -> None:
    for name, line in _imported(parsed(path, text)):
        where = _file(name)
        if not where.exists():
            message = f"{path}, line {line}: the kit has no module {name} to be imported."
            raise CourseError(message, "Correct the import.")
        if name not in found and name.split(".")[1] not in but:
            source = where.read_text(encoding="utf-8")
            _add(where, source, but, found)
            found[name] = source


def parsed(path: Path, text: str) -> ast.Module:
    """The Python of one of the course's files; CourseError names the line where it is none."""
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError) as error:
        where = f"{path}, line {getattr(error, 'lineno', None) or 1}"
        raise CourseError(f"{where}: it is not Python: {error}.", "Correct the file.") from None


def _imported(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """The engine's modules that a file imports, and in which line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            parts = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name if _file(name).exists() else node.module for name in parts]
        else:
            continue
        yield from ((name, node.lineno) for name in dict.fromkeys(names) if name.startswith(f"{ENGINE.name}."))


def _file(name: str) -> Path:
    """Where the text of a module or of a package stands."""
    path = ENGINE.parent.joinpath(*name.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
