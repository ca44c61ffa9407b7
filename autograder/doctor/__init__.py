"""Doctor: what is wrong with a course or with this machine, and what to do."""
