#!/usr/bin/env bash
# Installs what is missing, builds everything and runs every test. See --help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
  cat <<'TEXT'
usage: bash tests/run.sh [quick] [options]
  quick               without LibTorch (in build/quick; downloads none)
  --no-install        installs nothing and needs no root: lists what is missing, takes CMAKE_PREFIX_PATH
  --compiler CXX      g++ or clang++ (in build/CXX)
  --sanitize NAMES    address,undefined or thread; without LibTorch (in build/NAMES)
  --build-dir FOLDER  instead of build/…
  --without-torch     -DTAILRACE_TORCH=OFF
  --without-tbb       -DTAILRACE_TBB=OFF
  --werror            warnings are errors
  --only "A B"        builds and runs the tests of these folders only (tests/A, tests/B)
Environment: JOBS (default: the number of processors), CMAKE_PREFIX_PATH, TAILRACE_TORCH_DIR, RC_PARAMS
TEXT
}
refuse() { echo "run.sh: $1" >&2; usage >&2; exit 2; }

install=() configure=() build= torch=yes only=
while [ $# != 0 ]; do
  value=${2:-}
  case $1 in
    --compiler | --sanitize | --build-dir | --only) [ -n "$value" ] || refuse "$1 needs a value"; taken=2 ;;
    *) taken=1 ;;
  esac
  case $1 in
    quick) torch=no; : "${build:=build/quick}" ;;
    --no-install) install+=(--no-install) ;;
    --compiler) configure+=("-DCMAKE_CXX_COMPILER=$value"); : "${build:=build/$value}" ;;
    --sanitize) torch=no; configure+=("-DTAILRACE_SANITIZE=$value"); : "${build:=build/${value//,/-}}" ;;
    --build-dir) build=$value ;;
    --without-torch) torch=no ;;
    --without-tbb) configure+=(-DTAILRACE_TBB=OFF) ;;
    --werror) configure+=(-DTAILRACE_WERROR=ON) ;;
    --only) only=$value ;;
    --help | -h) usage; exit 0 ;;
    *) refuse "unknown option $1" ;;
  esac
  shift $taken
done
: "${build:=build}" "${JOBS:=$(nproc)}"
if [ $torch = no ]; then
  install+=(--without-torch)
  configure+=(-DTAILRACE_TORCH=OFF)
else
  install+=(--with-browser --with-openvino --with-weights)  # a full run
  given=${TAILRACE_TORCH_DIR:-${Torch_DIR:-}}
  configure+=(-DTAILRACE_TORCH=ON ${given:+"-DTAILRACE_TORCH_DIR=$given"})
fi
export NINJA_STATUS='[%f/%t, %es] '

step=
begin() { step=$1; started=$SECONDS; echo "== $step"; }
end() { echo "== $step: $((SECONDS - started)) s"; step=; }
trap 'code=$?; [ -z "$step" ] || echo "run.sh: FAILED in: $step (exit $code)" >&2' EXIT

begin "dependencies (docs/install.sh ${install[*]})"
bash docs/install.sh "${install[@]}"
end

begin "configure ($build)"
cmake -S . -B "$build" -G Ninja --log-level=STATUS "${configure[@]}"
end

targets=(all) tests=.
if [ -n "$only" ]; then
  known=$(cmake --build "$build" --target help)
  targets=()
  for folder in $only; do
    ! grep -q "^${folder}_test:" <<<"$known" || targets+=("${folder}_test")
  done
  tests="^(${only// /|})\$"
elif ! grep -q '^TAILRACE_SANITIZE:[A-Z]*=.' "$build/CMakeCache.txt"; then
  targets+=(all_verify_interface_header_sets headers_without_exceptions)  # every public header compiles alone
fi

begin "build ($JOBS at a time)"
[ ${#targets[@]} = 0 ] || cmake --build "$build" -j "$JOBS" --target "${targets[@]}"
end

begin "tests ($JOBS at a time)"
ctest --test-dir "$build" -R "$tests" -j "$JOBS" --output-on-failure --no-tests=error
end
echo "run.sh: everything passed"
