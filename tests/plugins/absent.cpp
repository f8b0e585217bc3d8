// SPDX-License-Identifier: Apache-2.0
// The framework that is there when a plug-in is linked, and not found when it is opened.
extern "C" int keras_test_absent();
extern "C" int keras_test_absent() { return 0; }
