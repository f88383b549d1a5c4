"""Audit actions of incidents."""

from madoguchi.ground.audit.actions import Action, register

register(
    Action("incident.reported", "事故・障害・苦情などを報告した"),
    Action("incident.called", "確認されていない事故等を、決めた人に知らせた"),
    Action("incident.seen", "事故等の報告を見たと記録した"),
    Action("incident.acknowledged", "事故等の報告を確認した"),
    Action("incident.begun", "事故等の調査・対応を始めた"),
    Action("incident.noted", "事故等の経過を記録した"),
    Action("incident.sorted", "事故等の種類・重大さなどを直した"),
    Action("incident.stated", "事故等の原因・対応を書いた"),
    Action("incident.prevented", "再発防止策を決めた"),
    Action("incident.prevention_done", "再発防止策を行ったと記録した"),
    Action("incident.effect", "再発防止策の効果を確かめた"),
    Action("incident.legal", "個人情報の事故の、法令上の手続きを記録した"),
    Action("incident.written", "事故等を書面で報告した"),
    Action("incident.returned", "事故等の報告書を市が差し戻した"),
    Action("incident.closed", "事故等の終結を市が認めた"),
    Action("incident.reopened", "終結した事故等を再開した"),
    Action("incident.viewed", "事故等の記録を見た", reads_personal_data=True),
    Action("incident.listed", "事故等の一覧を見た", reads_personal_data=True),
    Action("incident.printed", "事故等の報告書を書き出した", reads_personal_data=True),
)
