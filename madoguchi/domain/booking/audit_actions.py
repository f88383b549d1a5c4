"""Audit actions of booking."""

from madoguchi.ground.audit.actions import Action, register

register(
    Action("booking.held", "予約の枠を仮押さえした"),
    Action("booking.created", "予約を入れた"),
    Action("booking.changed", "予約の内容を変更した"),
    Action("booking.cancelled", "予約を取り消した"),
    Action("booking.arrived", "来庁を記録した"),
    Action("booking.no_show", "不来庁を記録した"),
    Action("booking.viewed", "予約の個人情報を見た", reads_personal_data=True),
    Action("booking.searched", "予約を検索した", reads_personal_data=True),
    Action("booking.listed", "予約の一覧を見た", reads_personal_data=True),
    Action("booking.exported", "予約の一覧を出力した", reads_personal_data=True),
    Action("booking.erased", "期限の過ぎた予約の個人情報を消去した"),
    Action("slots.pattern", "曜日ごとの枠を変更した"),
    Action("slots.day", "日ごとの枠を変更した"),
    Action("slots.contingents", "経路ごとに残す件数を変更した"),
    Action("slots.edited", "予約枠をまとめて変更した"),
    Action("slots.copied", "予約枠の週をコピーした"),
    Action("slots.rebuilt", "枠を作り直した"),
    Action("calendar.changed", "開庁カレンダーを変更した"),
    Action("calendar.withdrawn", "開庁カレンダーの変更を取り消した"),
    Action("affected.settled", "影響を受けた予約の対応を終えた"),
    Action("waiting.begun", "早い日時の空き待ちを受け付けた"),
    Action("waiting.ended", "早い日時の空き待ちを終えた"),
    Action("waiting.offered", "早い日時を案内した"),
    Action("waiting.answered", "早い日時の案内への返事を記録した"),
    Action("capacity.proved", "枠の残数を検算した"),
    Action("walk_in.recorded", "予約のない来庁を記録した"),
    Action("walk_in.withdrawn", "予約のない来庁の記録を取り消した"),
    Action("external.logged", "市の予約サイトでの代行を記録した"),
)
