"""Where in a function a mistake can be, as a hint names it: a line by what every student's code has there."""

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Spot:
    """A line of a function in the source notebook."""

    function: str
    line: int  # of its cell
    words: str  # such as "the line that makes `total`"
    # the lines that a hint at this one covers: itself, those that its values come from, those that use its value, the
    # steps before and after it, and those that return the result
    area: tuple[int, ...]

    def joined(self, other: "Spot") -> "Spot":
        """Both lines, of one function, as one place."""
        words = f"{self.words} and {other.words}"
        return Spot(self.function, self.line, words, tuple(sorted({*self.area, *other.area})))
