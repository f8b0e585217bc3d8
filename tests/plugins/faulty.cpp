// SPDX-License-Identifier: Apache-2.0
// Plug-ins that must be refused, one for each fault.
#include "keras/runtime/backend_api.h"

#if defined(KERAS_TEST_NEEDS_ABSENT)
extern "C" int keras_test_absent();
#endif

#if !defined(KERAS_TEST_MUTE)
extern "C" __attribute__((visibility("default"))) int keras_backend_open(const keras_host*,
                                                                         keras_backend* table) {
  table->name = "faulty";
  table->interface_version = KERAS_BACKEND_INTERFACE;
#if defined(KERAS_TEST_OTHER_VERSION)
  table->interface_version = KERAS_BACKEND_INTERFACE + 1;
#elif defined(KERAS_TEST_REFUSES)
  table->last_error = [] { return "the licence of the framework has run out"; };
  return KERAS_ERROR_INTERNAL;
#elif defined(KERAS_TEST_NEEDS_ABSENT)
  return keras_test_absent();
#endif
  return KERAS_OK;  // with an empty table
}
#endif
