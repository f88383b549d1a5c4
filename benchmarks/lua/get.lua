-- Read one address over and over. ETAG: send it as If-None-Match and expect 304.
dofile(os.getenv("BENCH_LUA") .. "/common.lua")

function init(args)
  local etag = os.getenv("ETAG")
  if etag then wrk.headers["If-None-Match"] = etag end
  if os.getenv("PROTO") then wrk.headers["X-Forwarded-Proto"] = os.getenv("PROTO") end
end

function response(status)
  if status == 200 then reads = reads + 1 elseif status == 304 then unchanged = unchanged + 1 else other = other + 1 end
end
