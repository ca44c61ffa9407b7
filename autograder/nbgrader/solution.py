"""The kit's step in ``nbgrader generate_solution``; ``nbgrader_config.py`` in the course root puts it in its place."""

# nbgrader has no types:
# mypy: allow-subclassing-any

from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor

from autograder.authoring import solved
from autograder.course.practical import load_practical


class Solve(NbGraderPreprocessor):
    """Leaves what is marked as solutions in its place, and takes out markers, mark schemes and outputs."""

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        """The notebook to hand out afterwards; CourseError names a faulty marker. No cell is run."""
        root = Path(self.parent.parent.coursedir.root).absolute()
        return solved(nb, load_practical(root, resources["nbgrader"]["assignment"])), resources
