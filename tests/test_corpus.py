"""Variants: what a corpus file may say, and the notebooks that come of it."""

import re
from collections import Counter
from pathlib import Path

import pytest
from nbformat import NotebookNode
from odd_cells import odd, practical_of, source_of

from autograder.authoring import fill
from autograder.course.practical import Practical
from autograder.errors import CourseError
from autograder.verification.corpus import Variant, load_corpus, variant_notebook

ODD = practical_of()
RIGHT = '[[variant]]\nid = "fine"\nverdict = "right"\nsummary = "another way"\n'
WRONG = '[[variant]]\nid = "off"\nverdict = "wrong"\nsummary = "one too many"\nloses = ["shift"]\n'
FILL = 'fills = { "shift.all" = "values, 1" }\n'


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return tmp_path / "corpus"


def load(folder: Path, *texts: str, notebook: NotebookNode | None = None) -> tuple[Variant, ...]:
    """The variants of a folder with one file for each text."""
    folder.mkdir(exist_ok=True)
    for number, text in enumerate(texts):
        (folder / f"{number}.toml").write_text(text, encoding="utf-8")
    return load_corpus([folder], ODD, notebook)


def refusal(folder: Path, *texts: str, notebook: NotebookNode | None = None) -> str:
    with pytest.raises(CourseError) as caught:
        load(folder, *texts, notebook=notebook)
    assert caught.value.next_step
    return f"{caught.value.message}\n{caught.value.next_step}"


# --- what is read


def test_a_variant_holds_what_its_entry_says(corpus: Path) -> None:
    (variant,) = load(corpus, f'{WRONG}{FILL}hint = "count again"\nsource = "a course"\nextra_cells = ["import math"]')
    assert variant == Variant(
        id="off",
        verdict="wrong",
        summary="one too many",
        path=corpus / "0.toml",
        fills={"shift.all": "values, 1"},
        extra_cells=("import math",),
        loses=("shift",),
        hint="count again",
        source="a course",
    )


def test_files_and_folders_are_read_in_order_and_each_file_once(corpus: Path) -> None:
    load(corpus, RIGHT + FILL, WRONG + FILL)
    second, first = corpus / "1.toml", corpus / "0.toml"
    assert [variant.id for variant in load_corpus([corpus], ODD)] == ["fine", "off"]
    assert [variant.id for variant in load_corpus([second, corpus, first], ODD)] == ["off", "fine"]


def test_the_notebook_of_a_variant_is_the_reference_with_its_fills(corpus: Path) -> None:
    entry = "cells.double = 'class Pair: pass'\nextra_cells = ['import math']\n"
    (variant,) = load(corpus, RIGHT + FILL + entry)
    notebook = variant_notebook(odd(), ODD, variant)
    assert "first, _ = rest = values, 1\n" in source_of(notebook, "shift")
    assert source_of(notebook, "double") == "class Pair: pass"
    assert notebook == fill(odd(), ODD, variant.fills, variant.cells, variant.extra_cells)


def test_a_variant_may_be_a_syntax_error_if_it_says_so(corpus: Path) -> None:
    entry = WRONG + 'fills."shift.step" = "for value in"\n'
    place = "0.toml, line 1: variant 'off': Cell 'shift' does not parse (line 4"
    assert place in refusal(corpus, entry, notebook=odd())
    (variant,) = load(corpus, f"{entry}parses = false", notebook=odd())
    assert "    for value in" in source_of(variant_notebook(odd(), ODD, variant), "shift")


# --- what is refused


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (RIGHT + "points = 3", "0.toml, line 1: variant 'fine': unknown keys: points"),
        (RIGHT + 'fills = { "shift.none" = "1" }', "0.toml, line 1: variant 'fine': unknown blank 'shift.none'"),
        (RIGHT + 'cells = { nowhere = "1" }', "0.toml, line 1: variant 'fine': unknown cell 'nowhere'"),
        (WRONG.replace("shift", "shifts") + FILL, "0.toml, line 1: variant 'off': unknown question 'shifts'"),
        (WRONG.replace('"shift"', '"shift", "shift"') + FILL, "'off': it names a question twice"),
        (RIGHT.replace('"right"', '"maybe"'), "0.toml, line 1: variant 'fine': unknown verdict 'maybe'"),
        (RIGHT.replace('id = "fine"', ""), "0.toml, line 1: variant 1: it has no id"),
        (RIGHT.replace("fine", ""), "0.toml, line 1: variant 1: it has no id"),
        (RIGHT.replace('verdict = "right"', ""), "0.toml, line 1: variant 'fine': it has no verdict"),
        (RIGHT.replace("another way", ""), "0.toml, line 1: variant 'fine': it has no summary"),
        (RIGHT.replace('"fine"', '"reference"'), "0.toml, line 1: variant 'reference': this id is the reference's own"),
        (RIGHT + RIGHT, "0.toml, line 5: variant 'fine': this id is taken by a variant in"),
        (RIGHT + FILL + 'cells.shift = "1"', "'fine': it fills 'shift.all' and replaces its cell, 'shift'"),
        (WRONG.replace('loses = ["shift"]', "") + FILL, "'off': it is wrong, but has no 'loses'"),
        (WRONG, "0.toml, line 1: variant 'off': it is wrong, but changes nothing"),
        (RIGHT + 'loses = ["shift"]', "0.toml, line 1: variant 'fine': it is right, and yet"),
        (RIGHT + 'hint = "hm"', "0.toml, line 1: variant 'fine': it is right, and yet"),
        (RIGHT.replace('"fine"', "3"), "0.toml, line 1: variant 1: 'id' is not a text"),
        (RIGHT + "fills = { shift = { all = 3 } }", "'fine': 'fills' is not a table of texts.\nWrite: fills = {"),
        (
            RIGHT + 'extra_cells = "import math"',
            "'fine': 'extra_cells' is not a list of texts.\nWrite: extra_cells = [",
        ),
        (RIGHT + "extra_cells = [1]", "'fine': 'extra_cells' is not a list of texts"),
        (RIGHT + 'parses = "no"', "'fine': 'parses' is not true or false"),
        ("variant = [1]", "0.toml: variant 1: it has no id"),
        ("[variant]", "0.toml holds no list of variants"),
        ("", "0.toml holds no list of variants"),
        (RIGHT + '[extra]\nid = "x"', "0.toml holds unknown keys at the top: extra"),
        ("[[variant", "0.toml cannot be read as TOML"),
    ],
)
def test_an_entry_that_is_amiss_is_refused_by_file_and_name(corpus: Path, text: str, words: str) -> None:
    assert words in refusal(corpus, text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (WRONG + 'fills = { "shift.all" = "1 +" }', "what it fills into 'shift.all' is not one expression"),
        (WRONG + 'fills = { "shift.all" = "1\\n    a = 2" }', "what it fills into 'shift.all' is not one expression"),
        (WRONG + 'fills = { "shift.all" = "1 +\\n2" }', "Cell 'shift' does not parse (line 3"),
        (WRONG + 'fills = { "double.block" = "" }\nparses = false', "it says 'parses = false', but every cell parses"),
        (WRONG + "cells = { shift = 'def shift(:' }", "Cell 'shift' does not parse (line 1"),
        (WRONG + "extra_cells = ['a = = 1']", "Cell 3 does not parse (line 1"),
    ],
)
def test_a_variant_that_does_not_parse_in_its_place_is_refused(corpus: Path, text: str, words: str) -> None:
    assert f"0.toml, line 1: variant 'off': {words}" in refusal(corpus, text, notebook=odd())


def test_the_same_id_in_two_files_is_refused_and_both_are_named(corpus: Path) -> None:
    message = refusal(corpus, RIGHT, RIGHT)
    assert "1.toml, line 1: variant 'fine'" in message
    assert "0.toml" in message


def test_paths_that_hold_no_variants_are_refused(corpus: Path) -> None:
    with pytest.raises(CourseError, match="There is no file or folder"):
        load_corpus([corpus], ODD)
    assert re.search("The folder .* holds no", refusal(corpus))


# --- the practical's own corpus


@pytest.fixture(scope="module")
def variants(sac: Practical) -> tuple[Variant, ...]:
    return load_corpus([sac.folder / "variants"], sac, sac.source)


def test_every_blank_of_the_practical_has_five_wrong_and_three_right_variants(
    sac: Practical, variants: tuple[Variant, ...]
) -> None:
    fills = Counter((variant.verdict, blank) for variant in variants for blank in variant.fills)
    for blank in sac.blanks:
        assert fills["wrong", blank] >= 5, blank
        assert fills["right", blank] >= 3, blank


def test_every_question_is_lost_by_some_variant_and_every_wrong_one_teaches(
    sac: Practical, variants: tuple[Variant, ...]
) -> None:
    lost = {question for variant in variants for question in variant.loses}
    assert lost >= {question.name for question in sac.questions if not question.end_to_end}
    assert [variant.id for variant in variants if variant.verdict == "wrong" and not variant.hint] == []


def test_no_two_variants_are_the_same_notebook(variants: tuple[Variant, ...]) -> None:
    def content(variant: Variant) -> tuple[object, ...]:
        return (*sorted(variant.fills.items()), *sorted(variant.cells.items()), *variant.extra_cells)

    twins = Counter(map(content, variants))
    assert [variant.id for variant in variants if twins[content(variant)] > 1] == []
