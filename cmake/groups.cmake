# SPDX-License-Identifier: Apache-2.0
# Targets by purpose: `backend_plugins` builds every backend found here, `quickstart` what the first program needs.
function(keras_targets_below directory result)
  get_property(targets DIRECTORY ${directory} PROPERTY BUILDSYSTEM_TARGETS)
  get_property(folders DIRECTORY ${directory} PROPERTY SUBDIRECTORIES)
  foreach(folder ${folders})
    keras_targets_below(${folder} below)
    list(APPEND targets ${below})
  endforeach()
  set(${result} ${targets} PARENT_SCOPE)
endfunction()

keras_targets_below(${PROJECT_SOURCE_DIR}/backends plugins)
add_custom_target(backend_plugins)
if(plugins)
  add_dependencies(backend_plugins ${plugins})
endif()

add_custom_target(quickstart)
add_dependencies(quickstart keras_native)
if(TARGET fashion_mnist_convnet)
  add_dependencies(quickstart fashion_mnist_convnet)
endif()
