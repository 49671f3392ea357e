# Finds libjpeg-turbo's TurboJPEG, 2.1 or newer. Its own package file insists on libjpeg's headers too.
# Defines TurboJPEG_FOUND and the target TurboJPEG::TurboJPEG.
find_path(TurboJPEG_INCLUDE_DIR turbojpeg.h)
find_library(TurboJPEG_LIBRARY turbojpeg)
mark_as_advanced(TurboJPEG_INCLUDE_DIR TurboJPEG_LIBRARY)

set(_turbojpeg_new "")
if(TurboJPEG_INCLUDE_DIR)
  file(STRINGS ${TurboJPEG_INCLUDE_DIR}/turbojpeg.h _turbojpeg_new REGEX "define TJFLAG_LIMITSCANS")
endif()
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(TurboJPEG REQUIRED_VARS TurboJPEG_LIBRARY TurboJPEG_INCLUDE_DIR _turbojpeg_new)

if(TurboJPEG_FOUND AND NOT TARGET TurboJPEG::TurboJPEG)
  add_library(TurboJPEG::TurboJPEG UNKNOWN IMPORTED GLOBAL)
  set_target_properties(TurboJPEG::TurboJPEG PROPERTIES IMPORTED_LOCATION ${TurboJPEG_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES ${TurboJPEG_INCLUDE_DIR})
endif()
