"""What a mistake that nobody wrote down is told as: its place and a question of its kind, and never the solution."""

from collections.abc import Mapping

from autograder.hints.places import Place

QUESTIONS: Mapping[str, str] = {
    "sign": "Look at the signs: what has to be added, what subtracted, and which way should the result go?",
    "term": "Look at the sums: is every term of the formula there, and is it there once?",
    "factor": "Look at the products: is every factor of the formula there, once, and in its place?",
    "variable": "Look at the names: does each of them hold what the formula means there?",
    "combination": "Look at how several values become one: which of them should count, and where?",
    "reduction": "Look at sums and means: what is it that is summed up or averaged, and over which dimension?",
    "shape": "Look at the shapes: which one goes in, and which one has to come out?",
    "function": "Look at the functions: is each one the right one, is it needed, and is it applied once?",
    "gradient": "Look at the gradients: through what must they get back, and through what must they not?",
    "step": "Look at the steps: is each one done, is it done once, and does it come at the right time?",
    "constant": "Look at the fixed numbers: is each one right, and should it be fixed at all?",
    "bounds": "Look at the range of the values: is any of them cut off?",
    "part": "Look at what the call returns: which of its parts do you need, and in which order do they come?",
    "argument": "Look at the arguments: is each one there, and are they in the right order?",
    "condition": "Look at the condition: is it true exactly when it should be?",
    "index": "Look at the index: which part is meant, and from where is it counted?",
}
ANY = "Does each part of it do what the formula says?"


def told(place: Place, kind: str) -> str:
    """The hint for a mistake at a place or near it; of that kind, or of one that is not known (empty)."""
    where = f"In {place.function}, follow {place.words}: what goes into it, what it does, and where its value is used."
    return f"{where} {QUESTIONS.get(kind, ANY)}"
