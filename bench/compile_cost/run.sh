#!/usr/bin/env bash
# What our headers cost a user's file: processor time of the compiler at -O0, beside a file that includes only the
# standard headers that ours need. Minima of interleaved runs. Reported, never gated.
#
#   bash bench/compile_cost/run.sh [--rounds N] [--json FILE]
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
include=$here/../../include
rounds=7 json=
while [ $# -gt 0 ]; do
  case $1 in
    --rounds) rounds=${2:?}; shift 2 ;;
    --json) json=${2:?}; shift 2 ;;
    *) echo "usage: run.sh [--rounds N] [--json FILE]" >&2; exit 2 ;;
  esac
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Standard headers that a file and those of our headers that it reaches include.
standard_headers() {
  { echo "$1"; g++ -std=c++20 -I"$include" -M -MT x "$1" | tr ' \\' '\n\n' | grep '/tailrace/.*\.h$'; } |
    xargs sed -n 's/^ *# *include *\(<[a-z_0-9]*>\).*/#include \1/p' | sort -u
}
# Seconds of processor time.
cost() {
  local TIMEFORMAT='%U %S' spent
  spent=$({ time "$1" -std=c++20 -O0 -I"$include" -c "$2" -o "$work/out.o" > /dev/null; } 2>&1)
  echo "$spent" | awk '{ print $1 + $2 }'
}

for file in umbrella ten_stages; do
  cp "$here/$file.cc" "$work/$file.cc"
  standard_headers "$work/$file.cc" > "$work/${file}_standard.cc"
done
compilers=()
for c in g++ clang++; do if command -v $c > /dev/null; then compilers+=("$c"); fi; done
for ((round = 0; round < rounds; ++round)); do
  for c in "${compilers[@]}"; do
    for file in umbrella umbrella_standard ten_stages ten_stages_standard; do
      echo "$c $file $(cost "$c" "$work/$file.cc")"
    done
  done
done > "$work/times"
awk '!(($1 " " $2) in least) || $3 < least[$1 " " $2] { least[$1 " " $2] = $3 }
  END { for (k in least) printf "%s %.3f\n", k, least[k] }' "$work/times" | sort > "$work/least"

# name, what, value, limit
figures() {
  awk '
    { t[$1 " " $2] = $3; seen[$1] = 1 }
    function figure(c, file, name, what, limit) {
      value = t[c " " file] - t[c " " file "_standard"]
      printf "%s\t%s, %s, seconds beyond the standard headers\t%.3f\t%s\n", name, what, c, value, limit
    }
    END {
      for (c in seen) {
        key = c == "g++" ? "" : "_clang"
        figure(c, "umbrella", "compile.header" key, "tailrace/tailrace.h alone", c == "g++" ? .25 : "null")
        figure(c, "ten_stages", "compile.ten_stages" key, "ten stages with race, cascade and join", c == "g++" ? 1 : "null")
      }
    }' "$work/least" | sort
}
figures > "$work/figures"
column -t -s "$(printf '\t')" "$work/figures" 2> /dev/null || cat "$work/figures"
[ -n "$json" ] || exit 0
awk -F '\t' -v cpu="$(awk -F': ' '/^model name/ { print $2; exit }' /proc/cpuinfo)" -v cores="$(nproc)" \
  -v commit="${TAILRACE_COMMIT:-$(git -C "$here" describe --always --dirty 2> /dev/null || echo unknown)}" \
  -v day="$(date -u +%Y-%m-%d)" -v compiler="$(g++ --version | head -1)" -v least="$work/least" \
  -v clang="$(clang++ --version 2> /dev/null | sed -n '1s/.*version //p')" '
  function quote(s) { gsub(/["\\]/, "\\\\&", s); return "\"" s "\"" }
  BEGIN {
    printf "{\n \"benchmark\": \"compile_cost\",\n \"title\": \"What a user'"'"'s file costs to compile\",\n"
    printf " \"taken\": {\"date\": %s, \"commit\": %s, \"cpu\": %s, \"cores\": %d, \"compiler\": %s, \"libraries\": {%s}},\n", \
      quote(day), quote(commit), quote(cpu), cores, quote(compiler), clang ? "\"clang\": " quote(clang) : ""
    printf " \"figures\": ["
  }
  {
    printf "%s\n  {\"name\": %s, \"what\": %s, \"value\": %s, \"unit\": \"s\", \"limit\": %s}", comma, quote($1), quote($2), $3, $4
    comma = ","
  }
  END {
    printf "\n ],\n \"tables\": [{\"title\": \"Processor time at -O0\", \"text\": \"Least of several runs, in seconds.\","
    printf "\n  \"columns\": [\"compiler\", \"file\", \"seconds\"], \"rows\": ["
    comma = ""
    while ((getline line < least) > 0) {
      split(line, w, " "); printf "%s\n   [%s, %s, %s]", comma, quote(w[1]), quote(w[2]), quote(w[3]); comma = ","
    }
    print "\n  ]}]\n}"
  }' "$work/figures" > "$json"
