"""What a check says of an answer that is not as it should be."""

import numpy as np
import pytest

from autograder.judging.checks import Answer, Array, Mistake, expect_close
from autograder.student.wire import Opaque

RIGHT = np.array([1.0, -2.0, 3.0, 5.0])


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (RIGHT + 0.5, "4 of 4 numbers differ: all by the same amount."),
        (RIGHT * 2, "4 of 4 numbers differ: all by the same factor."),
        (-RIGHT, "4 of 4 numbers differ: they have the right size and the wrong sign."),
        (RIGHT * 0, "4 of 4 numbers differ: they are all zero."),
        (RIGHT * 0 + 7, "4 of 4 numbers differ: they are all the same number."),
        (RIGHT**2, "3 of 4 numbers differ."),
        (RIGHT * np.array([1, 1, 1, np.nan]), "1 of 4 numbers differ."),
    ],
)
def test_differences_are_counted_and_their_pattern_is_named(wrong: Array, words: str) -> None:
    with pytest.raises(Mistake) as caught:
        expect_close(wrong.astype(np.float64), RIGHT, "numbers")
    assert caught.value.happened == words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, r"nothing \(None\) came back"),
        ("1.0", "a string came back"),
        ([1.0], "a list or tuple came back"),
        (Opaque("Mock"), "an object of type Mock came back"),
        (np.zeros((2, 2)), r"should have the shape \(2,\), but has \(2, 2\)"),
        (np.zeros((0,)), r"should have the shape \(2,\), but has \(0,\)"),
        (np.array([1.0, np.nan]), "1 of 2 numbers are NaN or infinite"),
        (np.array([np.inf, -np.inf]), "2 of 2 numbers are NaN or infinite"),
        (np.array(["a", "b"]), "real numbers"),
        (np.array([1j, 1j]), "real numbers"),
    ],
)
def test_what_is_no_finite_array_of_that_shape_is_refused_in_words(value: object, words: str) -> None:
    answer = Answer({"values": value})  # type: ignore[dict-item] # whatever a student's process may send
    with pytest.raises(Mistake, match=rf"^What came.*{words}"):
        answer.array("values", (2,), "what came")


def test_only_the_rows_that_matter_have_to_be_finite() -> None:
    answer = Answer({"values": np.array([[1.0], [np.inf], [np.nan]])})
    read = answer.array("values", (3, 1), "what came", rows=np.array([True, False, False]))
    assert read.ravel().tolist() == [1.0, 0.0, 0.0]
    with pytest.raises(Mistake, match="1 of 3"):
        answer.array("values", (3, 1), "what came", rows=np.array([True, True, False]))


@pytest.mark.parametrize("value", [2, 2.0, np.array(2.0), np.array([[2.0]])])
def test_a_number_may_come_as_a_tensor_of_one(value: object) -> None:
    assert Answer({"values": value}).number("values", "it") == 2.0  # type: ignore[dict-item]


@pytest.mark.parametrize("value", [np.zeros(2), np.zeros(0), float("nan"), None, "2"])
def test_anything_else_is_no_number(value: object) -> None:
    with pytest.raises(Mistake):
        Answer({"values": value}).number("values", "it")  # type: ignore[dict-item]


def test_a_part_that_is_no_dict_is_an_empty_answer() -> None:
    assert Answer({"values": 3}).part("values").value("more") is None
    assert Answer({"values": {"more": 3}}).part("values").number("more", "it") == 3
