"""Formulas in a page as MathML, which browsers show without a script, a font or a network.

latex2mathml turns TeX into elements. It leaves what stands in a text as it is, and knows commands that link and style:
so only elements and attributes of an allow-list are kept, and all text is escaped here.
"""

import html
import re
from functools import lru_cache
from xml.etree.ElementTree import Element

from bs4 import BeautifulSoup
from bs4.element import NavigableString
from latex2mathml.converter import convert_to_element
from markupsafe import escape

LONGEST = 2_000  # characters of a formula; a longer one is shown as it was typed
DEEPEST = 60  # elements in each other
_ELEMENTS = frozenset(
    """math mrow mi mn mo ms mtext mspace mfrac msqrt mroot mstyle mpadded mphantom msub msup msubsup munder mover
    munderover mmultiscripts mprescripts none mtable mtr mtd menclose""".split()  # noqa: SIM905 - a list takes a page
)
_ATTRIBUTES = frozenset(
    """display displaystyle scriptlevel stretchy fence form separator accent accentunder mathvariant linethickness
    minsize maxsize width height depth lspace rspace rowspacing columnspacing columnalign linebreak""".split()  # noqa: SIM905
)
_FORMULA = re.compile(
    r"""(?<!\\)\$\$(?P<block>.+?)(?<!\\)\$\$
    |(?<![\\$])\$(?=\S)(?P<inline>[^$]+?)(?<![\\\s])\$(?![$\d])
    |\\begin\{(?P<name>equation|align|aligned|gather|gathered|multline|split)\*?\}(?P<body>.+?)\\end\{(?P=name)\*?\}""",
    re.DOTALL | re.VERBOSE,
)
_OTHER_NAMES = {r"{aligned}": "{align}", r"{gathered}": "{gather}"}  # environments that latex2mathml knows by others
_AS_TYPED = ("code", "pre", "math", "script", "style")


def with_formulas(soup: BeautifulSoup) -> None:
    """Replace the formulas in a page's text, outside of code; one that cannot be read stays as it was typed."""
    for text in soup.find_all(string=_FORMULA):
        if type(text) is NavigableString and not text.find_parent(_AS_TYPED):
            text.replace_with(BeautifulSoup(_FORMULA.sub(_shown, _escaped(str(text))), "html.parser"))


def _escaped(text: str) -> str:
    """Escaped, which changes nothing that a formula begins or ends with."""
    return str(escape(text))


def _shown(found: re.Match[str]) -> str:
    """A formula in a text that was escaped, as MathML, or as it was typed."""
    tex = next(part for part in (found["block"], found["inline"], found["body"]) if part is not None)
    if found["name"]:
        tex = f"\\begin{{{found['name']}}}{tex}\\end{{{found['name']}}}"
    return mathml(html.unescape(tex).strip(), found["inline"] is None) or found[0]


@lru_cache(1_000)  # the notebook's own formulas are in every page
def mathml(tex: str, block: bool) -> str:
    """A formula's MathML, a ``block`` of its own or within a line; empty where it cannot be read, or is too long."""
    if len(tex) > LONGEST:
        return ""
    for theirs, ours in _OTHER_NAMES.items():
        tex = tex.replace(theirs, ours)
    try:
        element = convert_to_element(tex, display="block" if block else "inline")
        made = _clean(element)
    except Exception:  # it tells faults of a formula in many ways, some of them IndexErrors
        return ""
    return f'<span class="wide" tabindex="0">{made}</span>' if block else made


def _clean(element: Element, depth: int = 0) -> str:
    """An element's text, with what is allowed of it; ValueError where it is too deep."""
    if depth > DEEPEST:
        raise ValueError("elements in elements in elements")
    inner = _text(element.text) + "".join(_clean(child, depth + 1) + _text(child.tail) for child in element)
    if element.tag not in _ELEMENTS:
        return inner
    kept = {name: value for name, value in element.attrib.items() if name in _ATTRIBUTES}
    attributes = "".join(f' {name}="{escape(value)}"' for name, value in kept.items())
    return f"<{element.tag}{attributes}>{inner}</{element.tag}>"


def _text(text: str | None) -> str:
    """Text in which latex2mathml wrote entities, escaped."""
    return str(escape(html.unescape(text or "")))
