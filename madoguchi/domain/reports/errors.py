"""What a deed refuses, in words for the person at the screen."""


class ReportRefused(Exception):
    """A deed that cannot be done now; the message says why and what to do."""


class FormRefused(ReportRefused):
    """A workbook that cannot be a form. ``problems`` are (cell, what to do); the cell is empty when the file as a whole is meant."""

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        super().__init__("様式に誤りがあります。")
        self.problems = problems
