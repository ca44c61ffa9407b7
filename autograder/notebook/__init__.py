"""The notebook: reading files and cells, Python's text in them, and the definitions that marking needs."""
