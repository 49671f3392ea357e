#!/usr/bin/env bash
# demo_gate.sh TAILRACE: runs the digits demo over five seeds and fails when, in the mean, the cascade is more than 0.5
# points less accurate than the large network alone, or needs it for more than 30 % of the images. Prints the speed-up
# beside what it is expected to be, and never fails because of a time.
set -euo pipefail
program=${1:?usage: demo_gate.sh TAILRACE}
figures=$("$program" demo digits --seeds 5 --json)

# The number behind "NAME": in the object "mean", which comes last.
mean() {
  awk -v key="\"$1\":" '/"mean": \{/ { inside = 1 } inside && $1 == key { sub(/,$/, "", $2); print $2; exit }' <<<"$figures"
}
gap=$(mean accuracy_gap_points) share=$(mean share_large) speed_up=$(mean speed_up) bound=$(mean speed_up_bound)
for number in "$gap" "$share" "$speed_up" "$bound"; do
  [[ $number =~ ^-?[0-9]+(\.[0-9]+)?$ ]] || { echo "demo_gate.sh: no figure where one was expected: '$number'" >&2; exit 1; }
done

awk -v gap="$gap" -v share="$share" -v speed_up="$speed_up" -v bound="$bound" 'BEGIN {
  printf "accuracy: %.2f points below the large network alone (at most 0.50)\n", gap
  printf "share of images for the large network: %.1f %% (at most 30.0)\n", 100 * share
  printf "speed-up: %.2f, expected %.2f (not gated)\n", speed_up, bound
  if (gap > 0.5 || share > 0.3) { print "demo_gate.sh: FAILED"; exit 1 }
}'
