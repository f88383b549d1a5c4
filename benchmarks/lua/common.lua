-- Shared by the load scripts: counters per thread (they must be globals to be read in done()), and the result as one JSON object.
created, full, busy, reads, unchanged, other = 0, 0, 0, 0, 0, 0
local threads = {}

function setup(thread) table.insert(threads, thread) end

function seed()
  math.randomseed(tonumber(os.getenv("BENCH_SEED") or os.time()))
  for _ = 1, 8 do math.random() end
end

function done(summary, latency, requests)
  local sum = { created = 0, full = 0, busy = 0, reads = 0, unchanged = 0, other = 0 }
  for _, thread in ipairs(threads) do
    for name, value in pairs(sum) do sum[name] = value + thread:get(name) end
  end
  local good = (sum.created + sum.full + sum.busy > 0) and sum.created or sum.reads + sum.unchanged
  local out = assert(io.open(os.getenv("BENCH_OUT"), "w"))
  out:write(string.format(
    '{"seconds":%.4f,"good":%d,"p50":%.3f,"p95":%.3f,"p99":%.3f,"longest":%.2f,"counts":{"requests":%d,"created":%d,"full":%d,"busy":%d,"reads":%d,"unchanged":%d,"other":%d,"sockets":%d,"timeouts":%d}}',
    summary.duration / 1e6, good, latency:percentile(50) / 1000, latency:percentile(95) / 1000, latency:percentile(99) / 1000,
    latency.max / 1000, summary.requests, sum.created, sum.full, sum.busy, sum.reads, sum.unchanged, sum.other,
    summary.errors.connect + summary.errors.read + summary.errors.write, summary.errors.timeout))
  out:close()
end
