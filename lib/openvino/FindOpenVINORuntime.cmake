# Finds OpenVINO's runtime by the files of its wheel; its own package file brings a oneTBB of its own along, and this
# project has one already. Looks in
#   TAILRACE_OPENVINO_DIR  (variable, then environment): the folder with include/ and libs/
#   the user's cache, where docs/install.sh --with-openvino puts the version pinned below.
# Defines OpenVINORuntime_FOUND, OpenVINORuntime_ROOT_DIR and the target OpenVINO::runtime.
set(_openvino_pinned 2026.4.1)

set(_openvino_place "${TAILRACE_OPENVINO_DIR}")
if(NOT _openvino_place)
  set(_openvino_place "$ENV{TAILRACE_OPENVINO_DIR}")
endif()
if(NOT _openvino_place)
  if(DEFINED ENV{XDG_CACHE_HOME})
    set(_openvino_place "$ENV{XDG_CACHE_HOME}/tailrace/openvino-${_openvino_pinned}/openvino")
  else()
    set(_openvino_place "$ENV{HOME}/.cache/tailrace/openvino-${_openvino_pinned}/openvino")
  endif()
endif()

unset(OpenVINORuntime_ROOT_DIR)
file(GLOB _openvino_library "${_openvino_place}/libs/libopenvino.so.*")
if(EXISTS "${_openvino_place}/include/openvino/openvino.hpp" AND _openvino_library)
  get_filename_component(OpenVINORuntime_ROOT_DIR "${_openvino_place}" REALPATH)
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(OpenVINORuntime REQUIRED_VARS OpenVINORuntime_ROOT_DIR
  REASON_FAILURE_MESSAGE "looked in ${_openvino_place}, name the folder with include/ and libs/ by TAILRACE_OPENVINO_DIR")

if(OpenVINORuntime_FOUND AND NOT TARGET OpenVINO::runtime)
  add_library(OpenVINO::runtime SHARED IMPORTED GLOBAL)
  list(GET _openvino_library 0 _openvino_library)
  set_target_properties(OpenVINO::runtime PROPERTIES IMPORTED_LOCATION "${_openvino_library}")
  target_include_directories(OpenVINO::runtime INTERFACE "${OpenVINORuntime_ROOT_DIR}/include")
endif()
