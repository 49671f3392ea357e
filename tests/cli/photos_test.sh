#!/usr/bin/env bash
# photos_test.sh TAILRACE: `tailrace demo photos` on the networks that docs/models/export.py has made says what the
# Python originals say, and notices where it does not. Skipped where they are not there, or this build cannot run them.
# TAILRACE_MODELS names their folder, unless it is the program's own.
set -uo pipefail
tailrace=$(realpath "${1:?usage: photos_test.sh TAILRACE}")
docs=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../../docs")
folder=${TAILRACE_MODELS:-${XDG_CACHE_HOME:-${HOME:?HOME is not set}/.cache}/tailrace/models}
if [ ! -e "$folder/lite2.pt" ]; then
  echo "SKIPPED: no networks in $folder: python3 docs/models/export.py makes them"
  exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "FAILED: $1"; head -3 "$work"/*.txt; exit 1; }

"$tailrace" demo photos --models "$folder" --json >"$work/out.txt" 2>"$work/err.txt"
code=$?
if [ $code = 3 ]; then
  echo "SKIPPED: $(tail -1 "$work/err.txt")"
  exit 77
fi
[ $code = 0 ] || fail "tailrace demo photos exits with $code, expected 0"
difference=$(sed -n 's/^ *"largest_difference": \([0-9.e+-]*\)$/\1/p' "$work/out.txt")
[ -n "$difference" ] || fail "no largest_difference"
[ "$(grep -c '"photo": ' "$work/out.txt")" = 5 ] || fail "not five photographs"

# One wrong digit in one recorded probability must be noticed.
sed '0,/"probability": 0\.1/s//"probability": 0.2/' "$docs/models/photos.json" >"$work/wrong.json"
"$tailrace" demo photos --models "$folder" --json --references "$work/wrong.json" >"$work/out.txt" 2>"$work/err.txt"
code=$?
[ $code = 1 ] || fail "with a wrong reference it exits with $code, expected 1"
grep -q 'wrong.json: these answers are not the recorded ones' "$work/err.txt" || fail "the wrong reference is not named"

# A file that is no photograph is named.
printf 'GIF89a' >"$work/cat.gif"
"$tailrace" demo photos --models "$folder" "$work/cat.gif" >"$work/out.txt" 2>"$work/err.txt"
code=$?
[ $code = 2 ] || fail "cat.gif: exit $code, expected 2"
grep -q 'cat.gif: not a JPEG or PNG: begins with 47 49 46 38' "$work/err.txt" || fail "cat.gif is not named"
echo "five photographs, three networks: within $difference of the Python originals"
