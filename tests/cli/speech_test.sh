#!/usr/bin/env bash
# speech_test.sh TAILRACE: `tailrace demo speech` on the network that docs/models/export.py has made says what the Python
# original says, and notices where it does not. Skipped where it is not there, or this build cannot run it.
# TAILRACE_MODELS names its folder, unless it is the program's own.
set -uo pipefail
tailrace=$(realpath "${1:?usage: speech_test.sh TAILRACE}")
folder=${TAILRACE_MODELS:-${XDG_CACHE_HOME:-${HOME:?HOME is not set}/.cache}/tailrace/models}
if [ ! -e "$folder/speech/speech.wav" ]; then
  echo "SKIPPED: no $folder/speech/speech.wav: python3 docs/models/export.py makes it"
  exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "FAILED: $1"; head -3 "$work"/*.txt; exit 1; }

"$tailrace" demo speech --models "$folder" >"$work/out.txt" 2>"$work/err.txt"
code=$?
if [ $code = 3 ]; then
  echo "SKIPPED: $(tail -1 "$work/err.txt")"
  exit 77
fi
[ $code = 0 ] || fail "tailrace demo speech exits with $code, expected 0"
grep -q '16 streams at once' "$work/out.txt" || fail "no 16 streams"
difference=$(sed -n 's/^Probabilities differ .* by \([0-9.e+-]*\) at most\.$/\1/p' "$work/out.txt")
[ -n "$difference" ] || fail "no difference from the original"

# One wrong probability must be noticed.
sed '50s/.*/0.5/' "$folder/speech/speech.csv" >"$work/wrong.csv"
"$tailrace" demo speech --models "$folder" --references "$work/wrong.csv" >"$work/out.txt" 2>"$work/err.txt"
code=$?
[ $code = 1 ] || fail "with a wrong reference it exits with $code, expected 1"
grep -q 'wrong.csv: these answers are not the recorded ones' "$work/err.txt" || fail "the wrong reference is not named"
echo "16 streams at once as one after another, within $difference of the Python original"
