"""What a browser does with pages of texts that try to act in it.

    python -m benchmarks.browser

It needs Chromium. One page holds the payloads rendered as nbconvert renders them, as typed, to show that they work; the
next one holds all of them made harmless. Then a class is graded in which one student hands each payload in as a cell,
and each payload is a student's name, a hint, a repair and a fault: its feedback page, its autograded notebook as
formgrader shows it, and the class report are opened. A server on this machine counts the requests that come of them.
"""

import csv
import http.server
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

import nbformat
from markupsafe import escape
from nbconvert.exporters import HTMLExporter
from nbconvert.filters.markdown_mistune import markdown2html_mistune

from autograder.grading.store import keep
from autograder.nbgrader.sanitise import harmless
from autograder.records import QuestionResult, Status, SubmissionResult
from autograder.reports.tables import UNSEEN

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from small_course import NAME, cell_of, hand_in, handed_in, run, small_course

LISTED = 14  # of a kind in the class report
FEW = 5  # tags that are shown as typed
ACT = "void(document.title+='RAN')"
SPELLINGS = (
    "javascript:{act}",
    "JaVaScRiPt:{act}",
    "&#106;avascript:{act}",
    "&#x6A;avascript:{act}",
    "&#0000106avascript:{act}",
    "javascript&colon;{act}",
    "javascript&#58;{act}",
    "javascript\\:{act}",
    "java&Tab;script:{act}",
    "java&NewLine;script:{act}",
    "java\tscript:{act}",
    "&#1;javascript:{act}",
    " javascript:{act}",
    "vbscript&#58;{act}",
    "data:text/html,<script>{act}</script>",
    "data&colon;text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==",
    "data:image/svg+xml,<svg onload={act}>",
    "//{host}/a",
    "/relative",
)
FORMS = (
    *("[a]({})", "[a](<{}>)", "![a]({})", "[a][k]\n\n[k]: {}", "[k]\n\n[k]: <{}>", "|a|\n|-|\n|[a]({})|"),
    "<b>a</b>\n\n```\n \n[a]({})\n```",  # a line of spaces, which ends a block of HTML as an empty one does
    "<b>a</b>\n\n```\n\x0c\n[a]({})\n```",
)
RAW = (
    "<script>{act}</script>",
    "<ScRiPt src=http://{host}/b></sCrIpT>",
    "<img src=x onerror={act}>",
    "<img src='http://{host}/c'>",
    "![picture](http://{host}/d.png)",
    "![picture][p]\n\n[p]: http://{host}/e.png",
    "<svg/onload={act}>",
    "<svg><script>{act}</script></svg>",
    "<math><mtext></form><form><mglyph><style></math><img src=x onerror={act}>",
    "<iframe srcdoc='<script>parent.{act}</script>'></iframe>",
    "<iframe src=http://{host}/f></iframe>",
    "<object data=http://{host}/g></object>",
    "<embed src=http://{host}/h>",
    "<link rel=stylesheet href=http://{host}/i>",
    "<style>body{{background:url(http://{host}/j)}}</style>",
    "<p style='background:url(http://{host}/k)'>x</p>",
    "<base href=http://{host}/>",
    "<meta http-equiv=refresh content='0;url=http://{host}/l'>",
    "<form action=javascript:{act}><button autofocus onfocus={act}>x</button></form>",
    "<details open ontoggle={act}>x</details>",
    "<video poster=http://{host}/m><source onerror={act}></video>",
    "<body onload={act}>",
    "<noscript><p title='</noscript><img src=x onerror={act}>'>",
    "<a href='javascript:{act}' autofocus onfocus={act}>x</a>",
    "$\\href{{javascript:{act}}}{{x}}$",
    "$\\h&#114;ef{{javascript:{act}}}{{x}}$",
    "$\\require{{html}}\\style{{background:url(http://{host}/n)}}{{x}}$",
    "```\n</pre><script>{act}</script>\n```",
    "`</code><script>{act}</script>`",
    "<!--><script>{act}</script>-->",
    "<template><script>{act}</script></template>",
    "<x onclick={act} tabindex=1 autofocus onfocus={act}>y</x>",
    "<isindex type=image src=http://{host}/o onerror={act}>",
    "<input autofocus onfocus={act}>",
    "<marquee onstart={act}>x</marquee>",
    "<table background=http://{host}/p><tr><td>x</td></tr></table>",
    "<https://{host}/q onmouseover={act}>",
    "[a](https://x.org 'title\" onmouseover={act} x=\"')",
    '![a" onerror={act} x="](x.png)',
    "<div>\n\n<script>{act}</script>\n\n</div>",
)


def payloads(host: str) -> list[str]:
    """All texts; those that load something load it from that host."""
    links = [form.format(spelling) for form in FORMS for spelling in SPELLINGS]
    host = host.removeprefix("http://")
    return [
        text.replace("{act}", ACT).replace("{host}", host).replace("{{", "{").replace("}}", "}") for text in links
    ] + [text.format(act=ACT, host=host) for text in RAW]


class _Counting(http.server.BaseHTTPRequestHandler):
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_error(404)

    def log_message(self, *_: object) -> None:
        pass


def page_of(texts: Sequence[str]) -> str:
    """A page of these texts, rendered."""
    return f"<!doctype html><title>page</title>{''.join(map(markdown2html_mistune, texts))}"


def shown(browser: str, page: str) -> tuple[bool, list[str]]:
    """Whether a payload acted, by itself or as a link that is clicked, and what was asked for over the network."""
    acts = "if (a.protocol == 'javascript:') a.click(); else document.title += 'RAN'"  # others would leave the page
    inert = "['http:', 'https:', 'mailto:', 'file:'].includes(a.protocol)"
    clicks = f"<script>for (const a of document.links) if (!{inert}) {{ {acts} }}</script>"
    before, end, after = page.rpartition("</body>")
    _Counting.asked.clear()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "page.html"
        path.write_text(f"{before}{clicks}{end}{after}" if end else page + clicks, encoding="utf-8")
        words = ["--headless=new", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=3000", "--dump-dom"]
        command = [browser, *words, f"--user-data-dir={folder}/profile", path.as_uri()]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)  # noqa: S603
    return "RAN</title>" in done.stdout, list(_Counting.asked)


def reported(root: Path, texts: Sequence[str]) -> str:
    """The report of a class in which names, hints, repairs and faults hold all texts, several in each."""
    together = ["\n".join(texts[first::LISTED]) for first in range(LISTED)]
    rows = [[f"{kind}{number}", text, text, ""] for number, text in enumerate(together) for kind in "ab"]
    with (root / "students.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["id", "first name", "last name", "email"], *rows])
    (root / "course.toml").write_text('students = "students.csv"\n', encoding="utf-8")
    for name, text, *_ in rows:
        hand_in(root, name, "{}")
        wrong = QuestionResult("double", 0, 2, Status.WRONG, remark=text, checks=(), hint=text)
        broken = SubmissionResult(name, NAME, fault=text)
        keep(root / "results" / NAME, broken if name[0] == "a" else SubmissionResult(name, NAME, (wrong,), (text,)))
    page = written(root / "results" / NAME / "report.html", "report", root)
    printed = [UNSEEN.sub("\N{REPLACEMENT CHARACTER}", text) for text in texts]
    assert all(str(escape(text)) in page for text in printed), "the report does not show every text"
    return page


def written(path: Path, *words: str | Path) -> str:
    """A page that a command of the kit writes."""
    done = run(words[0], "--course", *words[1:])
    if not path.exists():
        raise SystemExit(done.output)
    return path.read_text(encoding="utf-8")


def pages(folder: Path, texts: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The kit's own pages of these texts, by name."""
    root = small_course(folder / "course")
    made = handed_in(root, answer="\n\n".join(texts))
    cell_of(made, "double").source = "def double(x):\n    raise ValueError('<script>' + " + repr(texts[0]) + ")"
    made.cells += [nbformat.v4.new_markdown_cell(text) for text in texts]
    hand_in(root, "eve", made)
    yield "feedback", written(root / "feedback/eve" / NAME / f"{NAME}.html", "grade", root)
    autograded = nbformat.read(root / "autograded/eve" / NAME / f"{NAME}.ipynb", as_version=4)
    yield "autograded", HTMLExporter().from_notebook_node(autograded)[0]
    yield "class report", reported(root, texts)


def main() -> int:
    """Print what happened; exit code 1 if a harmless page acted."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        print("Chromium was not found: apt install chromium")
        return 2
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Counting)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    texts = payloads(f"http://127.0.0.1:{server.server_port}")
    held = True
    some = [*texts[: len(SPELLINGS)], *texts[-len(RAW) :][:FEW]]  # of all together some hide the others
    clean = page_of([harmless(text) for text in texts])
    with tempfile.TemporaryDirectory() as folder:
        kinds = [("as typed", page_of(some)), ("made harmless", clean), *pages(Path(folder), texts)]
    for name, page in kinds:
        ran, asked = shown(browser, page)
        count = len(some if name == "as typed" else texts)
        print(f"{count} texts, {name}: a script ran: {'yes' if ran else 'no'}; requests: {len(set(asked))}")
        held = held and (ran, bool(asked)) == ((True, True) if name == "as typed" else (False, False))
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
