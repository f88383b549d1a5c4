"""Audit actions of cases."""

from madoguchi.ground.audit.actions import Action, register

register(
    Action("case.opened", "案件を開いた"),
    Action("case.taken", "案件を担当した"),
    Action("case.done", "案件の手順を終えた"),
    Action("case.handed", "案件の審査を市へ依頼した"),
    Action("case.answered", "案件の審査に市が回答した"),
    Action("case.interrupted", "案件を中断した"),
    Action("case.resumed", "案件を再開した"),
    Action("case.noted", "案件にメモを残した"),
    Action("case.undone", "案件の手順を一つ戻した"),
    Action("case.ended", "案件を終えた"),
    Action("case.recorded", "システムの外で済んだ案件を記録した"),
    Action("case.card", "案件で渡したカードを記録した"),
    Action("case.viewed", "案件のメモを見た", reads_personal_data=True),
    Action("flow.proposed", "手続きの流れの変更を提案した"),
    Action("flow.approved", "手続きの流れの版を承認した"),
    Action("flow.turned_down", "手続きの流れの版を取り下げた・差し戻した"),
)
