"""What a mistake that nobody wrote down is told as: its place and a question, never the solution.

Which kind it is, nobody can know: quite different mistakes give the same answers. So a kind is asked for as an example.
"""

from collections.abc import Collection, Mapping

from autograder.hints.places import Spot

QUESTIONS: Mapping[str, str] = {
    "sign": "look at the signs: what has to be added, what subtracted, and which way should the result go?",
    "term": "look at the sums: is every term of the formula there, and is it there once?",
    "factor": "look at the products: is every factor of the formula there, once, and in its place?",
    "variable": "look at the names: does each of them hold what the formula means there?",
    "combination": "look at how several values become one: which of them should count, and where?",
    "reduction": "look at sums and means: what is it that is summed up or averaged, and over which dimension?",
    "shape": "look at the shapes: which one goes in, and which one has to come out?",
    "function": "look at the functions: is each one the right one, is it needed, and is it applied once?",
    "gradient": "look at the gradients: through what must they get back, and through what must they not?",
    "step": "look at the steps: is each one done, is it done once, and does it come at the right time?",
    "constant": "look at the fixed numbers: is each one right, and should it be fixed at all?",
    "bounds": "look at the range of the values: is any of them cut off?",
    "part": "look at what the call returns: which of its parts do you need, and in which order do they come?",
    "argument": "look at the arguments: is each one there, and are they in the right order?",
    "condition": "look at the condition: is it true exactly when it should be?",
    "index": "look at the index: which part is meant, and from where is it counted?",
}
ANY = "Does each part do what the formula says?"
MOST_KINDS = 2  # of which one hint asks


def told(place: Spot, kinds: Collection[str] = ()) -> str:
    """The hint for a mistake at a place or near it; ``kinds`` are of mistakes that answer exactly the same."""
    where = (
        f"In {place.function}, follow {place.words}: what goes in, what is done, where the value is used, and what is "
        "returned in the end."
    )
    asked = [QUESTIONS[kind] for kind in sorted(kinds)] if len(kinds) <= MOST_KINDS else []
    return f"{where} For instance, {' Or '.join(asked)}" if asked else f"{where} {ANY}"
