"""Audit actions of the reception."""

from madoguchi.ground.audit.actions import Action, register

register(
    Action("reception.searched", "来庁した方の予約を探した", reads_personal_data=True),
    Action("reception.welcomed", "来庁した方の予約を開いた", reads_personal_data=True),
    Action("ticket.issued", "番号札を出した"),
    Action("ticket.turned_away", "書類が足りない方を案内した"),
    Action("ticket.called", "番号を呼び出した"),
    Action("ticket.missed", "呼び出しに応じなかった方を記録した"),
    Action("ticket.held", "応対を保留にした"),
    Action("ticket.redirected", "ほかの窓口へ引き継いだ"),
    Action("ticket.begun", "応対を始めた"),
    Action("ticket.finished", "手続きを1つ終えた"),
    Action("ticket.closed", "来庁を終えた"),
    Action("ticket.mail", "順番のお知らせメールを受け付けた"),
    Action("window.opened", "窓口を開けた"),
    Action("window.closed", "窓口を閉めた"),
    Action("reception.day_closed", "受付の一日を締めた"),
    Action("reception.block", "番号札の番号を端末に渡した"),
    Action("reception.tablet", "つながらない間も使う端末を登録した"),
    Action("reception.tablet_revoked", "つながらない間も使う端末を外した"),
    Action("reception.tablet_listed", "端末に今日の予約の番号と時刻を渡した"),
    Action("reception.late", "つながらない間の操作を後から記録した"),
    Action("reception.late_decided", "後から記録する操作の扱いを決めた"),
    Action("reception.paper", "紙の記録を後から入力した"),
    Action("reception.pack", "非常時の用紙を作った"),
    Action("terminal.added", "受付機・画面を追加した"),
    Action("terminal.revoked", "受付機・画面のリンクを止めた"),
)
