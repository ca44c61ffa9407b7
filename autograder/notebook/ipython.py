"""What IPython adds to Python (magics, shell lines, help, prompts), taken out of a cell's text without moving a line.

It follows IPython's ``inputtransformer2``, but reads every line once.
"""

import re
import textwrap

PYTHON_MAGICS = ("%%time", "%%timeit", "%%capture", "%%prun")  # what follows them is Python all the same
CALL = "get_ipython()"  # what stands in place of IPython's own

_IN = r"(?:\[(?:nav|ins)\] )?In \[\d+\]: "
_PROMPT = re.compile(rf"\s*(?:>>>(?: |$)|{_IN})", re.M)
_PROMPTS = re.compile(rf"^[ \t]*(?:(?:>>>|\.\.\.)(?: |$)|{_IN}|\.{{3,}}: ?)", re.M)
_COMMAND = re.compile(r"\s*(?=[%!?,;/])")
_ASSIGNED = re.compile(r"(?:[^=#'\"]|\"[^\"\\]*\"|'[^'\\]*')+=[ \t]*(?=%[ \t]*[^\W\d]|!)")
_HELP = re.compile(r"[\w*\]]\?{1,2}\Z")
_NEXT = re.compile(r"\"\"\"|'''|[\"'#(\[{)\]}]")
_ENDS = {quote: re.compile(rf"(?:\\.|[^\\])*?{quote}") for quote in ("'''", '"""', "'", '"')}


def has_prompt(text: str) -> bool:
    """Whether it was copied with IPython's or Python's prompt; IPython's would pass for an annotation."""
    return _PROMPT.match(text) is not None


def without_ipython(text: str) -> str:
    """The text with ``CALL`` where IPython's own stood, and empty lines where that took more than one."""
    text = textwrap.dedent(text)
    lines = (_PROMPTS.sub("", text) if has_prompt(text) else text).split("\n")
    for number, line in enumerate(lines):
        if re.match(r"%%(?!\w+\?)", line) and line.split()[0] not in PYTHON_MAGICS:
            return "\n" * (len(lines) - 1)  # another language
        if line.strip() and not line.startswith("%%"):
            break
        lines[number] = ""
    return "\n".join(_without_commands(lines))


def _without_commands(lines: list[str]) -> list[str]:
    kept: list[str] = []
    quote, depth, goes_on = "", 0, False  # within a string, within brackets, after a backslash
    while len(kept) < len(lines):
        line = lines[len(kept)]
        begins = not (quote or depth or goes_on)
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
