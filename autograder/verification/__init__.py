"""Verification: the grader is itself tested, against a corpus of right and wrong solutions."""
