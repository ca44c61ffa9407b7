"""Authoring: a source notebook with marked solutions becomes the release, or a submission with other answers in it."""

from autograder.authoring.source import (
    MarkedNotebook,
    blank,
    fill,
    generate,
    read_marked,
    solved,
    strip_mark_schemes,
)

__all__ = [
    "MarkedNotebook",
    "blank",
    "fill",
    "generate",
    "read_marked",
    "solved",
    "strip_mark_schemes",
]
