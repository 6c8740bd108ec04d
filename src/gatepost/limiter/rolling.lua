#!lua
-- One or more decisions over the same subjects, in one atomic step, by the rules of windows.py.
--
-- KEYS  one list per subject: [state, entry, entry, ...], the oldest entry first
-- ARGV  the time now in microseconds, or '' for the server's own clock
--       limit and length in microseconds of each subject's window, packed as doubles
--       the costs of the decisions, packed as doubles; 0 asks without a charge, a negative one needs
--       room for a single unit only
-- returns, packed as doubles, for each decision: 1 or 0 (admitted or not), the wait until it would be
--       admitted, and for each subject what remains and the wait until that grows
--
-- An entry is (time of its last unit, units); the state sums up what would else have to be counted.
-- Reads come before the first write, and memory is checked before the script runs: all or nothing.

local EXACT_LIMIT_MAX = 1000
local SUB_BUCKETS = 60
local CHUNK = 64
local EXPIRY_MARGIN_MS = 1000

local ENTRY = '<dd'
local STATE = '<ddddd'

local function open(key, limit, span, clock)
    local log = {
        key = key,
        limit = limit,
        span = span,
        width = limit > EXACT_LIMIT_MAX and span / SUB_BUCKETS or 0,
        now = clock,
        stored = false, -- whether there is a list
        gone = 0, -- entries that have left the window and are still in the list
        write = nil, -- 'push' or 'amend': what the newest entry still needs
        moved = false, -- whether the offset has to be stored
        used = 0, -- units that count
        opened = 0, -- when the newest entry was begun
        last = 0, -- time of the newest entry
        recent = 0, -- units of the newest entry
        offset = 0, -- what the subject's time is ahead of the server's
        oldest = 0, -- time of the oldest entry that counts
        first = 0, -- units of that entry
    }
    local head = redis.call('LRANGE', key, 0, 1)
    if head[2] then
        log.stored = true
        log.used, log.opened, log.last, log.recent, log.offset = struct.unpack(STATE, head[1])
        log.oldest, log.first = struct.unpack(ENTRY, head[2])
        log.now = clock + log.offset
        if log.now < log.last then -- the server's clock has gone back; the subject's goes on
            log.offset = log.offset + log.last - log.now
            log.now = log.last
            log.moved = true
        end
    end
    return log
end

local function forget(log)
    while log.used > 0 and log.oldest + log.span <= log.now do
        local entries = redis.call('LRANGE', log.key, log.gone + 1, log.gone + CHUNK)
        for _, entry in ipairs(entries) do
            log.oldest, log.first = struct.unpack(ENTRY, entry)
            if log.oldest + log.span > log.now then
                return
            end
            log.used = log.used - log.first
            log.gone = log.gone + 1
        end
        if #entries < CHUNK then
            log.used = 0
        end
    end
end

local function charge(log, cost)
    if log.used > 0 and (log.now < log.opened + log.width or log.now == log.last) then
        if log.oldest == log.last then
            log.oldest = log.now
            log.first = log.first + cost
        end
        log.recent = log.recent + cost
        log.write = log.write or 'amend'
    else
        if log.used == 0 then
            log.oldest = log.now
            log.first = cost
        end
        log.opened = log.now
        log.recent = cost
        log.write = 'push'
    end
    log.last = log.now
    log.used = log.used + cost
end

local function save(log)
    if not (log.write or log.moved or log.gone > 0) then
        return
    end
    local kept = log.stored and (log.used > log.recent or log.write ~= 'push') and log.used > 0
    local state = struct.pack(STATE, log.used, log.opened, log.last, log.recent, log.offset)
    if kept then -- in the place of the last entry gone, so that no entry is moved
        redis.call('LSET', log.key, log.gone, state)
        if log.gone > 0 then
            redis.call('LTRIM', log.key, log.gone, -1)
        end
    else
        redis.call('DEL', log.key)
    end
    if log.write then
        local entry = struct.pack(ENTRY, log.last, log.recent)
        if not kept then
            redis.call('RPUSH', log.key, state, entry)
        elseif log.write == 'push' then
            redis.call('RPUSH', log.key, entry)
        else
            redis.call('LSET', log.key, -1, entry)
        end
        redis.call('PEXPIRE', log.key, math.ceil(log.span / 1000) + EXPIRY_MARGIN_MS)
    end
    log.stored = log.used > 0
    log.write, log.moved, log.gone = nil, false, 0
end

-- The wait until so many of the units that count have left.
local function freed(log, units)
    local from, left = 1, units - log.first
    if left <= 0 then
        return log.oldest + log.span - log.now
    end
    save(log)
    while true do
        local entries = redis.call('LRANGE', log.key, from + 1, from + CHUNK)
        for _, entry in ipairs(entries) do
            local at, held = struct.unpack(ENTRY, entry)
            left = left - held
            if left <= 0 then
                return at + log.span - log.now
            end
        end
        if #entries < CHUNK then
            return log.span
        end
        from = from + CHUNK
    end
end

local function standing(log)
    if log.used + 1 > log.limit then
        return 0, freed(log, log.used + 1 - log.limit)
    end
    return log.limit - log.used, log.used > 0 and log.oldest + log.span - log.now or 0
end

local clock = tonumber(ARGV[1])
if not clock then
    local time = redis.call('TIME')
    clock = time[1] * 1000000 + time[2]
end

local logs = {}
for place, key in ipairs(KEYS) do
    local limit, span = struct.unpack(ENTRY, ARGV[2], place * 16 - 15)
    logs[place] = open(key, limit, span, clock)
    forget(logs[place])
end

local REPLY = '<dd' .. string.rep('dd', #logs)
local refusals = {} -- by cost, as long as nothing is charged

local function decide(cost)
    local wait, fit = 0, true
    local room, units = math.max(cost, 1), math.abs(cost)
    for _, log in ipairs(logs) do
        local over = log.used + room - log.limit
        if over > 0 then
            fit = false
            wait = math.max(wait, freed(log, over))
        end
    end
    if fit and units > 0 then
        refusals = {}
        for _, log in ipairs(logs) do
            charge(log, units)
        end
    end
    local reply = { fit and 1 or 0, wait }
    for _, log in ipairs(logs) do
        local remaining, reset
        if fit and units > 0 and log.used <= log.limit then
            remaining, reset = log.limit - log.used, log.oldest + log.span - log.now
        else
            remaining, reset = standing(log)
        end
        reply[#reply + 1] = remaining
        reply[#reply + 1] = reset
    end
    return fit, struct.pack(REPLY, unpack(reply))
end

local replies = {}
for at = 1, #ARGV[3], 8 do
    local cost = struct.unpack('<d', ARGV[3], at)
    local reply = refusals[cost]
    if not reply then
        local fit
        fit, reply = decide(cost)
        if not fit then
            refusals[cost] = reply
        end
    end
    replies[#replies + 1] = reply
end
for _, log in ipairs(logs) do
    save(log)
end
return table.concat(replies)
