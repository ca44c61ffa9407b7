"""The names by which an nbgrader_config.py that was made for an older kit finds the kit's steps."""

# nbgrader has no types:
# mypy: allow-subclassing-any

from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor

from autograder.nbgrader.plugin import (
    Judge,
    Overview,
    Processed,
    Release,
    Resources,
    Sanitise,
    StripMarkSchemes,
    SubmissionExporter,
)

__all__ = ["Digest", "Disarm", "Judge", "Release", "Repair", "StripMarkSchemes", "SubmissionExporter"]

Digest, Disarm = Overview, Sanitise


class Repair(NbGraderPreprocessor):
    """Does nothing: what SubmissionExporter takes is mended already."""

    def preprocess(self, nb: NotebookNode, resources: Resources) -> Processed:
        """The same notebook."""
        return nb, resources
