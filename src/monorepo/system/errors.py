"""Errors caused by user input, or by a command that failed."""


class UsageError(Exception):
    """Wrong use or wrong input.

    One line per mistake: `<path or flag>: <what is wrong>; <what to do>`.
    """

    def __init__(self, *mistakes: str) -> None:
        """Keep `mistakes`, one line of text each."""
        super().__init__(*mistakes)
        self.mistakes = mistakes


class TaskError(Exception):
    """A task failed; the message, or what the task printed, says why."""
