"""Japanese names and units of the columns of a package. Pure."""

from __future__ import annotations

from typing import Final

_DEEDS: Final = """
about 対象|acknowledged 確認|added 追加|announce 告知|answered 回答・応答|arrived 到着|asked 依頼|begun 開始|booked 予約|changed 変更|checked 確認|claimed 着手|
closed 完了|collected 回収|confirmed 確認|corrected 訂正|counted 集計|created 作成|decided 決定|delivered 受渡し|due 期限|edited 編集|ended 終了|
entered 入力|erased 消去|expires 失効|explained 説明|first 最初|handed_over 引渡し|happened 発生|found 気づき|hold_expires 仮押さえの期限|imported 取込み|
inspected 検査|issued 発行|kept 保管|last 最後|lease 処理の期限|listed 一覧の対象|made 作成|named 命名|next_try 次の試み|notified 通知|opened 開始|
paid 入金|placed 置いた|planned 計画|prepared 準備|proposed 提案|published 公開|queued 待ち始め|rank 並んだ|received 受領|recorded 記録|released 公開|
removed 削除|renotified 再通知|reported 報告|resolved 解決|revoked 失効|saved 保存|seated 着席|seen 確認|sent 送信|set 設定|settled 解決|signed 確定|
spent 支出|started 開始|submitted 提出|taken 着手|told 知らせ|withdrawn 取下げ|worked 作業|written 記入|server_deleted サーバーから消去|
device_deleted 端末から消去|done 実施|again 再開|met 履行|erase 消去予定|ends 終了|starts 開始|
"""
_NAMES: Final = """
seriousness 重大さ|wrongful 不正の目的によるおそれ|origin きっかけ（苦情など）|calls 知らせた回数|effect 効果|paper 書類|incident 事故等|scores 点|
choices 選んだ答え|counted 集計済み|
question 質問|by_hand 人が分類|hour 時間帯|month 月|count 件数|check 確認|check_on 効果を確かめる日|call_at 次に知らせる時刻|
id 番号（このファイル内の識別子）|about 対象|actor 行為者（user:番号）|actor_kind 行為者の立場|actor_label 行為者の名前|added 追加した件数|
address 住所・宛先|after 変更後|agent 電話の担当席|amount 金額|answer 回答|answer_percent 応答率の目標|approved 承認|at 日時|attempts 試みた回数|
attendee 来庁する人|band_minutes 帯の長さ|bands 帯ごとの枠|batch 作業・取込みのまとまり|before 変更前|body 本文|bookable 予約の可否|booking 予約|
bookings 関係する予約|box 箱の番号|by 行った人|by_sms SMSでの通知|cabinet キャビネット|call 通話|call_back 折り返しの要否|callback 折り返し|
calls_per_month 月の着信の見込み|capacity 受付可能人数|card カード|case 案件|certificate 証明書の番号|change 変更の内容|channel 受付の経路|
channels 同時通話数|checklist 点検表|choice 選んだ番号|clash 確かめること|closed 閉鎖|code コード|collection 廃棄の日|comments 市のコメント|
complaint 苦情|conditions 条件|confirmed 市の確認|contact 連絡先・応対の記録|content 内容|corrects 訂正の対象|counts 人数の内訳|
created_channel 作成の経路|data できごとの内容|date 日付|day 日|days 日数|days_before 何日前|delivery 受け渡し|detail 詳細|
dialled かけた・かかった番号|digest SHA-256|direction 方向|done 済んだもの|downloads 受取りの回数|drift 確定後に変わった数字の数|due_time 期限の時刻|
ends 終わりの時刻|entry 作業リストの1件|equipment 機材|erased_fields 消去した項目|escalation 二次対応|evidence 証拠|examiner 審査の担当|
expected 記録上の枚数|explanation 理由と対応|faq 参照したFAQ|fault 不備|file_hash ファイルのSHA-256|file_name ファイル名|fingerprint 内容の照合値|
first 期間の初日|flow 手続きの流れの版|form 形式|from_date この日から|from_step 前の手順|group 窓口グループ|groups 窓口グループ|
half_hours 30分ごとの重み|handle_seconds 処理時間|has_mail メールの有無|hold 仮押さえ|hold_seconds 保留時間|holder 保管者|
idempotency_key 二重送信を防ぐ鍵|intervals 時間帯|invoice 請求書|item 項目|items 項目の一覧|kana よみ|kept 残す枠・控え|key 番号・鍵|kind 種類|
known 既にあった件数|lacking 置き換えた文字|language 言語|last 期間の末日|last_reception 最終受付|late 期限後|legal_name 正式な名称|
letter 番号札の記号|line 行・担当|measure 指標|medium 送り方|message 送信・伝える文|minutes 所要時間|missed 応答しなかった席・呼出しの回数|
missing 不足の書類|month_day 毎月の日|moves 履歴の数|n 順番|name 名称|needs 配慮|net 税抜きの額|no_show 来庁なし|note メモ|number 番号|
obligation 義務|on 日|opens 開く枠|operator オペレーター|operators 席の数|order 定期の受け渡し|original 訂正前の値|outcome 結果|overbooked 定員超過|
overran 目安を超過|owner 持ち主・担当|owner_label 持ち主の名前|papers 紙の枚数|part 回・区分|parts 時間帯|patience_seconds 待てる時間|pause 中断|
payee 支払先|people 人数|per_minute 1分の上限|person 本人の情報|personal 個人情報の有無|place 場所|places 枠の数|planned 計画した枠|pool 枠の組|
position 並び順|prices 税込み・税抜き|problem 不具合|procedure 手続き|procedures 手続き|prompt 案内の場面|provider 電話の提供元|quantity 数量|
queue 待ち列|rate 税率|reached 基準の達成|reading 読取り値|reason 理由|receipt 受領の控え|recorded 記録上の場所|recording 録音|ref 記録の番号|
reference 参照|report 報告書|resolution 解決|result 結果|results 実績|reverses 取り消す行|rhythm いつ|rows 行数|run 点検表の1枚|
saved_list 保存した一覧|scopes 許した範囲|sealed 履歴の個人情報|seconds 秒数|selection 条件|service_percent サービスレベルの割合|
service_seconds サービスレベルの秒数|sha256 SHA-256|share 枠の占め方|shared 共有|shipped 標準の版|side 担当の側|since この状態になった日時|site 場所|
size 大きさ|slot 枠・段|slots 枠|source 出どころ|sources 接続元|spent 所要の区分|spot 置き場所の種類|staff 担当者|stage 段階|starts 始まりの時刻|
state 状態|status 状態|step 手順|stocktake 棚卸|subject 件名|summary 説明|surface 表記|tablet 端末|taken 使った枠|talk_seconds 通話時間|
target 目標・行先|tax 消費税額|text 文章|texts 言語ごとの文|ticked 確認した項目|ticket 番号札|title 名称|to_step 次の手順|token 番号札の照会番号|
told 知らせ|topic 用件|total 合計額|total_seconds 全体の時間|transfers 転送の回数|tries 試みた回数|trouble 不具合|undoes 取り消した履歴|unit 単位|
unit_price 単価|used 使った数|user 担当者|valid_from 適用の初日|valid_to 適用の末日|value 値|verb 操作|version 版|visit_date 来庁日|volume 量|
wait_seconds 待ち時間|waiting 空き待ち|waiting_places 待てる人数|way 進み方|weekday 曜日|weekdays 曜日|why 理由|window 窓口|
withdrawn_because 取下げの理由|withdrawn_reason 取下げの理由|withheld 番号非通知|words 記録の文章|worklist 作業リスト|wrapup_seconds 後処理の時間|
kept_until 保存の期限|age_from 年齢（から）|age_to 年齢（まで）|becomes 変わる先|unless あてはまらない状況|when あてはまる状況|who 来庁する人|
arrived_at 来庁日時|ended_by 切った側|lease_until 処理の期限|kept_by 保管した人|claim_ends_at 作業の期限|keep_until 保管の期限|
"""
_UNITS: Final = {"seconds": "秒", "minutes": "分", "percent": "%"}
_MONEY: Final = frozenset({"amount", "net", "tax", "total", "unit_price"})
_PEOPLE: Final = frozenset({"people", "capacity", "planned", "taken", "places"})


def _read(text: str) -> dict[str, str]:
    return dict(entry.split(" ", 1) for entry in text.replace("\n", "").split("|") if entry)


_DEED = _read(_DEEDS)
_NAME = _read(_NAMES)


def name_of(column: str) -> str:
    """What a column is called in Japanese. Raises ``KeyError`` for one that has no name yet."""
    if column in _NAME:
        return _NAME[column]
    stem, _, ending = column.rpartition("_")
    words = {"at": "日時", "on": "日", "by": "した人"}
    if ending not in words or stem not in _DEED:
        raise KeyError(f"the column {column} has no Japanese name: add it to madoguchi/domain/handover/words.py")
    return _DEED[stem] + words[ending]


def unit_of(column: str) -> str:
    """The unit of a column's numbers, or nothing."""
    if column in _MONEY:
        return "円"
    if column in _PEOPLE:
        return "人"
    return _UNITS.get(column.rpartition("_")[2], "")
