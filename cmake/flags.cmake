# SPDX-License-Identifier: Apache-2.0
# Warnings, linker and sanitizers: one place for the whole tree, through the interface target keras_flags.
add_library(keras_flags INTERFACE)
target_compile_options(keras_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Werror -fno-math-errno)
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  # A loop that asks to be vectorized and is not (at -O1 none is) is slower, not wrong.
  target_compile_options(keras_flags INTERFACE -Wno-pass-failed)
endif()

find_program(KERAS_LLD NAMES ld.lld)
if(KERAS_LLD)
  target_link_options(keras_flags INTERFACE -fuse-ld=lld)
  # g++ can split off a cold part of no length; lld's unwind table then hides the function that follows it, and an
  # exception that passes through that one aborts the program.
  target_compile_options(keras_flags INTERFACE $<$<CXX_COMPILER_ID:GNU>:-fno-reorder-blocks-and-partition>)
endif()

if(KERAS_SANITIZE)
  target_compile_options(keras_flags INTERFACE -fsanitize=${KERAS_SANITIZE} -fno-omit-frame-pointer
                         -fno-sanitize-recover=all)
  target_link_options(keras_flags INTERFACE -fsanitize=${KERAS_SANITIZE})
endif()

# Looked for once: a compiler cache that is installed later would mean building everything again.
if(NOT DEFINED KERAS_CCACHE)
  find_program(KERAS_CCACHE ccache)
endif()
if(KERAS_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${KERAS_CCACHE})
endif()
