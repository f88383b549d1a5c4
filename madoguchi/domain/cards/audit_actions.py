"""Audit actions of the stock."""

from madoguchi.ground.audit.actions import Action, register

register(
    Action("stock.registered", "カードを登録した"),
    Action("stock.moved", "カードを動かした"),
    Action("stock.notified", "交付通知・再通知を記録した"),
    Action("stock.ended", "カードを交付・返戻した"),
    Action("stock.taken_back", "交付・返戻の記録を取り消した"),
    Action("stock.linked", "カードを予約と結び付けた"),
    Action("stock.batch", "交付前設定の作業を開いた・閉じた"),
    Action("stock.disposal", "カードの廃棄を提案・決定した"),
    Action("stock.stocktake", "棚卸を進めた"),
    Action("stock.exported", "カードの一覧をファイルに出した"),
    Action("stock.viewed", "カードの記録を見た", reads_personal_data=True),
    Action("stock.searched", "カードをフリガナと生年月日で探した", reads_personal_data=True),
    Action("stock.picks_viewed", "取り出す一覧を見た", reads_personal_data=True),
)
