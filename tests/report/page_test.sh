#!/usr/bin/env bash
# page_test.sh TAILRACE: pages of --report in a real browser: nothing is fetched, nothing complains, and the numbers are
# those of the JSON report. Exit code 77 where there is no Chromium.
set -uo pipefail
tailrace=$(realpath "${1:?usage: page_test.sh TAILRACE}")
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || {
  echo "page_test.sh: skipped: there is no chromium (Debian: chromium)"
  exit 77
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failures=0 checks=0
check() {
  local what=$1
  shift
  checks=$((checks + 1))
  "$@" && return
  failures=$((failures + 1))
  echo "FAILED: $what" >&2
}
# Whether a file has a line with the pattern; and whether it has none.
has() { grep -qE -- "$2" "$1"; }
has_not() { ! has "$@"; }

# browse NAME OPTIONS...: what the browser makes of NAME.html. No name is looked up, for services of its own either.
browse() {
  local page=$1
  shift
  timeout 120 "$browser" --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --hide-scrollbars \
    --user-data-dir="$work/profile" --no-first-run --host-resolver-rules='MAP * ~NOTFOUND' --log-net-log="$work/$page.net" \
    --enable-logging=stderr --virtual-time-budget=1000 \
    "$@" "file://$work/$page.html" 2>"$page.log"
}

# The number behind a key of a JSON report, within the last of the objects that the path names: number FILE latency p99
number() {
  awk -v path="${*:2}" 'BEGIN { n = split(path, keys, " "); at = 1 }
    index($0, "\"" keys[at] "\": ") { if (at == n) { sub(/.*: /, ""); sub(/,$/, ""); print; exit } at++ }' "$1"
}
# The same of an outcome's code.
requests_of() { awk -v code="\"$2\"" '$0 ~ "\"code\": " code { getline; sub(/.*: /, ""); sub(/,$/, ""); print; exit }' "$1"; }
# The number that a cell of the page carries.
cell() { grep -oE "data-key=\"$2\" data-value=\"[^\"]*\"" "$1" | sed 's/.*value="\(.*\)"/\1/'; }
same() { [ -n "$1" ] && [ -n "$2" ] && awk -v a="$1" -v b="$2" 'BEGIN { exit !(a - b <= 1e-12 && b - a <= 1e-12) }'; }

# In the log of the network: something that a page wanted, and not the browser for itself.
asked='"initiator":"(null|file|https?)'

looks_right() {
  local page=$1 key
  check "$page: the browser reads it" browse "$page" --dump-dom >"$page.dom"
  check "$page: the whole page is there" has "$page.dom" '</table>.*|</main>'
  check "$page: the console is clean" has_not "$page.log" 'CONSOLE'
  check "$page: it asks the network for nothing" has_not "$page.net" "$asked"
  check "$page: nothing could be" has_not "$page.html" '(src=|@import|url\(|href="[^d]|<script)'
  check "$page: all pictures have a size" has_not "$page.dom" 'NaN|(width|height|[xyd]|r)="[^"]*(nan|inf)'
  for width in 1200 390; do
    check "$page: a picture of it, $width wide" browse "$page" --window-size=$width,2000 --screenshot="$page-$width.png"
    check "$page: it is not empty at $width" test "$(stat -c %s "$page-$width.png")" -gt 40000
  done
}

# ---- what is looked for is found where it is
echo '<img src="http://nowhere.invalid/a.png"><script>console.log("here")</script>' >other.html
check "the browser reads a page" browse other --dump-dom >other.dom
check "a page that asks the network is seen" has other.net "$asked"
check "a page that talks is heard" has other.log CONSOLE

# ---- a simulation: a cascade, a join and a hedge, with times written by hand
printf '1,2,3\n9,8,7\n5,5,6\n' >rows.csv
cat >flow.json <<'JSON'
{"flow": "page <b>&amp;", "input": "Tensor", "stages": [
  {"name": "half", "run": {"scale": {"by": 0.5}}},
  {"name": "scores", "from": "half", "cascade": [
    {"run": {"scale": {"by": 2}}, "exit_if": {"margin": {"least": 0.5}}},
    {"run": {"scale": {"by": 3}}}]},
  {"name": "again", "from": "scores", "hedge": [{"run": "softmax"}], "policy": {"fixed": {"delay_ms": 2}}},
  {"name": "best", "from": "again", "run": "arg_max"}]}
JSON
cost() { printf '{"where": "%s", "time": {"calls": 99, "min": %s, "mean": %s, "p50": %s, "p90": %s, "p99": %s}}' "$@"; }
printf '{"profile": "page", "costs": [%s, %s, %s, %s, %s, %s]}' \
  "$(cost 'again[0]' .0005 .0012 .001 .002 .008)" "$(cost 'again[1]' .0005 .0012 .001 .002 .008)" \
  "$(cost best .0001 .0001 .0001 .0001 .0001)" "$(cost half .0002 .0003 .0003 .0004 .0005)" \
  "$(cost 'scores[0]' .0005 .0006 .0006 .0008 .001)" "$(cost 'scores[1]' .002 .003 .003 .004 .009)" |
  sed 's/: \./: 0./g' >p.json
load=(flow.json --input rows.csv --profile p.json --arrivals poisson:500 --within 12ms --report)
check "simulate writes a page" "$tailrace" simulate "${load[@]}" simulated.html --workers 2 --seconds 20 --json >simulated.json
looks_right simulated
for key in mean p50 p90 p99 p99.9 max count; do
  check "simulated: latency $key" same "$(cell simulated.dom "latency.$key")" "$(number simulated.json latency "$key")"
done
for key in requests anytime fallback late; do
  check "simulated: $key" same "$(cell simulated.dom "$key")" "$(number simulated.json "$key")"
done
for code in answered deadline_missed; do
  check "simulated: $code" same "$(cell simulated.dom "outcomes.$code")" "$(requests_of simulated.json $code)"
done
check "simulated: names are texts" has simulated.dom '<h1>page &lt;b&gt;&amp;amp;</h1>'
for word in 'answered by' 'second calls' 'scores · cascade' 'again · hedge' 'waiting for a worker'; do
  check "simulated: tells of '$word'" has simulated.dom "$word"
done

# ---- a live comparison
load=(flow.json --input rows.csv --profile p.json --arrivals poisson:500 --report)
check "bench writes a page" "$tailrace" bench "${load[@]}" live.html --seconds 2.6 --without fuse --json >live.json
looks_right live
for key in p50 p99 max; do
  check "live: A's $key" same "$(cell live.dom "a.latency.$key")" "$(number live.json a latency "$key")"
  check "live: B's $key" same "$(cell live.dom "b.latency.$key")" "$(number live.json b latency "$key")"
  check "live: B's lateness, $key" same "$(cell live.dom "b.lateness.$key")" "$(number live.json b lateness "$key")"
done
check "live: the ratio" same "$(cell live.dom "ratios.$(number live.json ratios what | tr -d '"').median")" \
  "$(number live.json ratios median)"

echo "$((checks - failures)) of $checks checks passed"
[ $failures = 0 ]
