"""Audit actions of accounts. Targets: ``user:<id>``, ``invitation:<id>``, ``key:<id>``."""

from madoguchi.ground.audit.actions import Action, register

register(
    Action("account.invited", "担当者を招待"),
    Action("account.invitation_withdrawn", "招待を取り下げ"),
    Action("account.joined", "招待を受けて登録"),
    Action("account.role_changed", "担当者の役割を変更"),
    Action("account.assignment_removed", "担当者を契約から外す"),
    Action("account.deactivated", "アカウントを停止"),
    Action("account.sessions_revoked", "担当者の端末をサインアウト"),
    Action("account.second_factor_reset", "担当者の二要素認証を解除"),
    Action("account.signed_in", "サインイン"),
    Action("account.sign_in_failed", "サインイン失敗"),
    Action("account.second_factor_failed", "二要素認証の失敗"),
    Action("account.signed_out", "サインアウト"),
    Action("account.password_changed", "パスワードを変更"),
    Action("account.second_factor_added", "二要素認証を追加"),
    Action("account.second_factor_removed", "二要素認証を削除"),
    Action("key.made", "APIキーを発行"),
    Action("key.revoked", "APIキーを失効"),
)
