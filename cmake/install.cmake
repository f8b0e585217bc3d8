# SPDX-License-Identifier: Apache-2.0
# `cmake --install` puts libkeras, its headers, its plug-ins and a CMake package where find_package(keras) finds them.
include(CMakePackageConfigHelpers)

install(TARGETS keras EXPORT keras-targets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
# Plug-ins stand beside libkeras, where its loader looks first.
foreach(plugin ${plugins})
  get_target_property(type ${plugin} TYPE)
  if(type STREQUAL "MODULE_LIBRARY" OR type STREQUAL "SHARED_LIBRARY")
    install(TARGETS ${plugin} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
  endif()
endforeach()
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/keras DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT keras-targets NAMESPACE keras:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/keras)
file(WRITE ${CMAKE_BINARY_DIR}/keras-config.cmake "include(\"\${CMAKE_CURRENT_LIST_DIR}/keras-targets.cmake\")\n")
write_basic_package_version_file(${CMAKE_BINARY_DIR}/keras-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/keras-config.cmake ${CMAKE_BINARY_DIR}/keras-config-version.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/keras)
