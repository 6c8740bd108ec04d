-- POSTs bodies in turn over keep-alive connections, a new Idempotency-Key each time.
-- wrk -s fire.lua URL -- BEARER_KEY RUN_PREFIX BODY_FILE...
-- FIRE_PORTS, words: the ports of this host that the threads take in turn.
-- The requests are spliced from ready parts, so that the generator costs far less than a server.
-- The last line printed is one JSON object: counts, seconds, latencies in milliseconds.

local parts = {}
local sent = 0
local threads = 0

local ports = {}
for port in (os.getenv("FIRE_PORTS") or ""):gmatch("%d+") do
  ports[#ports + 1] = port
end

function setup(thread)
  thread:set("thread_id", threads)
  if #ports > 0 then
    thread.addr = wrk.lookup(wrk.host, ports[threads % #ports + 1])[1]
  end
  threads = threads + 1
end

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

function init(args)
  local head = "POST " .. wrk.path .. " HTTP/1.1\r\n"
    .. "Host: " .. wrk.host .. ":" .. wrk.port .. "\r\n"
    .. "Authorization: Bearer " .. args[1] .. "\r\n"
    .. "Content-Type: application/json\r\n"
  local key = "Idempotency-Key: " .. args[2] .. "-" .. thread_id .. "-"
  for i = 3, #args do
    local body = read(args[i])
    parts[#parts + 1] = {
      head .. "Content-Length: " .. #body .. "\r\n" .. key,
      "\r\n\r\n" .. body,
    }
  end
end

function request()
  sent = sent + 1
  local part = parts[sent % #parts + 1]
  return part[1] .. sent .. part[2]
end

function done(summary, latency, _)
  local e = summary.errors
  io.write(string.format(
    '\n{"requests":%d,"seconds":%.6f,"p50_ms":%.3f,"p99_ms":%.3f,"max_ms":%.3f,'
      .. '"refused":%d,"socket_errors":%d}\n',
    summary.requests, summary.duration / 1e6,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, latency.max / 1e3,
    e.status, e.connect + e.read + e.write + e.timeout))
end
