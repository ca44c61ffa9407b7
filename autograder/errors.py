"""Faults of the course or the machine. (A student's faults are values in the records, never exceptions.)"""


class CourseError(Exception):
    """The course folder, its source notebook or the machine is not fit for what was asked.

    ``message`` says what is wrong and where; ``next_step`` says what to do about it.
    """

    def __init__(self, message: str, next_step: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step
