#!/usr/bin/env bash
# Installs what is missing, builds the program `tailrace` and lets it train, explain and run a cascade of two
# networks on handwritten digits. See --help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

install=()
for argument in "$@"; do
  case $argument in
    --no-install) install+=(--no-install) ;;
    *)
      echo "usage: bash docs/quickstart.sh [--no-install]"
      echo "  --no-install  installs nothing and needs no root: lists what is missing, takes CMAKE_PREFIX_PATH"
      [ "$argument" = --help ] && exit 0
      exit 2 ;;
  esac
done

step=
begin() { step=$1; echo "== $step"; }
trap 'code=$?; [ -z "$step" ] || echo "quickstart.sh: FAILED in: $step (exit $code)" >&2' EXIT

begin "dependencies (docs/install.sh ${install[*]})"
bash docs/install.sh "${install[@]}"
begin "configure (build)"
given=${TAILRACE_TORCH_DIR:-${Torch_DIR:-}}
cmake -S . -B build -G Ninja --log-level=STATUS -DTAILRACE_TORCH=ON ${given:+"-DTAILRACE_TORCH_DIR=$given"}
begin "build the program (the first time: a minute or two)"
NINJA_STATUS='[%f/%t, %es] ' cmake --build build -j "${JOBS:-$(nproc)}" --target tailrace_cli
begin "build/tailrace demo digits"
build/tailrace demo digits
step=
