#!/usr/bin/env bash
# How big the library is: machine code in libtailrace.a, and a stripped program with one small flow. Reported, not gated.
#
#   bash bench/size.sh BUILD_DIR [--json FILE]
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
build=${1:?usage: size.sh BUILD_DIR [--json FILE]}
library=$build/lib/libtailrace.a program=$build/bench/bench_hello
for file in "$library" "$program"; do
  [ -e "$file" ] || { echo "size.sh: no $file; build the project there first" >&2; exit 2; }
done
stripped=$(mktemp)
trap 'rm -f "$stripped"' EXIT
strip -o "$stripped" "$program"
text=$(size -t "$library" | awk 'END { print $1 }')
bytes=$(wc -c < "$stripped")
echo "libtailrace.a text     $text bytes"
echo "hello flow, stripped   $bytes bytes"
[ "${2:-}" = --json ] || exit 0
compiler=$(awk -F= '/^CMAKE_CXX_COMPILER:/ { print $2 }' "$build/CMakeCache.txt")
cat > "${3:?--json needs a file}" << END
{
 "benchmark": "size",
 "title": "Size",
 "taken": {"date": "$(date -u +%Y-%m-%d)",
  "commit": "${TAILRACE_COMMIT:-$(git -C "$here" describe --always --dirty 2> /dev/null || echo unknown)}",
  "cpu": "$(awk -F': ' '/^model name/ { print $2; exit }' /proc/cpuinfo)", "cores": $(nproc),
  "compiler": "$("${compiler:-c++}" --version | head -1)", "libraries": {}},
 "figures": [
  {"name": "size.library", "what": "machine code and constants in libtailrace.a, without oneTBB and LibTorch", "value": $((text / 1024)), "unit": "KiB", "limit": null},
  {"name": "size.hello", "what": "a program with a flow of two functions, statically linked with the library, stripped", "value": $((bytes / 1024)), "unit": "KiB", "limit": null}
 ],
 "tables": []
}
END
