# Finds LibTorch without its own TorchConfig.cmake, which insists on a CUDA toolkit. Looks in
#   TAILRACE_TORCH_DIR, Torch_DIR   (variables, then environment): the folder with include/ and lib/, or share/cmake/Torch
#   the user's cache, where docs/install.sh puts the version pinned below.
# Defines LibTorch_FOUND, LibTorch_VERSION, LibTorch_ROOT_DIR and the target LibTorch::LibTorch.
set(_libtorch_pinned 2.15.0)

# A folder named by the user must be right: no silent search elsewhere.
set(_libtorch_places "")
foreach(_libtorch_hint "${TAILRACE_TORCH_DIR}" "${Torch_DIR}" "$ENV{TAILRACE_TORCH_DIR}" "$ENV{Torch_DIR}")
  if(_libtorch_hint AND NOT _libtorch_places)
    string(REGEX REPLACE "/share/cmake/Torch/?$" "" _libtorch_hint "${_libtorch_hint}")
    set(_libtorch_places "${_libtorch_hint}")
  endif()
endforeach()
if(NOT _libtorch_places)
  if(DEFINED ENV{XDG_CACHE_HOME})
    set(_libtorch_places "$ENV{XDG_CACHE_HOME}/tailrace/libtorch-${_libtorch_pinned}/torch")
  else()
    set(_libtorch_places "$ENV{HOME}/.cache/tailrace/libtorch-${_libtorch_pinned}/torch")
  endif()
endif()

# Not cached: another folder given later must win.
unset(LibTorch_ROOT_DIR)
if(EXISTS "${_libtorch_places}/include/torch/csrc/api/include/torch/all.h" AND EXISTS "${_libtorch_places}/lib/libtorch_cpu.so"
   AND EXISTS "${_libtorch_places}/lib/libc10.so")
  get_filename_component(LibTorch_ROOT_DIR "${_libtorch_places}" REALPATH)
  set(LibTorch_VERSION "")
  foreach(_libtorch_header torch/headeronly/version.h torch/csrc/api/include/torch/version.h)
    if(EXISTS "${LibTorch_ROOT_DIR}/include/${_libtorch_header}" AND NOT LibTorch_VERSION)
      file(STRINGS "${LibTorch_ROOT_DIR}/include/${_libtorch_header}" LibTorch_VERSION
        REGEX "define TORCH_VERSION_(MAJOR|MINOR|PATCH) [0-9]+")
      list(TRANSFORM LibTorch_VERSION REPLACE "[^0-9]+" "")
      list(JOIN LibTorch_VERSION "." LibTorch_VERSION)
    endif()
  endforeach()
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibTorch REQUIRED_VARS LibTorch_ROOT_DIR VERSION_VAR LibTorch_VERSION
  REASON_FAILURE_MESSAGE "looked in ${_libtorch_places}, name the folder with include/ and lib/ by TAILRACE_TORCH_DIR")

if(LibTorch_FOUND AND NOT TARGET LibTorch::LibTorch)
  foreach(_libtorch_part c10 torch_cpu)
    add_library(LibTorch::${_libtorch_part} SHARED IMPORTED GLOBAL)
    set_target_properties(LibTorch::${_libtorch_part} PROPERTIES
      IMPORTED_LOCATION "${LibTorch_ROOT_DIR}/lib/lib${_libtorch_part}.so")
  endforeach()
  add_library(LibTorch::LibTorch INTERFACE IMPORTED GLOBAL)
  target_include_directories(LibTorch::LibTorch INTERFACE
    "${LibTorch_ROOT_DIR}/include" "${LibTorch_ROOT_DIR}/include/torch/csrc/api/include")
  target_link_libraries(LibTorch::LibTorch INTERFACE LibTorch::torch_cpu LibTorch::c10)
  # libtorch_cpu leans on the CUDA runtime, which it finds beside itself when it is loaded.
  target_link_options(LibTorch::LibTorch INTERFACE -Wl,--allow-shlib-undefined)
endif()
