#!/bin/sh
# Two measured coefficients. Each point stands on a line of its own, so awk can read the
# request without a JSON library. Values are in ms and tokens/s.
echo '{"protocol":"aicv-predictor/1","tool":"closed-form","version":"1"}'
awk '
function number(key) { # the number behind a key; 0 where there is none
  if (!match($0, "\"" key "\":[0-9.]+")) return 0
  return substr($0, RSTART + length(key) + 3, RLENGTH - length(key) - 3) + 0
}
/"point":/ {
  users = number("concurrency"); tokens = number("output_tokens")
  if (users == 0) {
    printf "{\"point\":%d,\"missing\":\"only a concurrency can be answered\"}\n", number("point")
    next
  }
  ttft = 8 + 0.02 * number("input_tokens")
  tpot = 5.9 + 0.03 * users
  total = 1000 * users * tokens / (ttft + (tokens - 1) * tpot)
  printf "{\"point\":%d,\"values\":{\"ttft\":%.6g,\"tpot\":%.6g,\"total_throughput\":%.6g},\"derived\":[\"total_throughput\"]}\n",
    number("point"), ttft, tpot, total
}'
