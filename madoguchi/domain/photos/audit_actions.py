"""Audit actions of photos."""

from madoguchi.ground.audit.actions import Action, register

register(
    Action("photo.started", "顔写真の撮影を始めた"),
    Action("photo.dropped", "顔写真の撮影を取りやめた"),
    Action("photo.delivered", "顔写真を届け先に保存し、サーバーから消した"),
    Action("photo.kept", "顔写真を届けられず、封じて預かった"),
    Action("photo.lost", "届けられなかった顔写真を消去した"),
    Action("photo.cleared", "顔写真を端末から消した"),
)
