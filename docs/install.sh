#!/usr/bin/env bash
# Installs what Tailrace is built and tested with: Debian packages by apt-get, LibTorch into the user's cache.
# Looks first, so that a second run costs nothing. See --help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
  cat <<'TEXT'
usage: bash docs/install.sh [--no-install] [--without-torch] [--with-browser] [--with-gate]
  --no-install     installs nothing and needs no root: lists what is missing; exit code 3 if something is
  --without-torch  leaves LibTorch out
  --with-browser   also chromium, in which tests look at report pages (they do without)
  --with-gate      also what only .ci/run needs (clang, clang-format, valgrind, promtool)
Environment:
  CMAKE_PREFIX_PATH                 where else to look for libraries
  TAILRACE_TORCH_DIR or Torch_DIR   a LibTorch that is already here: the folder with include/ and lib/
  XDG_CACHE_HOME                    the user's cache (default ~/.cache); LibTorch goes to tailrace/ inside
TEXT
}

install=yes torch=yes browser=no gate=no
for argument in "$@"; do
  case $argument in
    --no-install) install=no ;;
    --without-torch) torch=no ;;
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
has_file() { compgen -G "$1" >/dev/null; }

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

# ---- LibTorch: where it is, or is to be ------------------------------------------------------------------------------

version=$(sed -n 's/^set(_libtorch_pinned \(.*\))$/\1/p' lib/torch/FindLibTorch.cmake)
wheels=("torch==$version" nvidia-cuda-runtime==13.2.86 nvidia-cuda-cupti==13.2.86)
cache=${XDG_CACHE_HOME:-${HOME:?HOME is not set}/.cache}/tailrace
home=$cache/libtorch-$version
given=${TAILRACE_TORCH_DIR:-${Torch_DIR:-}}
fetch=no
if [ $torch = yes ] && [ -n "$given" ]; then
  given=${given%/share/cmake/Torch}
  [ -e "$given/lib/libtorch_cpu.so" ] || fail "no LibTorch in $given (TAILRACE_TORCH_DIR or Torch_DIR): it has no lib/libtorch_cpu.so"
  say "LibTorch: using $given"
elif [ $torch = yes ] && [ -e "$home/torch/lib/libtorch_cpu.so" ]; then
  say "LibTorch $version: present in $home"
elif [ $torch = yes ]; then
  fetch=yes
  need ca-certificates has_file /etc/ssl/certs/ca-certificates.crt
  need python3-pip /usr/bin/python3 -m pip --version >/dev/null 2>&1
fi

# ---- Debian packages -------------------------------------------------------------------------------------------------

if [ $install = no ]; then
  [ ${#optional[@]} = 0 ] || say "missing, done without: ${optional[*]}"
  [ ${#needed[@]} = 0 ] || say "missing Debian packages: ${needed[*]}"
  if [ $fetch = yes ]; then
    say "missing: LibTorch $version (fetched into $home without --no-install; TAILRACE_TORCH_DIR names one that is here;"
    say "         'bash tests/run.sh quick' does without)"
  fi
  if [ ${#needed[@]} != 0 ] || [ $fetch = yes ]; then exit 3; fi
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
[ $fetch = yes ] || exit 0

# ---- LibTorch: fetch the wheels, unpack what a C++ program needs -----------------------------------------------------

# Prints how much has arrived, every ten seconds, while process $1 runs.
watch_download() {
  while sleep 10 && kill -0 "$1" 2>/dev/null; do
    say "  $(du -sm "$work" | cut -f1) MB of about 560"
  done
}

mkdir -p "$cache"
work=$(mktemp -d "$cache/fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
say "LibTorch $version: downloading ${wheels[*]} (about 560 MB)"
TMPDIR=$work /usr/bin/python3 -m pip download --quiet --no-deps --only-binary=:all: --no-cache-dir \
  --disable-pip-version-check --dest "$work/wheels" "${wheels[@]}" &
pip=$!
watch_download $pip &
watcher=$!
code=0
wait $pip || code=$?
kill $watcher 2>/dev/null || true
[ $code = 0 ] || fail "pip download ${wheels[*]} (exit $code)"

say "LibTorch $version: unpacking into $home"
mkdir "$work/home"
unpack() { (cd "$work/home" && cmake -E tar xf "$@") || fail "cannot unpack $1"; }
unpack "$work"/wheels/torch-*.whl torch/include torch/lib/libtorch_cpu.so torch/lib/libc10.so torch/lib/libgomp.so.1
unpack "$work"/wheels/nvidia_cuda_runtime-*.whl nvidia/cu13/lib/libcudart.so.13
unpack "$work"/wheels/nvidia_cuda_cupti-*.whl nvidia/cu13/lib/libcupti.so.13

# The loader must find every library, and the CUDA runtime beside LibTorch, not one that happens to lie elsewhere.
links=$(env -u LD_LIBRARY_PATH ldd "$work/home/torch/lib/libtorch_cpu.so")
! grep 'not found' <<<"$links" || fail "LibTorch lacks the libraries above"
for library in libc10.so libgomp.so.1 libcudart.so.13 libcupti.so.13; do
  grep -q "$library => $work/home/" <<<"$links" || fail "LibTorch finds a $library elsewhere: $links"
done
mv -T "$work/home" "$home" 2>/dev/null || [ -e "$home/torch/lib/libtorch_cpu.so" ] || fail "cannot move LibTorch to $home"
say "LibTorch $version: ready"
