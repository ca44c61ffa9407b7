"""The instructor's term: a new course, and what is made of the marks in the end: tables, the class report. An annex."""
