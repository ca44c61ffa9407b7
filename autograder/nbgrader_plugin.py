"""The names by which an nbgrader_config.py that was made for an older kit finds the kit's steps."""

# nbgrader has no types:
# mypy: allow-subclassing-any

from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor

from autograder.nbgrader.plugin import Judge, Processed, Release, Resources, StripMarkSchemes, SubmissionExporter
from autograder.nbgrader.plugin import Overview as Digest
from autograder.nbgrader.plugin import Sanitise as Disarm

__all__ = ["Digest", "Disarm", "Judge", "Release", "Repair", "StripMarkSchemes", "SubmissionExporter"]


class Repair(NbGraderPreprocessor):
    """Does nothing: what SubmissionExporter takes is mended already."""

    def preprocess(self, nb: NotebookNode, resources: Resources) -> Processed:
        """The same notebook."""
        return nb, resources
