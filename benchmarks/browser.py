"""What a browser does with a page of texts that try to act in it, as feedback and formgrader show them.

    python -m benchmarks.browser

It needs Chromium. The page holds every payload, rendered as nbconvert renders it, once as typed (to show that the
payloads work) and once made harmless. A server on this machine counts the requests that the browser sends to it.
"""

import http.server
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from nbconvert.filters.markdown_mistune import markdown2html_mistune

from autograder.nbgrader.sanitise import harmless

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


def shown(browser: str, texts: Sequence[str]) -> tuple[bool, list[str]]:
    """Whether a script ran in a page of these texts, and what was asked for over the network."""
    inert = "/^(http|https|mailto|file):/.test(a.href)"
    clicks = f"<script>for (const a of document.links) if (!{inert}) a.click()</script>"
    page = f"<!doctype html><title>page</title>{''.join(map(markdown2html_mistune, texts))}{clicks}"
    _Counting.asked.clear()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "page.html"
        path.write_text(page, encoding="utf-8")
        words = ["--headless=new", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=3000", "--dump-dom"]
        command = [browser, *words, f"--user-data-dir={folder}/profile", path.as_uri()]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)  # noqa: S603
    return "RAN</title>" in done.stdout, list(_Counting.asked)


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
    for name, made in (("as typed", some), ("made harmless", [harmless(text) for text in texts])):
        ran, asked = shown(browser, made)
        print(f"{len(made)} texts, {name}: a script ran: {'yes' if ran else 'no'}; requests: {len(set(asked))}")
        held = held and (ran or bool(asked)) == (name == "as typed")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
