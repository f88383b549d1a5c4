"""Audit actions of reports."""

from madoguchi.ground.audit.actions import Action, register

register(
    Action("report.made", "報告書を作った"),
    Action("report.corrected", "報告書の数字を訂正した"),
    Action("report.written", "報告書の文章を書いた"),
    Action("report.signed", "報告書を確定した"),
    Action("report.submitted", "報告書を市へ提出した"),
    Action("report.accepted", "報告書を検査して合格とした"),
    Action("report.returned", "報告書を差し戻した"),
    Action("report.issued_again", "報告書を出し直した"),
    Action("report.drifted", "提出した後に、もとになる記録が変わったことに気づいた"),
    Action("report.form_added", "報告書の様式を登録した"),
    Action("report.form_withdrawn", "報告書の様式を外した"),
    Action("request.asked", "記録の訂正を依頼した"),
    Action("request.answered", "記録の訂正の依頼に回答した"),
    Action("request.viewed", "記録の訂正の依頼を見た", reads_personal_data=True),
)
