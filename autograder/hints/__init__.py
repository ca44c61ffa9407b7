"""Hints: mistakes that are recognised by the answers that they give. An annex: marks do without it."""
