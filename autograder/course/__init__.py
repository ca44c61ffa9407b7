"""The course: its folder and the submissions in it, its practicals, its configuration and its limits."""
