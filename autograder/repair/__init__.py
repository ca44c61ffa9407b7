"""Repairing a submission's structure: from a notebook to a repaired one, and a list of repairs in words.

The release says which cells there are. Cells that were merged are cut, cells that were split are joined; then each of
the release's is looked for by what it defines, by its text, by its ids, by likeness and by place. What is found gets
the release's metadata and place back, and locked cells get their text back. What was to be filled in and is not there
stays missing; the student's own cells stay where they are.
"""

import copy

from nbformat import NotebookNode

from autograder.course.practical import Practical
from autograder.repair.cells import Story, models_of
from autograder.repair.cutting import cut
from autograder.repair.joining import join
from autograder.repair.layout import give_ids, intact, normal
from autograder.repair.matching import match
from autograder.repair.order import complete, in_order
from autograder.repair.restoring import drop_copies, restore


def repair(notebook: NotebookNode, release: NotebookNode, practical: Practical) -> tuple[NotebookNode, list[str]]:
    """A repaired copy of the notebook and what was repaired, in words; an intact notebook comes back as it was."""
    models = models_of(release, practical)
    if intact(notebook, models, release):
        return copy.deepcopy(notebook), []
    story = Story()
    mended, pieces = normal(notebook, release, story)
    pieces = join(cut(pieces, models, story), models, story)
    found = match(pieces, models)
    pieces = drop_copies(pieces, models, found, story)
    pieces = in_order(pieces, models, found, story)
    pieces = restore(pieces, models, found, story)
    pieces = complete(pieces, models, found, story)
    give_ids(pieces, {id(found.pieces[model.name]): model for model in models if model.name in found.pieces}, story)
    mended.cells = [piece.node for piece in pieces]
    return mended, story.sentences
