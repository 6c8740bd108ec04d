-- POSTs bodies in turn over keep-alive connections, a new Idempotency-Key each time; without any
-- body it GETs, and sends no such key; nor does it with an empty RUN_PREFIX.
-- wrk -s fire.lua URL -- BEARER_KEY RUN_PREFIX [BODY_FILE...]
-- FIRE_PORTS, words: the ports of this host that the threads take in turn.
-- The requests are spliced from ready parts, so that the generator costs far less than a server.
-- The last line printed is one JSON object: counts, seconds, latencies in milliseconds.

local parts = {}
local whole = nil
local keyed = true
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
  local head = wrk.path .. " HTTP/1.1\r\n"
    .. "Host: " .. wrk.host .. ":" .. wrk.port .. "\r\n"
    .. "Authorization: Bearer " .. args[1] .. "\r\n"
  if #args < 3 then
    whole = "GET " .. head .. "\r\n"
  end
  head = "POST " .. head .. "Content-Type: application/json\r\n"
  local key = "Idempotency-Key: " .. args[2] .. "-" .. thread_id .. "-"
  keyed = args[2] ~= "" and #args > 2
  for i = 3, #args do
    local body = read(args[i])
    local sized = head .. "Content-Length: " .. #body .. "\r\n"
    parts[#parts + 1] = keyed and { sized .. key, "\r\n\r\n" .. body } or sized .. "\r\n" .. body
  end
end

function request()
  if whole then
    return whole
  end
  sent = sent + 1
  local part = parts[sent % #parts + 1]
  if not keyed then
    return part
  end
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
