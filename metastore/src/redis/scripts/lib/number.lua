-- Numbers and times.

-- A whole number as text. Lua writes large numbers with an exponent.
local function whole(number)
  return string.format('%.0f', number)
end

-- The number in a text of at most `digits` digits, 15 if it is nil; `default` if the text is
-- missing or holds no number.
local function number_in(text, default, digits)
  if type(text) == 'string' and #text <= (digits or 15) and string.find(text, '^%d+$') then
    return tonumber(text)
  end
  return default
end

-- The server's time in milliseconds.
local function now()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end
