"""nbgrader: its gradebook, its feedback pages, and the kit's steps in its own commands. An annex."""
