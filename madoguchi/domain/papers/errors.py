from madoguchi.domain.reports.errors import ReportRefused


class PaperRefused(ReportRefused):
    """A deed of a paper is not possible; the message, in Japanese, says why and what to do."""
