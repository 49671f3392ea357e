#!/usr/bin/env bash
# Installs what Tailrace is built and tested with: Debian packages by apt-get, LibTorch, OpenVINO and the weights of a
# public network into the user's cache.
# Looks first, so that a second run costs nothing. See --help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
  cat <<'TEXT'
usage: bash docs/install.sh [--no-install] [--without-torch] [--with-openvino] [--with-weights]
                            [--with-browser] [--with-gate]
  --no-install     installs nothing and needs no root: lists what is missing; exit code 3 if something is
  --without-torch  leaves LibTorch out
  --with-openvino  also OpenVINO, a second back end for models (the build does without)
  --with-weights   also a public network that tests run (where it cannot be had they are skipped, and say so)
  --with-browser   also chromium, in which tests look at report pages (they do without)
  --with-gate      also what only .ci/run needs (clang, clang-format, valgrind, promtool)
Environment:
  CMAKE_PREFIX_PATH                 where else to look for libraries
  TAILRACE_TORCH_DIR or Torch_DIR   a LibTorch that is already here: the folder with include/ and lib/
  TAILRACE_OPENVINO_DIR             the same of OpenVINO: the folder with include/ and libs/
  XDG_CACHE_HOME                    the user's cache (default ~/.cache); what is no Debian package goes to tailrace/ inside
TEXT
}

install=yes torch=yes openvino=no weights=no browser=no gate=no
for argument in "$@"; do
  case $argument in
    --no-install) install=no ;;
    --without-torch) torch=no ;;
    --with-openvino) openvino=yes ;;
    --with-weights) weights=yes ;;
    --with-browser) browser=yes ;;
    --with-gate) gate=yes ;;
    --help | -h) usage; exit 0 ;;
    *) echo "install.sh: unknown option $argument" >&2; usage >&2; exit 2 ;;
  esac
done

say() { echo "install: $*"; }
fail() { echo "install: FAILED: $*" >&2; exit 1; }

# ---- what is here ----------------------------------------------------------------------------------------------------

has_command() { command -v "$1" >/dev/null; }
has_cmake() { has_command cmake && printf '3.25\n%s\n' "$(cmake --version | sed -n 's/^cmake version //p')" | sort -VC; }

# A CMake package file in CMAKE_PREFIX_PATH or the system's prefixes.
has_config() {
  local prefix prefixes
  IFS=':;' read -r -a prefixes <<<"${CMAKE_PREFIX_PATH:-}"
  for prefix in "${prefixes[@]}" /usr/local /usr; do
    [ -n "$prefix" ] || continue
    [ -z "$(find -L "$prefix"/{lib,lib64,share}/{,*/}cmake "$prefix/cmake" -maxdepth 2 -name "$1" -print -quit \
      2>/dev/null)" ] || return 0
  done
  return 1
}
has_file() { compgen -G "$1" >/dev/null; }  # of that pattern

needed=() optional=()  # Debian packages that are missing
need() { local package=$1; shift; "$@" || needed+=("$package"); }
want() { local package=$1; shift; "$@" || optional+=("$package"); }  # the build does without, and says so

need g++ has_command g++
need cmake has_cmake
need ninja-build has_command ninja
need libtbb-dev has_config TBBConfig.cmake
need libfmt-dev has_config fmt-config.cmake
need nlohmann-json3-dev has_config nlohmann_jsonConfig.cmake
need libcli11-dev has_config CLI11Config.cmake
need catch2 has_config Catch2Config.cmake
want librapidcheck-dev has_config rapidcheckConfig.cmake
want libbenchmark-dev has_config benchmarkConfig.cmake
want libturbojpeg0-dev has_file '/usr/include/turbojpeg.h'
want libpng-dev has_file '/usr/include/png.h'
want ccache has_command ccache
[ $browser = no ] || want chromium has_command chromium
if [ $gate = yes ]; then
  need clang has_command clang++
  need clang-format has_command clang-format
  need libclang-rt-14-dev has_file '/usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.tsan-*.a'
  need valgrind has_command valgrind
  want prometheus has_command promtool
fi

# ---- LibTorch, OpenVINO and weights: where they are, or are to be ------------------------------------------------------

cache=${XDG_CACHE_HOME:-${HOME:?HOME is not set}/.cache}/tailrace
fetch=()  # of torch, openvino and silero, what is missing
want_wheel() {  # NAME TITLE FOLDER-GIVEN FILE-IN-IT HOME FILE-IN-HOME
  if [ -n "$3" ]; then
    has_file "$3/$4" || fail "no $2 in $3: it has no $4"
    say "$2: using $3"
  elif has_file "$5/$6"; then
    say "$2: present in $5"
  else
    fetch+=("$1")
  fi
}

version=$(sed -n 's/^set(_libtorch_pinned \(.*\))$/\1/p' lib/torch/FindLibTorch.cmake)
home=$cache/libtorch-$version
given=${TAILRACE_TORCH_DIR:-${Torch_DIR:-}}
[ $torch = no ] || want_wheel torch "LibTorch $version" "${given%/share/cmake/Torch}" lib/libtorch_cpu.so \
  "$home" torch/lib/libtorch_cpu.so

openvino_version=$(sed -n 's/^set(_openvino_pinned \(.*\))$/\1/p' lib/openvino/FindOpenVINORuntime.cmake)
openvino_home=$cache/openvino-$openvino_version
[ $openvino = no ] || want_wheel openvino "OpenVINO $openvino_version" "${TAILRACE_OPENVINO_DIR:-}" 'libs/libopenvino.so.*' \
  "$openvino_home" 'openvino/libs/libopenvino.so.*'

silero_version=$(sed -n 's/.*"silero-vad==\([0-9.]*\)".*/\1/p' docs/models/export.py)
silero_home=$cache/silero-vad-$silero_version

if [ ${#fetch[@]} != 0 ]; then
  need ca-certificates has_file /etc/ssl/certs/ca-certificates.crt
  need python3-pip /usr/bin/python3 -m pip --version >/dev/null 2>&1
fi
[ $weights = no ] || want_wheel silero "Silero VAD $silero_version" "" "" "$silero_home" silero_vad/data/silero_vad.jit

# ---- Debian packages -------------------------------------------------------------------------------------------------

if [ $install = no ]; then
  [ ${#optional[@]} = 0 ] || say "missing, done without: ${optional[*]}"
  [ ${#needed[@]} = 0 ] || say "missing Debian packages: ${needed[*]}"
  for name in "${fetch[@]}"; do
    case $name in
      torch)
        say "missing: LibTorch $version (fetched into $home without --no-install; TAILRACE_TORCH_DIR names one that is here;"
        say "         'bash tests/run.sh quick' does without)" ;;
      silero) say "missing, tests are skipped: Silero VAD $silero_version" ;;
      openvino) say "missing, done without: OpenVINO $openvino_version (TAILRACE_OPENVINO_DIR names one that is here)" ;;
    esac
  done
  if [ ${#needed[@]} != 0 ] || [[ " ${fetch[*]} " = *" torch "* ]]; then exit 3; fi
  say "nothing is missing"
  exit 0
fi

missing=("${needed[@]}" "${optional[@]}")
if [ ${#missing[@]} != 0 ]; then
  root=()
  if [ "$(id -u)" != 0 ]; then
    has_command sudo || fail "no root and no sudo. As root: apt-get install --no-install-recommends ${missing[*]}"
    root=(sudo)
  fi
  say "Debian packages: ${missing[*]}"
  "${root[@]}" apt-get update -q || fail "apt-get update"
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends \
    -o Dpkg::Use-Pty=0 "${missing[@]}" || fail "apt-get install ${missing[*]}"
else
  say "Debian packages: all present"
fi
[ ${#fetch[@]} != 0 ] || exit 0

# ---- Wheels: fetch them, unpack what a C++ program needs -------------------------------------------------------------

mkdir -p "$cache"
work=$(mktemp -d "$cache/fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# Prints how much of $2 megabytes has arrived, every ten seconds, while process $1 runs.
watch_download() {
  while sleep 10 && kill -0 "$1" 2>/dev/null; do
    say "  $(du -sm "$work" | cut -f1) MB of about $2"
  done
}

# Fetches wheels of so many megabytes into $work/wheels.
download() {
  local megabytes=$1 pip watcher code=0
  shift
  say "downloading $* (about $megabytes MB)"
  rm -rf "$work/wheels" "$work/home"
  TMPDIR=$work /usr/bin/python3 -m pip download --quiet --no-deps --only-binary=:all: --no-cache-dir \
    --disable-pip-version-check --dest "$work/wheels" "$@" &
  pip=$!
  watch_download $pip "$megabytes" &
  watcher=$!
  wait $pip || code=$?
  kill $watcher 2>/dev/null || true
  [ $code = 0 ] || fail "pip download $* (exit $code)"
  mkdir "$work/home"
}
unpack() { (cd "$work/home" && cmake -E tar xf "$@") || fail "cannot unpack $1"; }

# What a library in $work/home needs must be found.
check_links() {
  links=$(env -u LD_LIBRARY_PATH ldd "$work/home/$1")
  ! grep 'not found' <<<"$links" || fail "$1 lacks the libraries above"
}
# Moves $work/home to $1, where a file $2 may stand already: another run was quicker.
move_home() { mv -T "$work/home" "$1" 2>/dev/null || has_file "$1/$2" || fail "cannot move what was unpacked to $1"; }

fetch_torch() {
  download 560 "torch==$version" nvidia-cuda-runtime==13.2.86 nvidia-cuda-cupti==13.2.86
  say "LibTorch $version: unpacking into $home"
  unpack "$work"/wheels/torch-*.whl torch/include torch/lib/libtorch_cpu.so torch/lib/libc10.so torch/lib/libgomp.so.1
  unpack "$work"/wheels/nvidia_cuda_runtime-*.whl nvidia/cu13/lib/libcudart.so.13
  unpack "$work"/wheels/nvidia_cuda_cupti-*.whl nvidia/cu13/lib/libcupti.so.13
  check_links torch/lib/libtorch_cpu.so
  # The loader must find the CUDA runtime beside LibTorch, not one that happens to lie elsewhere.
  for library in libc10.so libgomp.so.1 libcudart.so.13 libcupti.so.13; do
    grep -q "$library => $work/home/" <<<"$links" || fail "LibTorch finds a $library elsewhere: $links"
  done
  move_home "$home" torch/lib/libtorch_cpu.so
  say "LibTorch $version: ready"
}

# Without the wheel's own oneTBB: a process has one, Debian's.
fetch_openvino() {
  download 60 "openvino==$openvino_version"
  say "OpenVINO $openvino_version: unpacking into $openvino_home"
  local wheel
  wheel=$(compgen -G "$work/wheels/openvino-*.whl")
  local files
  mapfile -t files < <(cmake -E tar tf "$wheel" |
    grep -E '^openvino/(include/openvino/|libs/libopenvino(_intel_cpu_plugin|_ir_frontend|_onnx_frontend)?\.so)')
  unpack "$wheel" "${files[@]}"
  check_links "$(cd "$work/home" && compgen -G 'openvino/libs/libopenvino.so.*')"
  move_home "$openvino_home" 'openvino/libs/libopenvino.so.*'
  say "OpenVINO $openvino_version: ready"
}

fetch_silero() {
  download 11 "silero-vad==$silero_version"
  unpack "$work"/wheels/silero_vad-*.whl silero_vad/data/silero_vad.jit
  move_home "$silero_home" silero_vad/data/silero_vad.jit
  say "Silero VAD $silero_version: ready"
}

for name in "${fetch[@]}"; do
  if [ "$name" = silero ]; then
    (fetch_silero) || say "done without Silero VAD: tests that want it are skipped"
  else
    fetch_$name
  fi
done
