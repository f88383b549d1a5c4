-- pretix: create an order for a random date of SUBEVENTS (or HOT) through its REST API.
dofile(os.getenv("BENCH_LUA") .. "/common.lua")

local subevents = {}
for id in string.gmatch(os.getenv("HOT") or os.getenv("SUBEVENTS"), "%d+") do subevents[#subevents + 1] = id end
local item, token, path = os.getenv("ITEM"), os.getenv("TOKEN"), os.getenv("ORDERS")

function init(args) seed() end

function request()
  return wrk.format("POST", path, { ["Content-Type"] = "application/json", ["Authorization"] = "Token " .. token },
    string.format('{"email":"a%d@example.org","locale":"en","sales_channel":"web","status":"p","payment_provider":"free","positions":[{"item":%s,"subevent":%s,"price":"0.00"}]}',
      math.random(1, 1e9), item, subevents[math.random(#subevents)]))
end

function response(status)
  if status == 201 then created = created + 1 elseif status == 400 then full = full + 1 else other = other + 1 end
end
