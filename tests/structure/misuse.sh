#!/usr/bin/env bash
# A misuse file compiles as it is, and fails with -DMISUSE=N for the reasons it gives in lines
#   // EXPECT: regex      (case 1)        // EXPECT 2: regex      (case 2), …
# Every regex of a case must match the compiler's output, and there may be at most three errors: one mistake, one
# message. usage: misuse.sh FILE COMPILER [FLAG...]
file=$1
shift
failed=0
complain() { echo "$file: $1"; [ -z "$2" ] || printf '%s\n' "$2" | head -60; failed=1; }

# The file's headers are compiled once for all of its cases; -include finds the result where the compiler can use it.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
grep -E '^#include <' "$file" > "$work/all.h"
compile=()
for word in "$@"; do [ "$word" = -fsyntax-only ] || compile+=("$word"); done
"${compile[@]}" -x c++-header "$work/all.h" -o "$work/all.h.gch" > /dev/null 2>&1
set -- "$@" -include "$work/all.h"

output=$("$@" "$file" 2>&1) || complain "does not compile as it is" "$output"
cases=$(sed -nE 's|^ *// EXPECT( ([0-9]+))?: .*|\2|p' "$file" | sed 's/^$/1/' | sort -nu)
[ -n "$cases" ] || complain "has no line // EXPECT: regex"
for number in $cases; do
  if output=$("$@" "-DMISUSE=$number" "$file" 2>&1); then
    complain "case $number compiles, and must not"
    continue
  fi
  errors=$(grep -c 'error:' <<<"$output")
  [ "$errors" -le 3 ] || complain "case $number: $errors errors, 3 at most" "$output"
  [ "$number" = 1 ] && mark='( 1)?' || mark=" $number"
  while IFS= read -r regex; do
    grep -qE -- "$regex" <<<"$output" || complain "case $number: no message matches: $regex" "$output"
  done < <(sed -nE "s|^ *// EXPECT$mark: (.*)|\\$([ "$number" = 1 ] && echo 2 || echo 1)|p" "$file")
done
[ $failed = 0 ] && echo "$file: $(wc -w <<<"$cases") cases fail as they should"
exit $failed
