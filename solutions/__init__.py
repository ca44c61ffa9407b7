"""Right answers: the reference implementation and the corpus of variants. Never shown to students."""
