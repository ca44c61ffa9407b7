"""A cluster: the submissions of a class graded by the workers of a Dask scheduler, which may be other machines."""
