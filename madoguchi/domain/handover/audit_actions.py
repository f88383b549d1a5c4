"""Audit actions of the handover. Targets: ``package:<id>``, ``erasure:<id>``."""

from madoguchi.ground.audit.actions import Action, register

register(
    Action("handover.ordered", "引継ぎパッケージの作成を指示した"),
    Action("handover.made", "引継ぎパッケージを作った"),
    Action("handover.fetched", "引継ぎパッケージ（個人情報なし）を受け取った"),
    Action("handover.fetched_people", "引継ぎパッケージ（個人情報あり）を受け取った", reads_personal_data=True),
    Action("handover.dropped", "引継ぎパッケージのファイルを消去した"),
    Action("erasure.asked", "契約終了による個人情報の消去を申し出た"),
    Action("erasure.confirmed", "契約終了による個人情報の消去を市が承認した"),
    Action("erasure.called_off", "契約終了による個人情報の消去を取りやめた"),
    Action("erasure.begun", "契約終了による個人情報の消去を始めた（契約の鍵を消去した）"),
    Action("erasure.done", "契約終了による個人情報の消去を終えた（消去証明書）"),
)
