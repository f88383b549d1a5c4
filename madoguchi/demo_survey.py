"""The demo's survey: some months of answers, better month by month, with comments in several languages. Deterministic; all invented."""

from __future__ import annotations

import datetime as dt
import random

from madoguchi.domain.survey.enums import Way
from madoguchi.domain.survey.models import Answer
from madoguchi.domain.survey.services import Sheet, answer, count_answers
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.queries import business_days
from madoguchi.ground.kit.clock import JST

DAYS = 150
COMMENTS = [
    ("ja", "待ち時間が思ったより長かったです。混雑の見込みが分かると助かります。"), ("ja", "職員の方の説明が丁寧で、分かりやすかったです。"),
    ("ja", "予約のサイトで希望の日が空いていませんでした。"), ("ja", "駐車場が混んでいて困りました。"), ("ja", "親切に対応していただきました。"),
    ("ja", "持ち物の案内がはがきと違って見えて、迷いました。"), ("ja", "暗証番号を忘れても、すぐに済みました。"),
    ("en", "The staff were very kind, but I had to wait for a long time."), ("vi", "Nhân viên rất thân thiện."), ("pt", "Foi rápido e fácil."),
]  # fmt: skip
MOODS = {"satisfaction": 0.0, "manner": 0.35, "clarity": 0.15, "waiting": -0.7, "preparation": -0.2}


def fill(contract: Contract, now: dt.datetime) -> str:
    """Two to five answers on every business day of the last months of the service. Inside ``contract_scope``."""
    survey = contract.profile.survey
    if survey is None or Answer.objects.exists():
        return "アンケート"
    dice = random.Random(f"survey {contract.code}")  # noqa: S311
    today = now.astimezone(JST).date()
    first = max(contract.profile.term.service_from, today - dt.timedelta(days=DAYS))
    sites = [site.code for site in contract.profile.sites]
    for day in business_days(contract, first, today - dt.timedelta(days=1)):
        gain = (day - first).days / DAYS * 0.5
        for _ in range(dice.randint(2, 5)):
            site = dice.choices(sites, [3, *[1] * (len(sites) - 1)])[0]
            offered = [one.code for one in contract.profile.procedures_at(site)]
            procedure = dice.choices(["", *offered[:3], offered[-1]], [2, 6, 5, 3, 0.2])[0]
            scores = {
                one.code: max(1, min(5, round(dice.gauss(3.8 + gain + MOODS.get(one.code, 0), 0.9))))
                for one in survey.asked(day, procedure) if one.kind == "score" and (one.required or dice.random() < 0.85)
            }  # fmt: skip
            choices = {one.code: one.options[0 if dice.random() < 0.88 else 1] for one in survey.asked(day, procedure) if one.kind == "choice"}
            language, text = dice.choice(COMMENTS) if dice.random() < 0.16 else ("ja", "")
            texts = {one.code: text for one in survey.asked(day, procedure) if one.kind == "text" and text}
            at = dt.datetime.combine(day, dt.time(dice.randint(9, 16), dice.randint(0, 59)), JST)
            way = dice.choices([Way.KIOSK, Way.POSTER], [7, 3])[0]
            answer(contract, Sheet(scores, choices, texts), way=way, site=site, procedure=procedure, language=language, now=at)
    count_answers(contract, now=now)
    return f"アンケート {Answer.objects.count()} 件"
