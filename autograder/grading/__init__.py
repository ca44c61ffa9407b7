"""Grading: the stages mend, mark and publish, and the run of a class through them."""
