"""The report's pictures, as SVG that needs no script and no network; each has words for those who do not see it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from markupsafe import Markup

WIDTH, HEIGHT = 400, 200  # as wide as a phone, so that nothing is out of sight and words can be read
LEFT, RIGHT, TOP, BOTTOM = 40, 12, 18, 36
BAR, BAND, LINE, WEAK, INK, GRID = "#2a5d9f", "#cfe3d4", "#7a8794", "#b3161f", "#3b444d", "#dfe4e9"
FULL, SOME, NONE, UNTRIED = "#1a7f37", "#d4a72c", "#b3161f", "#c3c9d0"


def _svg(words: str, *parts: str, height: int = HEIGHT) -> Markup:
    """A picture; ``words`` say what it shows. All text in it is escaped, and all numbers are the kit's own."""
    head = Markup('<svg role="img" aria-label="{}" viewBox="0 0 {} {}"{}>').format(
        words, WIDTH, height, Markup(' preserveAspectRatio="none"') if height < HEIGHT else ""
    )
    return Markup("").join([head, *map(Markup, parts), Markup("</svg>")])


def _text(x: float, y: float, words: str, anchor: str = "middle") -> str:
    markup = '<text x="{:.1f}" y="{:.1f}" text-anchor="{}" font-size="12" fill="{}">{}</text>'
    return str(Markup(markup).format(x, y, anchor, INK, words))  # noqa: S704 - format escapes


def _rect(x: float, y: float, width: float, height: float, colour: str) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{colour}"/>'


def _level(y: float) -> str:
    return f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="{GRID}"/>'


def histogram(bins: Sequence[Mapping[str, Any]]) -> Markup:
    """How many have how many points."""
    most = max((each["count"] for each in bins), default=0) or 1
    step = (WIDTH - LEFT - RIGHT) / max(len(bins), 1)
    parts = [_level(HEIGHT - BOTTOM)]
    for n, each in enumerate(bins):
        high = (HEIGHT - TOP - BOTTOM) * each["count"] / most
        x, y = LEFT + n * step, HEIGHT - BOTTOM - high
        parts += [_rect(x + 2, y, step - 4, high, BAR), _text(x + step / 2, y - 4, str(each["count"]))]
        parts.append(_text(x, HEIGHT - BOTTOM + 16, f"{each['from']:g}"))
    parts.append(_text(WIDTH - RIGHT, HEIGHT - BOTTOM + 16, f"{bins[-1]['to']:g}" if bins else "", "end"))
    parts.append(_text(WIDTH / 2, HEIGHT - 4, "points"))
    said = ", ".join(f"{each['from']:g} to {each['to']:g}: {each['count']}" for each in bins)
    return _svg(f"Students by points. {said}.", *parts)


def shares(question: Mapping[str, Any]) -> Markup:
    """One question: how many earned all, some and no points, and how many did not try."""
    kinds = (
        ("all", "full", FULL),
        ("some", "some", SOME),
        ("none", "none", NONE),
        ("not tried", "not_attempted", UNTRIED),
    )
    whole = sum(question[key] for _, key, _ in kinds) or 1
    parts, x = [], 0.0
    for _, key, colour in kinds:
        width = WIDTH * question[key] / whole
        parts.append(_rect(x, 0, width, 22, colour))
        x += width
    said = ", ".join(f"{name}: {question[key]}" for name, key, _ in kinds)
    return _svg(f"Points for {question['question']}. {said}.", *parts, height=22)


def curves(figures: Mapping[str, Any]) -> Markup:
    """Everyone's learning curve, over the band of those with full marks."""
    lines, band, steps = figures["lines"], figures["band"], figures["steps"]
    values = [value for line in lines for value in line["values"]] + [value for edge in band for value in edge]
    low, high = min(values), max(values)
    span, last = (high - low) or 1.0, steps[-1] or 1

    def path(points: Iterable[float], reverse: bool = False) -> str:
        across, down = (WIDTH - LEFT - RIGHT) / last, (HEIGHT - TOP - BOTTOM) / span
        pairs = zip(steps, points, strict=True)
        places = [f"{LEFT + across * step:.0f},{TOP + down * (high - value):.0f}" for step, value in pairs]
        return " ".join(reversed(places) if reverse else places)

    shown = ",.0f" if high >= 100 else ".3g"
    parts = [_level(TOP + (HEIGHT - TOP - BOTTOM) * part) for part in (0, 0.5, 1)]
    parts += [
        _text(LEFT - 6, TOP + (HEIGHT - TOP - BOTTOM) * part + 4, f"{high - span * part:{shown}}", "end")
        for part in (0, 0.5, 1)
    ]
    if band:
        parts.append(f'<polygon points="{path(band[1])} {path(band[0], reverse=True)}" fill="{BAND}"/>')
    for line in sorted(lines, key=lambda each: each["status"] != "right"):
        weak = line["status"] != "right"
        look = f'stroke="{WEAK if weak else LINE}" stroke-width="{1.4 if weak else 1}" stroke-opacity="0.4"'
        dashes = ' stroke-dasharray="5 3"' if weak else ""
        parts.append(f'<polyline points="{path(line["values"])}" fill="none" {look}{dashes}/>')
    parts += [_text(LEFT, HEIGHT - BOTTOM + 16, "0"), _text(WIDTH - RIGHT, HEIGHT - BOTTOM + 16, f"{last:,}", "end")]
    parts += [_text(WIDTH / 2, HEIGHT - 4, figures["step_name"]), _text(LEFT, 12, figures["value_name"], "start")]
    weak = sum(line["status"] != "right" for line in lines)
    axes = f"{figures['value_name']} by {figures['step_name']}"
    words = f"{axes} of {len(lines)} students, {weak} of them without full marks."
    return _svg(words, *parts)
