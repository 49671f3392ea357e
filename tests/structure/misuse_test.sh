#!/usr/bin/env bash
# misuse.sh itself must be able to fail. usage: misuse_test.sh COMPILER [FLAG...]
here=$(dirname "${BASH_SOURCE[0]}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

# Checks a file given on standard input: $1 is "passes" or a text that misuse.sh must complain with.
check() {
  local wanted=$1 output code=0
  shift
  cat >"$work/case.cc"
  output=$(bash "$here/misuse.sh" "$work/case.cc" "$@" 2>&1) || code=$?
  if [ "$wanted" = passes ] && [ $code = 0 ]; then return; fi
  if [ "$wanted" != passes ] && [ $code != 0 ] && grep -qF "$wanted" <<<"$output"; then return; fi
  echo "wanted: $wanted (exit $code)"; cat "$work/case.cc"; echo "$output"; failed=1
}

check passes "$@" <<'T'
// A template's own message counts, though nothing is generated.
template <class T> void f(T) { static_assert(sizeof(T) == 4, "f takes four bytes"); }
void g() {
  f(1);
#if MISUSE == 1
  f('a');
#elif MISUSE == 2
  f(1.0); int x = nothing;
#endif
}
// EXPECT: f takes four bytes
// EXPECT 2: f takes four bytes
// EXPECT 2: nothing.* was not declared|undeclared identifier
T
check "does not compile as it is" "$@" <<<$'int x = y;\n// EXPECT: y'
check "case 1 compiles, and must not" "$@" <<<$'int x;\n// EXPECT: y'
check "case 2 compiles, and must not" "$@" <<<$'#if MISUSE == 1\nint x = y;\n#endif\n// EXPECT: y\n// EXPECT 2: y'
check "no message matches: another" "$@" <<<$'#if MISUSE\nint x = y;\n#endif\n// EXPECT: y\n// EXPECT: another'
check "has no line // EXPECT" "$@" <<<'int x;'
check "4 errors, 3 at most" "$@" <<<$'#if MISUSE\nint a = b;\nint c = d;\nint e = f;\nint g = h;\n#endif\n// EXPECT: b'
exit $failed
