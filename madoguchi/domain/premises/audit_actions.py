"""Audit actions of the rooms of the counter."""

from madoguchi.ground.audit.actions import Action, register

register(
    Action("premises.list_closed", "点検表を終えた"),
    Action("premises.item_impossible", "点検の項目を「できない」とした"),
    Action("premises.mark_withdrawn", "点検の印を取り消した"),
    Action("premises.papers_kept", "廃棄する文書を保管した"),
    Action("premises.papers_withdrawn", "廃棄する文書の記録を取り消した"),
    Action("premises.collection_planned", "文書を廃棄する日を決めた"),
    Action("premises.collection_cancelled", "文書を廃棄する日を取りやめた"),
    Action("premises.volume_told", "廃棄する文書の量を市に伝えた"),
    Action("premises.papers_collected", "廃棄する文書を回収した"),
    Action("premises.papers_destroyed", "文書の廃棄を確認した"),
    Action("premises.outing_planned", "出張申請の日を決めた"),
    Action("premises.outing_changed", "出張申請の日を変えた"),
    Action("premises.outing_cancelled", "出張申請の日を中止した"),
    Action("premises.outing_reported", "出張申請の結果を記録した"),
    Action("premises.outing_handed_over", "出張申請の書類を市に引き渡した"),
    Action("premises.pack_opened", "出張申請の控え（予約の一覧）を開いた"),
)
