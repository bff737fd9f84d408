-- Sends one form with HTTP Basic again and again. Arguments: authorization, body.
function init(arguments)
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
  wrk.headers["Authorization"] = arguments[1]
  wrk.body = arguments[2]
end
