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
    Action("list.saved", "一覧の条件に名前を付けて保存した"),
    Action("list.changed", "保存した一覧の名前・公開を変更した"),
    Action("list.removed", "保存した一覧を削除した"),
    Action("list.ordered", "一覧の定期の受け渡しを決めた"),
    Action("list.order_ended", "一覧の定期の受け渡しを終えた"),
    Action("list.delivered", "受け渡しのファイルを作った"),
    Action("list.downloaded", "受け渡しのファイルを受け取った", reads_personal_data=True),
    Action("slots.pattern", "曜日ごとの枠を変更した"),
    Action("slots.day", "日ごとの枠を変更した"),
    Action("slots.rebuilt", "枠を作り直した"),
    Action("calendar.changed", "開庁カレンダーを変更した"),
    Action("calendar.withdrawn", "開庁カレンダーの変更を取り消した"),
    Action("affected.settled", "影響を受けた予約の対応を終えた"),
    Action("capacity.proved", "枠の残数を検算した"),
    Action("external.logged", "市の予約サイトでの代行を記録した"),
    Action("external.imported", "市の予約サイトの予約を取り込んだ"),
    Action("external.exported", "市の予約サイトの予約を出力した"),
)
