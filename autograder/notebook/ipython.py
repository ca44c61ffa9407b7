"""What IPython adds to Python (magics, shell lines, help, prompts), taken out of a cell's text without moving a line.

It follows IPython's ``inputtransformer2``, but reads every line once.
"""

import re
import textwrap

_LANGUAGES = (
    "bash sh script sx system ! cmd shell html HTML svg SVG javascript js latex markdown perl ruby python2 pypy"
)
_OTHERS = "python python3 writefile file cython R sql bigquery julia rust cpp skip"
OTHER_LANGUAGES = frozenset(
    (*_LANGUAGES.split(), *_OTHERS.split())
)  # what follows these is none of this notebook's code
KNOWN = frozenset(("time", "timeit", "capture", "prun"))  # what follows them is Python all the same
CALL = "get_ipython()"  # what stands in place of IPython's own

_IN = r"(?:\[(?:nav|ins)\] )?In \[\d+\]: "
_PROMPT = re.compile(rf"\s*(?:>>>(?: |$)|{_IN})", re.M)
_PROMPTS = re.compile(rf"^[ \t]*(?:(?:>>>|\.\.\.)(?: |$)|{_IN}|\.{{3,}}: ?)", re.M)
_COMMAND = re.compile(r"\s*(?=[%!?,;/])")
_ASSIGNED = re.compile(r"(?:[^=#'\"]|\"[^\"\\]*\"|'[^'\\]*')+=[ \t]*(?=%[ \t]*[^\W\d]|!)")
_MAGIC = re.compile(r"%%(?!\w+\?)(!|\w*)")
_TIMED = re.compile(r"([ \t]*)%(?:time|prun)[ \t]+(?=[^-\s])")  # a line magic that runs the Python that follows it
_FILE = re.compile(r"%%(?:writefile|file)[ \t]+(-a[ \t]+|--append[ \t]+)?(\S.*)")
_RUN = re.compile(r"([ \t]*)%run[ \t]+(?:-i[ \t]+)?([\w./-]+\.py)[ \t]*\Z")
_HELP = re.compile(r"[\w*\]]\?{1,2}\Z")
_NEXT = re.compile(r"\"\"\"|'''|[\"'#(\[{)\]}]")
_ENDS = {quote: re.compile(rf"(?:\\.|[^\\])*?{quote}") for quote in ("'''", '"""', "'", '"')}


def has_prompt(text: str) -> bool:
    """Whether it was copied with IPython's or Python's prompt; IPython's would pass for an annotation."""
    return _PROMPT.match(text) is not None


def cell_magics(text: str) -> list[str]:
    """The names of the cell magics at the top of a cell, without their percent signs: they can be stacked."""
    found: list[str] = []
    for line in text.split("\n"):
        if magic := _MAGIC.match(line):
            found.append(magic[1])
        elif line.strip():
            break
    return found


def without_ipython(text: str) -> str:
    """The text with ``CALL`` where IPython's own stood, and empty lines where that took more than one.

    What follows a cell magic is taken for Python unless it is known to be in another language.
    """
    text = textwrap.dedent(text)
    lines = (_PROMPTS.sub("", text) if has_prompt(text) else text).split("\n")
    if file := _written(lines):
        return file
    if not OTHER_LANGUAGES.isdisjoint(cell_magics("\n".join(lines))):
        return "\n" * (len(lines) - 1)
    for number, line in enumerate(lines):
        if line.strip() and not line.startswith("%%"):
            break
        lines[number] = ""
    return "\n".join(_without_commands(lines))


def _written(lines: list[str]) -> str:
    """Python that writes the file which a cell under %%writefile writes; empty if the cell is no such one."""
    first = next((number for number, line in enumerate(lines) if line.strip() and not _MAGIC.match(line)), len(lines))
    found = [(number, magic) for number, line in enumerate(lines[:first]) if (magic := _FILE.match(line))]
    if not found:
        return ""
    number, magic = found[0]
    mode, name, text = "a" if magic[1] else "w", magic[2].strip().strip("\"'"), "\n".join(lines[number + 1 :])
    statement = f"open({name!r}, {mode!r}, encoding='utf-8').write({text + chr(10)!r})"
    return "\n" * number + statement + "\n" * (len(lines) - number - 1)


def _without_commands(lines: list[str]) -> list[str]:
    kept: list[str] = []
    quote, depth, goes_on = "", 0, False  # within a string, within brackets, after a backslash
    while len(kept) < len(lines):
        line = lines[len(kept)]
        begins = not (quote or depth or goes_on)
        if begins and (found := _TIMED.match(line)):
            lines[len(kept)] = line = found[1] + line[found.end() :]
        if begins and (found := _RUN.match(line)):
            lines[len(kept)] = line = f"{found[1]}exec(open({found[2]!r}, encoding='utf-8').read())"
        if begins and (found := _COMMAND.match(line) or _ASSIGNED.match(line)):
            kept.append(found.group() + CALL)
            while lines[len(kept) - 1].endswith("\\") and len(kept) < len(lines):
                kept.append("")
            continue
        quote, depth, comment = _after(line, quote, depth)
        goes_on = not (quote or comment) and line.endswith("\\")
        asks = begins and not (quote or depth or comment) and _HELP.search(line.rstrip())
        kept.append(line[: len(line) - len(line.lstrip())] + CALL if asks else line)
    return kept


def open_after(line: str, quote: str, depth: int) -> tuple[str, int]:
    """The string and the number of brackets that are open after the line, given those that were before."""
    return _after(line, quote, depth)[:2]


def _after(line: str, quote: str, depth: int) -> tuple[str, int, bool]:
    """The string and the brackets that are open after the line, and whether it ends with a comment."""
    place = 0
    while found := (_ENDS[quote].match(line, place) if quote else _NEXT.search(line, place)):
        place, mark = found.end(), found.group()
        if quote:
            quote = ""
        elif mark == "#":
            return "", depth, True
        elif mark in "([{":
            depth += 1
        elif mark in ")]}":
            depth = max(depth - 1, 0)
        else:
            quote = mark
    return quote if len(quote) == 3 or line.endswith("\\") else "", depth, False
