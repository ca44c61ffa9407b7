"""Likeness: which submissions of a class are alike beyond what the release and common solutions explain.

What is found is for the instructor alone: a reason to look, not a finding. No mark hangs on it.
"""
