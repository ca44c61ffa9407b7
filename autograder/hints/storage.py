"""The file of known mistakes: of each only what is not right, every path and every text once, numbers cut short."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from autograder.files import write_atomically
from autograder.grading.dependencies import digest
from autograder.hints.places import Spot
from autograder.hints.recognise import Known, KnownMistake, Signatures
from autograder.hints.signatures import Leaf, Signature

FORMAT = 3
DIGITS = 5  # of each number that is not right; answers are compared to a relative 2e-4
TEXTS = ("id", "hint", "kind")  # of a mistake


def save(path: Path, known: Known) -> None:
    """Write the known mistakes. The same mistakes give the same bytes."""
    by_question = {name: tuple(each for each in known.mistakes if each.question == name) for name in known.right}
    alone = {name: Known({name: known.right[name]}, found) for name, found in by_question.items()}
    write_atomically(path, _text(known, {name: digest(_text(each, {})) for name, each in alone.items()}))


def _text(known: Known, digests: Mapping[str, str]) -> str:
    """What is written of known mistakes."""
    table = _Table()
    lines: list[str] = []
    answers: dict[tuple[str, str], int] = {}
    places: dict[Spot, int] = {}
    for each in known.mistakes:
        told = [table.number(getattr(each, name)) for name in TEXTS]
        apart = json.dumps(_apart_of_all(each, known, table), sort_keys=True, separators=(",", ":"))
        number = answers.setdefault((each.question, apart), len(answers))
        place = places.setdefault(each.place, len(places)) if each.place else None
        lines.append(json.dumps([*told, each.fills, [*each.alike], place, number], separators=(",", ":")))
    content = {
        "format": FORMAT,
        "fingerprint": known.fingerprint,
        "digests": digests,
        "right": known.right,
        "texts": list(table.numbers),
        "places": [[each.function, each.line, each.words, each.area] for each in places],
    }
    found = [f'["{question}",{apart}]' for question, apart in answers]
    head = json.dumps(content, sort_keys=True, separators=(",", ":"))
    parts = [head[:-1], ',\n"answers":[\n', ",\n".join(found), '\n],\n"mistakes":[\n', ",\n".join(lines), "\n]}\n"]
    return "".join(parts)


def read(path: Path) -> Known | None:
    """The known mistakes that were written; None if there is no file, or one of another form."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["format"] != FORMAT:
            return None
        texts = data["texts"]
        right = {name: {key: _tuples(it) for key, it in asks.items()} for name, asks in data["right"].items()}
        answers = [(question, _joined_of_all(right.get(question, {}), it, texts)) for question, it in data["answers"]]
        places = [Spot(name, line, words, tuple(area)) for name, line, words, area in data["places"]]
        mistakes = tuple(_mistake(item, texts, places, answers) for item in data["mistakes"])
        return Known(right, mistakes, str(data["fingerprint"]), data["digests"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError):
        return None


class _Table:
    """Texts by number, in the order in which they came."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def number(self, text: str) -> int:
        return self.numbers.setdefault(text, len(self.numbers))


def _apart_of_all(mistake: KnownMistake, known: Known, table: _Table) -> dict[str, list[Any]]:
    usual = known.right.get(mistake.question, {})
    return {
        str(table.number(key)): _apart(mistake.signatures[key], usual.get(key, {}), table)
        for key in sorted(mistake.signatures)
    }


def _apart(one: Signature, usual: Signature, table: _Table) -> list[Any]:
    """What differs from the usual signature, path after path with its leaf; null where it holds nothing."""
    differing = {path: leaf for path, leaf in one.items() if path not in usual or leaf != usual[path]}
    gone = dict.fromkeys(usual.keys() - one.keys())
    return [part for path, leaf in sorted({**differing, **gone}.items()) for part in (table.number(path), _short(leaf))]


def _short(leaf: Leaf | None) -> Any:
    return [float(f"{each:.{DIGITS - 1}e}") for each in leaf] if isinstance(leaf, tuple) else leaf


def _joined_of_all(
    usual: Mapping[str, Signature], apart: Mapping[str, Sequence[Any]], texts: Sequence[str]
) -> dict[str, Signature]:
    return {texts[int(key)]: _joined(usual.get(texts[int(key)], {}), it, texts) for key, it in apart.items()}


def _joined(usual: Signature, apart: Sequence[Any], texts: Sequence[str]) -> Signature:
    other = {texts[path]: leaf for path, leaf in zip(apart[::2], apart[1::2], strict=True)}
    return _tuples({path: leaf for path, leaf in {**usual, **other}.items() if leaf is not None})


def _tuples(found: Mapping[str, Any]) -> dict[str, Leaf]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in found.items()}


def _mistake(
    item: Sequence[Any], texts: Sequence[str], places: Sequence[Spot], answers: Sequence[tuple[str, Signatures]]
) -> KnownMistake:
    named = dict(zip(TEXTS, (texts[number] for number in item[: len(TEXTS)]), strict=True))
    fills, alike, place, number = item[len(TEXTS) :]
    question, signatures = answers[number]
    return KnownMistake(
        question=question,
        signatures=signatures,
        fills=fills,
        alike=tuple(alike),
        place=None if place is None else places[place],
        **named,
    )
