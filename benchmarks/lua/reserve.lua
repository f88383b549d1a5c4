-- Reservations for random starting times out of STARTS (a file, one time a line); every RATIO-th request books, the others read CALENDAR.
dofile(os.getenv("BENCH_LUA") .. "/common.lua")

local random, format = math.random, string.format
local starts = {}
for line in io.lines(os.getenv("STARTS")) do starts[#starts + 1] = line end
local path, procedure, site = os.getenv("RESERVE"), os.getenv("PROCEDURE"), os.getenv("SITE")
local calendar, ratio, n = os.getenv("CALENDAR"), tonumber(os.getenv("RATIO") or "1"), 0
local proto, bearer = os.getenv("PROTO"), "Bearer " .. os.getenv("API_KEY")
local read_headers = { ["X-Forwarded-Proto"] = proto }
local family = { "佐藤 ", "鈴木 ", "高橋 ", "田中 ", "伊藤 ", "渡辺 ", "山本 ", "中村 " }
local family_kana = { "サトウ ", "スズキ ", "タカハシ ", "タナカ ", "イトウ ", "ワタナベ ", "ヤマモト ", "ナカムラ " }
local given = { "太郎", "花子", "一郎", "恵子", "健", "由美" }
local given_kana = { "タロウ", "ハナコ", "イチロウ", "ケイコ", "ケン", "ユミ" }

function init(args) seed() end

local function key()
  return format("%08x-%04x-4%03x-8%03x-%06x%06x", random(0, 2 ^ 31 - 1), random(0, 65535), random(0, 4095), random(0, 4095),
    random(0, 16777215), random(0, 16777215))
end

local function reservation()
  local f, g = random(#family), random(#given)
  local body = format(
    '{"site":"%s","procedure":"%s","starts_at":"%s","people":[{"name":"%s%s","kana":"%s%s","birth_date":"%04d-%02d-%02d","procedure":"%s"}],"contact":{"phone":"090-%04d-%04d","email":"t%d@example.jp"},"language":"ja","channel":"web"}',
    site, procedure, starts[random(#starts)], family[f], given[g], family_kana[f], given_kana[g], random(1930, 2015), random(1, 12),
    random(1, 28), procedure, random(1000, 9999), random(0, 9999), random(1, 1e9))
  return wrk.format("POST", path, {
    ["Content-Type"] = "application/json",
    ["Authorization"] = bearer,
    ["Idempotency-Key"] = key(),
    ["X-Forwarded-Proto"] = proto,
  }, body)
end

function request()
  n = n + 1
  if ratio > 1 and n % ratio ~= 0 then return wrk.format("GET", calendar, read_headers) end
  return reservation()
end

function response(status, headers, body)
  if status == 201 then created = created + 1
  elseif status == 200 then reads = reads + 1
  elseif status == 409 then full = full + 1
  elseif status == 503 or status == 429 then busy = busy + 1
  else
    other = other + 1
    if other == 1 then io.stderr:write("answer ", status, ": ", string.sub(body or "", 1, 400), "\n") end
  end
end
