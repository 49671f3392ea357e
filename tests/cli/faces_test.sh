#!/usr/bin/env bash
# faces_test.sh TAILRACE: `tailrace demo faces` on the networks that docs/models/export.py has made finds the faces that
# the Python original finds, and notices where it does not. Skipped where they are not there, or this build cannot run
# them. TAILRACE_MODELS names their folder, unless it is the program's own.
set -uo pipefail
tailrace=$(realpath "${1:?usage: faces_test.sh TAILRACE}")
docs=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../../docs")
folder=${TAILRACE_MODELS:-${XDG_CACHE_HOME:-${HOME:?HOME is not set}/.cache}/tailrace/models}
if [ ! -e "$folder/faces/crowd.png" ]; then
  echo "SKIPPED: no networks in $folder: python3 docs/models/export.py --only faces makes them"
  exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "FAILED: $1"; head -3 "$work"/*.txt; exit 1; }

"$tailrace" demo faces --models "$folder" --json --out "$work/drawn" >"$work/out.txt" 2>"$work/err.txt"
code=$?
if [ $code = 3 ]; then
  echo "SKIPPED: $(tail -1 "$work/err.txt")"
  exit 77
fi
[ $code = 0 ] || fail "tailrace demo faces exits with $code, expected 0"
difference=$(sed -n 's/^ *"largest_difference": \([0-9.e+-]*\)$/\1/p' "$work/out.txt")
[ -n "$difference" ] || fail "no largest_difference"
[ "$(grep -c '"photo": ' "$work/out.txt")" = 6 ] || fail "not six photographs"
[ "$(grep -c '"score": ' "$work/out.txt")" = 5 ] || fail "not five faces"

# The drawn faces are pictures again; a frame through its mouth hides nobody.
"$tailrace" demo faces --models "$folder" --json "$work/drawn/astronaut_faces.png" >"$work/out.txt" 2>"$work/err.txt"
code=$?
[ $code = 0 ] || fail "the drawn picture: exit $code, expected 0"
[ "$(grep -c '"score": ' "$work/out.txt")" = 1 ] || fail "the drawn face is not found again"

# One wrong digit in one recorded box must be noticed.
sed '0,/"box": \[\([0-9]*\)\./s//"box": [1\1./' "$docs/models/faces.json" >"$work/wrong.json"
"$tailrace" demo faces --models "$folder" --json --references "$work/wrong.json" >"$work/out.txt" 2>"$work/err.txt"
code=$?
[ $code = 1 ] || fail "with a wrong reference it exits with $code, expected 1"
grep -q 'wrong.json: these faces are not the recorded ones' "$work/err.txt" || fail "the wrong reference is not named"

# The same by OpenVINO, where this build has it.
"$tailrace" demo faces --models "$folder" --json --openvino >"$work/out.txt" 2>"$work/err.txt"
code=$?
case $code in
  0) difference="$difference, by OpenVINO $(sed -n 's/^ *"largest_difference": \([0-9.e+-]*\)$/\1/p' "$work/out.txt")," ;;
  3) echo "without OpenVINO: $(tail -1 "$work/err.txt")" ;;
  *) fail "with --openvino it exits with $code, expected 0" ;;
esac

# A file that is no photograph is named.
printf 'GIF89a' >"$work/cat.gif"
"$tailrace" demo faces --models "$folder" "$work/cat.gif" >"$work/out.txt" 2>"$work/err.txt"
code=$?
[ $code = 2 ] || fail "cat.gif: exit $code, expected 2"
grep -q 'cat.gif: not a JPEG or PNG: begins with 47 49 46 38' "$work/err.txt" || fail "cat.gif is not named"
echo "six photographs, three networks, five faces: within $difference of the Python original"
