#!/usr/bin/env bash
# Takes every figure again and makes docs/benchmarks.md of them, in about half an hour. Wants a machine with nothing else
# to do, and a build of the whole project.
#
#   bash bench/report.sh BUILD_DIR            measures, then writes the page
#   bash bench/report.sh BUILD_DIR NAME...    only these: gates overhead compile_cost size fusion fork operators
#                                             submit simulation hedging replicas fidelity overload timers frames
#                                             swap cascades streams batching collate forward isolation memory exit_kernels
#                                             early_exit rivals merge batching_live (the last nine want LibTorch)
#   bash bench/report.sh BUILD_DIR --page     only writes the page, from bench/results/
#
# ATTEMPTS is how often each comparison may look for a quiet moment (1); figures of one that finds none are marked void.
# UNDER is a command to run measurements under, for example "nice -n -20" where others use the machine; a real-time class
# is for programs that do not keep all processors busy, since the kernel throttles it (overload does). TAILRACE_COMMIT
# names the commit in the results; else git is asked, once, before anything is written.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
build=${1:?usage: report.sh BUILD_DIR [--page | NAME...]}
shift
results=$here/results
: "${TAILRACE_COMMIT:=$(git -C "$here" describe --always --dirty 2> /dev/null || echo unknown)}"
export TAILRACE_COMMIT
read -ra under <<< "${UNDER:-}"

program() { "${under[@]}" "$build/bench/bench_$1" --attempts "${ATTEMPTS:-1}" --json "$2" "${@:3}"; }
measure() {
  local to=$results/$2.json
  case $1 in
    gates) bash "$here/gates.sh" "$build" --json "$to" ;;
    compile_cost) "${under[@]}" bash "$here/compile_cost/run.sh" --json "$to" ;;
    size) bash "$here/size.sh" "$build" --json "$to" ;;
    operators) program "$1" "$to" --rounds 11 ;;  # seconds each: what is left is enough for their tails
    *) program "$1" "$to" ;;
  esac
}

files=(1-gates 2-overhead 3-compile_cost 4-size 5-fusion 6-fork 7-operators 8-submit 9-simulation 10-hedging 11-replicas
       12-fidelity 13-overload 14-timers 15-frames 16-swap 17-cascades 18-streams 19-batching 20-collate 21-forward
       22-isolation 23-memory 24-exit_kernels 25-early_exit 26-rivals 27-merge 28-batching_live)
wanted=" ${*:-${files[*]#*-}} "
if [ "$wanted" != " --page " ]; then
  for name in $wanted; do
    [[ " ${files[*]#*-} " = *" $name "* ]] || { echo "report.sh: no benchmark $name; there are ${files[*]#*-}" >&2; exit 2; }
  done
  for file in "${files[@]}"; do
    name=${file#*-}
    [[ $wanted = *" $name "* ]] || continue
    started=$SECONDS
    echo "== $name"
    measure "$name" "$file"
    echo "== $name: $((SECONDS - started)) s"
  done
fi
"$build/bench/bench_report" "$results" "$here/../docs/benchmarks.md"
echo "wrote docs/benchmarks.md in $SECONDS s"
