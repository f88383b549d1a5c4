-- "Next, please" from windows: members of staff take turns, each with EACH windows of their own, and call once from each window after FROM up to
-- LAST; then nothing more is sent. STAFF: a file, the session of one person a line; PLACE: the path of the windows; TOKEN: the secret against
-- forged forms, as cookie and in the form.
dofile(os.getenv("BENCH_LUA") .. "/common.lua")

local format, random = string.format, math.random
local place, each, token = os.getenv("PLACE"), tonumber(os.getenv("EACH")), os.getenv("TOKEN")
local from, last = tonumber(os.getenv("FROM")), tonumber(os.getenv("LAST"))
local people, sent, answered = {}, 0, 0

function init(args)
  seed()
  for session in io.lines(os.getenv("STAFF")) do
    people[#people + 1] = {
      ["Cookie"] = format("%s=%s; %s=%s", os.getenv("SESSION_COOKIE"), session, os.getenv("CSRF_COOKIE"), token),
      ["Content-Type"] = "application/x-www-form-urlencoded",
      ["Referer"] = os.getenv("ORIGIN") .. "/",
      ["X-Forwarded-Proto"] = "https",
    }
  end
end

function request()
  local person, seat = sent % #people, from + 1 + math.floor(sent / #people)
  sent = sent + 1
  local key = format("%08x%08x%08x%08x", random(0, 2 ^ 31 - 1), random(0, 2 ^ 31 - 1), random(0, 2 ^ 31 - 1), random(0, 2 ^ 31 - 1))
  return wrk.format("POST", format("%s/%d/next/", place, person * each + seat), people[person + 1], format("csrfmiddlewaretoken=%s&key=%s", token, key))
end

function response(status, headers, body)
  if status == 302 then created = created + 1
  else
    other = other + 1
    if other == 1 then io.stderr:write("answer ", status, ": ", string.sub(body or "", 1, 400), "\n") end
  end
  answered = answered + 1
  if answered >= (last - from) * #people then wrk.thread:stop() end
end
