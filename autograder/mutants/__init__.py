"""Mutants: mistakes made by machine from the source notebook's own solution, what they answer and how they are told."""
