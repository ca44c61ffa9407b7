"""Repairing a submission's structure: from a notebook to a repaired one, and a list of repairs in words.

The release says which cells there are. Cells that were merged are cut, cells that were split are joined; then each of
the release's is looked for by what it defines, by its text, by its ids, by likeness and by place. What is found gets
the release's metadata and place back, and locked cells get their text back. What was to be filled in and is not there
stays missing; the student's own cells stay where they are, but for answers beside an answer cell that was left open.
"""

from nbformat import NotebookNode

from autograder.course.practical import Practical
from autograder.repair.answers import gather
from autograder.repair.cells import models_of
from autograder.repair.cutting import cut
from autograder.repair.joining import join
from autograder.repair.layout import give_ids, intact, normal
from autograder.repair.matching import match
from autograder.repair.order import in_order
from autograder.repair.restoring import drop_copies, restore


def repair(notebook: NotebookNode, release: NotebookNode, practical: Practical) -> tuple[NotebookNode, list[str]]:
    """A repaired copy of a notebook that was read, and what was repaired, in words; intact cells stay as they were."""
    models = models_of(release, practical)
    story: list[str] = []
    mended, pieces = normal(notebook, release, story)
    if not intact(pieces, models):
        pieces = join(cut(pieces, models, story), models, story)
        match(pieces, models)
        pieces = drop_copies(pieces, models, story)
        pieces = in_order(pieces, models, story)
        pieces = restore(pieces, story)
    give_ids(pieces, story)
    mended.cells = [piece.node for piece in pieces]
    gather(mended, release, models, story)
    return mended, story
