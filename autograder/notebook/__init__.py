"""The notebook: reading files and cells, Python's text in them, and what of it is run when code is marked."""
