-- Follows one chain of refresh tokens per thread, which has one connection.
-- Arguments: authorization, a file with one first refresh token per line.
local threads = 0

function setup(thread)
  thread:set("thread_number", threads)
  threads = threads + 1
end

function init(arguments)
  authorization = arguments[1]
  local line = 0
  for text in io.lines(arguments[2]) do
    if line == thread_number then token = text end
    line = line + 1
  end
end

function request()
  local headers = {
    ["Content-Type"] = "application/x-www-form-urlencoded",
    ["Authorization"] = authorization,
  }
  return wrk.format("POST", nil, headers, "grant_type=refresh_token&refresh_token=" .. token)
end

function response(status, headers, body)
  token = string.match(body, '"refresh_token": ?"([^"]+)"') or token
end
