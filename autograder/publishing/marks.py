"""See ``autograder.nbgrader.marks``."""

from autograder.nbgrader.marks import SaveMarks

__all__ = ["SaveMarks"]
