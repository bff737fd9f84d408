-- Sends the requests of a file in turn. Argument: a file of lines with method, path, authorization,
-- cookie and body, divided by tabs; "-" stands for nothing.
local requests = {}
local position = 0

function init(arguments)
  for line in io.lines(arguments[1]) do
    local method, path, authorization, cookie, body =
      line:match("([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)")
    local headers = {}
    if body ~= "-" then headers["Content-Type"] = "application/x-www-form-urlencoded" end
    if authorization ~= "-" then headers["Authorization"] = authorization end
    if cookie ~= "-" then headers["Cookie"] = cookie end
    requests[#requests + 1] =
      wrk.format(method, path, headers, body ~= "-" and body or nil)
  end
end

function request()
  position = position % #requests + 1
  return requests[position]
end
