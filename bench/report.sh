#!/usr/bin/env bash
# Takes every figure again and makes docs/benchmarks.md of them. Wants a machine with nothing else to do, and a build of
# the whole project; about half an hour.
#
#   bash bench/report.sh BUILD_DIR          measures, then writes the page
#   bash bench/report.sh BUILD_DIR --page   only writes the page, from bench/results/
#
# TAILRACE_COMMIT names the commit in the results; else git is asked.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
build=${1:?usage: report.sh BUILD_DIR [--page]}
results=$here/results
if [ "${2:-}" != --page ]; then
  bash "$here/gates.sh" "$build" --json "$results/1-gates.json"
  "$build/bench/bench_overhead" ${ATTEMPTS:+--attempts "$ATTEMPTS"} --json "$results/2-overhead.json"
  bash "$here/compile_cost/run.sh" --json "$results/3-compile_cost.json"
  bash "$here/size.sh" "$build" --json "$results/4-size.json"
  "$build/bench/bench_fusion" ${ATTEMPTS:+--attempts "$ATTEMPTS"} --json "$results/5-fusion.json"
  "$build/bench/bench_fork" ${ATTEMPTS:+--attempts "$ATTEMPTS"} --json "$results/6-fork.json"
  "$build/bench/bench_operators" ${ATTEMPTS:+--attempts "$ATTEMPTS"} --json "$results/7-operators.json"
  "$build/bench/bench_simulation" ${ATTEMPTS:+--attempts "$ATTEMPTS"} --json "$results/9-simulation.json"
fi
"$build/bench/bench_report" "$results" "$here/../docs/benchmarks.md"
echo "wrote docs/benchmarks.md"
