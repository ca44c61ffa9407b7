"""The kit's step in ``nbgrader generate_solution``; ``nbgrader_config.py`` in the course root puts it in its place."""

# nbgrader has no types:
# mypy: allow-subclassing-any

from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor

from autograder.authoring import solved
from autograder.nbgrader.plugin import Processed, Resources, course_of


class Solve(NbGraderPreprocessor):
    """Leaves what is marked as solutions in its place, and takes out markers, mark schemes and outputs."""

    def preprocess(self, nb: NotebookNode, resources: Resources) -> Processed:
        """The notebook to hand out afterwards; CourseError names a faulty marker. No cell is run."""
        return solved(nb, course_of(self.parent.parent, resources).practical), resources
