"""Reinforcement learning: what practicals about agents share, on the judge's side and in the student's process."""
