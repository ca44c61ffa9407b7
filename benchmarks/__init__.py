"""Measurements that docs/ reports; each module says how it is run."""
