"""Audit actions of papers."""

from madoguchi.ground.audit.actions import Action, register

register(
    Action("paper.made", "提出文書の下書きを作った"),
    Action("paper.written", "提出文書の文章を書いた"),
    Action("paper.submitted", "文書を市へ提出した"),
    Action("paper.approved", "市が文書を承認した"),
    Action("paper.returned", "市が文書を差し戻した"),
    Action("paper.issued_again", "文書の新しい版を作った"),
)
