-- Sends the requests of a file in turn; with "check" every answer is read and counted too.
-- wrk runs one state of Lua for each of its threads, and this wants one thread.

local requests, count, at = {}, 0, 0
local threads = {}
answered, granted, wrong = 0, 0, 0

function setup(thread)
  threads[#threads + 1] = thread
end

function init(args)
  local file = assert(io.open(args[1], "rb"))
  for one in file:read("*a"):gmatch("[^%z]+") do
    count = count + 1
    requests[count] = one
  end
  file:close()
  if args[2] == "check" then
    function response(status, _, body)
      answered = answered + 1
      if status ~= 200 then
        wrong = wrong + 1
      end
      local _, found = body:gsub('"decision": ?true', "")
      granted = granted + found
    end
  end
end

function request()
  at = at % count + 1
  return requests[at]
end

function done(summary, latency, _)
  local thread = threads[1]
  local errors = summary.errors
  io.write(string.format(
    '\nmeasured {"answers":%d,"microseconds":%d,"p50":%d,"p99":%d,"longest":%d,'
      .. '"bytes":%d,"broken":%d,"timeouts":%d,"refused":%d,'
      .. '"answered":%d,"granted":%d,"wrong":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), latency.max,
    summary.bytes, errors.connect + errors.read + errors.write, errors.timeout, errors.status,
    thread:get("answered"), thread:get("granted"), thread:get("wrong")))
end
