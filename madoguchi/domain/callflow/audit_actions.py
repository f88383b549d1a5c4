"""Audit actions of the call flow."""

from madoguchi.ground.audit.actions import Action, register

register(
    Action("callflow.text_saved", "電話の案内の文面を保存した"),
    Action("callflow.recording_saved", "電話の案内を録音に差し替えた"),
    Action("callflow.recording_dropped", "電話の案内を録音から音声合成に戻した"),
    Action("callflow.reading_saved", "電話の案内の読み方を登録した"),
    Action("callflow.reading_dropped", "電話の案内の読み方を削除した"),
    Action("callflow.publish_asked", "電話の流れの公開を頼んだ（音声ができしだい公開）"),
    Action("callflow.published", "電話の流れを公開した"),
    Action("telephone.added", "電話機を登録した"),
    Action("telephone.password_issued", "電話機のパスワードを発行し直した"),
    Action("telephone.switched_off", "電話機を止めた"),
    Action("telephone.seated", "電話機の席に着いた"),
    Action("telephone.left", "電話機の席を離れた"),
)
