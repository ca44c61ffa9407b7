"""The student host: the one folder of the kit that is visible inside the sandbox."""
