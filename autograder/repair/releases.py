"""Cells of another release than the one that is marked: each bears the checksum with which it was handed out."""

import hashlib
from collections.abc import Sequence

from autograder.notebook.cells import nbgrader_of
from autograder.repair.cells import FEW, Piece

LONGEST = 100  # characters of a heading that are quoted


def of_another_release(piece: Piece) -> bool:
    """Whether it is a locked cell that nobody changed, and that this release does not have so."""
    theirs, said = nbgrader_of(piece.node), nbgrader_of(piece.node).get("checksum")
    ours = nbgrader_of(piece.model.node).get("checksum") if piece.model else None
    return bool(theirs.get("locked")) and isinstance(said, str) and said != ours and said == _checksum(piece)


def _checksum(piece: Piece) -> str:
    """What nbgrader's ComputeChecksums notes in a cell (``nbgrader.utils.compute_checksum``); empty where it cannot."""
    theirs = nbgrader_of(piece.node)
    try:
        points = [str(float(theirs["points"]))] if theirs.get("grade") else []
    except (KeyError, TypeError, ValueError, OverflowError):
        return ""
    roles = [str(bool(theirs.get(role))) for role in ("grade", "solution", "locked")]
    noted = "".join([piece.text, piece.node["cell_type"], *roles, piece.name, *points])
    return hashlib.md5(noted.encode(errors="replace"), usedforsecurity=False).hexdigest()


def tell_of_another_release(pieces: Sequence[Piece], story: list[str]) -> None:
    """Begin with the sentence that explains the rest, where cells are of another release."""
    older = [piece for piece in pieces if of_another_release(piece)]
    names = [f"'{piece.name}'" for piece in older]
    checks = [piece for piece in older if nbgrader_of(piece.node).get("grade")]
    foreign = [piece for piece in checks if piece.model is None or piece.model.name != piece.name]
    if 2 * len(foreign) > len(checks):
        headings = [line.lstrip("# ") for piece in pieces for line in piece.lines if line.startswith("# ")]
        called = f": its first heading is '{headings[0].strip()[:LONGEST]}'" if headings else ""
        story.insert(
            0, f"This seems to be the notebook of another assignment{called}. Hand in the one that was asked for."
        )
    elif names:
        more = [f"{len(names) - FEW} more"] if len(names) > FEW else []
        *most, last = [*names[:FEW], *more]
        listed = f"{', '.join(most)} and {last} are" if most else f"{last} is"
        story.insert(
            0, f"This is the notebook of another release: {listed} as handed out then. The text of this release counts."
        )
