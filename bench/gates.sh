#!/usr/bin/env bash
# Gates that no other program on the machine can disturb: instructions (callgrind, two run lengths subtracted, everything
# on the calling thread) and allocations per request, against the limits in gates.txt. Times are not gated.
#
#   bash bench/gates.sh BUILD_DIR [--json FILE]   measures and compares; fails where a limit is passed
#   bash bench/gates.sh --self-test               shows that a passed limit and a missing figure do fail
#
# Needs valgrind (Debian: valgrind) and a build with oneTBB, whose flow graph is the rival of m2 and of stations.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
limits=$here/gates.txt
short=200 long=1200

# Compares "name value" lines in file $2 with the limits in file $1: a table, and status 1 where one is passed or missing.
compare() {
  awk -v measured="$2" '
    function bad(why) { failures = failures "\n  " why }
    BEGIN {
      while ((getline line < measured) > 0) { split(line, w, " "); value[w[1]] = w[2] }
      printf "%-24s %10s %10s\n", "figure", "measured", "limit"
    }
    /^#/ || NF == 0 { next }
    {
      known[$1] = 1
      if (!($1 in value)) { bad($1 " was not measured"); next }
      passed = value[$1] + 0 > $2 + 0
      printf "%-24s %10s %10s%s\n", $1, value[$1], $2, passed ? "  FAILED" : ""
      if (passed) bad($1 " is " value[$1] ", at most " $2 " is allowed")
    }
    END {
      for (name in value) if (!(name in known)) bad(name " has no limit in gates.txt")
      if (failures) { printf "gates failed:%s\n", failures > "/dev/stderr"; exit 1 }
      print "all gates passed"
    }' "$1"
}

self_test() {
  local dir; dir=$(mktemp -d); trap 'rm -rf "$dir"' RETURN
  printf 'a 1.0 text\nb 0 text\n' > "$dir/limits"
  printf 'a 0.9\nb 0\n' > "$dir/good"
  printf 'a 1.1\nb 0\n' > "$dir/passed"
  printf 'a 0.9\n' > "$dir/missing"
  printf 'a 0.9\nb 0\nc 1\n' > "$dir/unknown"
  compare "$dir/limits" "$dir/good" > /dev/null || { echo "good figures failed" >&2; return 1; }
  for case in passed missing unknown; do
    if compare "$dir/limits" "$dir/$case" > /dev/null 2>&1; then echo "a $case figure did not fail" >&2; return 1; fi
  done
  echo "gates can fail"
}

# The least of three runs: where a request has a deadline, what it does depends a little on the time that it takes.
instructions_of() {
  for _ in 1 2 3; do
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$bench" --count "$1" "$2" 2>&1 |
      awk '/Collected/ { print $4; found = 1 } END { exit !found }' ||
      { echo "gates.sh: callgrind gave no count for $1" >&2; return 1; }
    [[ $1 = *deadline* ]] || break
  done | sort -n | head -n 1
}
# "scenario instructions-per-run" for every scenario that the benchmark knows.
count_instructions() {
  local name few many
  for name in $("$bench" --list); do
    few=$(instructions_of "$name" $short)
    many=$(instructions_of "$name" $long)
    awk -v name="$name" -v all=$((many - few)) -v runs=$((long - short)) 'BEGIN { printf "%s %.2f\n", name, all / runs }'
  done
}
# From counts of scenarios to the figures that have limits.
figures() {
  awk '
    { n[$1] = $2 }
    function slope(what) { return (n[what ".100"] - n[what ".10"]) / 90 }
    END {
      printf "m1.hop_instr %.3f\n", slope("m1.request") / slope("m1.function")
      printf "m1.block_hop_instr %.3f\n", slope("m1.block") / slope("m1.function")
      printf "m2.instr_10 %.3f\n", n["m2.unfused.10"] / n["m2.graph.10"]
      printf "m2.instr_100 %.3f\n", n["m2.unfused.100"] / n["m2.graph.100"]
      printf "station.hop_instr %.3f\n", slope("station.serial") / slope("station.nodes")
      printf "station.limit_hop_instr %.3f\n", slope("station.limit") / slope("station.nodes")
      printf "m4.empty_instr %.0f\n", n["m4.empty"] - n["m4.nothing"]
      printf "m4.stage_instr %.0f\n", n["m4.stage"] - n["m4.direct"]
      printf "m4.deadline_instr %.0f\n", n["m4.quick_deadline"] - n["m4.direct"]
      printf "m4.learned_instr %.0f\n", n["m4.learned_deadline"] - n["m4.direct_us"]
      printf "m9.armed_instr %.0f\n", n["m9.armed"] - n["m9.off"]
      printf "metrics.stage_instr %.0f\n", slope("metrics.on") - slope("m1.request")
    }' "$1"
}

# What was measured as JSON: figures with their limits, and the counts behind them as a table.
write_json() {
  local cpu commit
  cpu=$(awk -F': ' '/^model name/ { print $2; exit }' /proc/cpuinfo)
  commit=${TAILRACE_COMMIT:-$(git -C "$here" describe --always --dirty 2> /dev/null || echo unknown)}
  awk -v cpu="$cpu" -v cores="$(nproc)" -v commit="$commit" -v day="$(date -u +%Y-%m-%d)" -v compiler="$(compiler)" \
    -v valgrind="$(valgrind --version | sed s/valgrind-//)" -v counts="$counts" -v measured="$measured" '
    function quote(s) { gsub(/["\\]/, "\\\\&", s); return "\"" s "\"" }
    BEGIN {
      while ((getline line < measured) > 0) { split(line, w, " "); value[w[1]] = w[2] }
      printf "{\n \"benchmark\": \"gates\",\n \"title\": \"Instructions and allocations\",\n"
      printf " \"taken\": {\"date\": %s, \"commit\": %s, \"cpu\": %s, \"cores\": %d, \"compiler\": %s,\n", \
        quote(day), quote(commit), quote(cpu), cores, quote(compiler)
      printf "  \"libraries\": {\"valgrind\": %s}},\n \"figures\": [", quote(valgrind)
    }
    /^#/ || NF == 0 { next }
    {
      what = $0; sub(/^[^ ]+ +[^ ]+ +/, "", what)
      unit = /^m6/ ? "allocations" : $1 ~ /^m([49]|etrics)/ ? "instructions" : "x"
      printf "%s\n  {\"name\": %s, \"what\": %s, \"value\": %s, \"unit\": %s, \"limit\": %s}", comma, quote($1), \
        quote(what), value[$1], quote(unit), $2
      comma = ","
    }
    END {
      printf "\n ],\n \"tables\": [{\"title\": \"Instructions per run of the work\", \"text\": "
      printf "\"A number behind the name is the length of the chain.\","
      printf "\n  \"columns\": [\"work\", \"instructions\"], \"rows\": ["
      comma = ""
      while ((getline line < counts) > 0) { split(line, w, " "); printf "%s\n   [%s, %s]", comma, quote(w[1]), quote(w[2]); comma = "," }
      print "\n  ]}]\n}"
    }' "$limits" > "$1"
}
compiler() {
  local command; command=$(awk -F= '/^CMAKE_CXX_COMPILER:/ { print $2 }' "$build/CMakeCache.txt")
  "${command:-c++}" --version | head -1
}

if [ "${1:-}" = --self-test ]; then self_test; exit; fi
build=${1:?usage: gates.sh BUILD_DIR [--json FILE] or --self-test}
json=
if [ "${2:-}" = --json ]; then json=${3:?--json needs a file}; fi
bench=$build/bench/bench_overhead
[ -x "$bench" ] || { echo "gates.sh: no $bench; build the project there first" >&2; exit 2; }
command -v valgrind > /dev/null || { echo "gates.sh: needs valgrind (Debian: valgrind)" >&2; exit 2; }
"$bench" --list | grep -q '^m2.graph' || { echo "gates.sh: needs a build with oneTBB, the rival of m2 and of stations" >&2; exit 2; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
counts=$work/counts measured=$work/measured
echo "counting instructions ..."
count_instructions > "$counts"
figures "$counts" > "$measured"
echo "counting allocations ..."
"$bench" --allocations >> "$measured"
[ -z "$json" ] || write_json "$json"
compare "$limits" "$measured"
