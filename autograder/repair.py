"""Mending a submission's structure: pure, notebook in, notebook and a list of repairs in words out.

The release says which cells there are. Cells that were merged are cut, cells that were split are joined; then each of
the release's is looked for by what it defines, by its text, by its ids, by likeness and by place. What is found gets
the release's metadata and place back, and locked cells get their text back. What was to be filled in and is not there
stays missing; the student's own cells stay where they are.
"""

import copy

from nbformat import NotebookNode

from autograder.assignment import Assignment
from autograder.mending.cells import Story, models_of
from autograder.mending.cutting import cut
from autograder.mending.joining import join
from autograder.mending.matching import match
from autograder.mending.order import complete, in_order
from autograder.mending.restoring import drop_copies, restore
from autograder.mending.shape import give_ids, intact, normal


def repair(notebook: NotebookNode, release: NotebookNode, assignment: Assignment) -> tuple[NotebookNode, list[str]]:
    """A mended copy of the notebook and what had to be mended; an intact notebook comes back as it was."""
    models = models_of(release, assignment)
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
