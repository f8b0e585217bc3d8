// SPDX-License-Identifier: Apache-2.0
#include "lapack.h"

#include <dlfcn.h>

namespace keras::native {

Lapack::Lapack() {
  void* library = dlopen("liblapack.so.3", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return;
  geqrf = reinterpret_cast<Geqrf>(dlsym(library, "dgeqrf_"));
  orgqr = reinterpret_cast<Orgqr>(dlsym(library, "dorgqr_"));
  gesdd = reinterpret_cast<Gesdd>(dlsym(library, "dgesdd_"));
  syevd = reinterpret_cast<Syevd>(dlsym(library, "dsyevd_"));
  geev = reinterpret_cast<Geev>(dlsym(library, "dgeev_"));
  potrf = reinterpret_cast<Potrf>(dlsym(library, "dpotrf_"));
  getrf = reinterpret_cast<Getrf>(dlsym(library, "dgetrf_"));
  trsm = reinterpret_cast<Trsm>(dlsym(library, "dtrsm_"));
  found = geqrf != nullptr && orgqr != nullptr && gesdd != nullptr && syevd != nullptr && geev != nullptr &&
          potrf != nullptr && getrf != nullptr && trsm != nullptr;
}

const Lapack& lapack() {
  static const Lapack instance;
  return instance;
}

bool factorable(const keras_op& op, std::string& reason) {
  const int32_t dtype = op.inputs[0].dtype;
  if (dtype != KERAS_FLOAT32 && dtype != KERAS_FLOAT64) {
    reason = "matrices are factored in float32 and float64";
    return false;
  }
  if (!lapack().found) {
    reason = "LAPACK is not installed (Debian: liblapack3)";
    return false;
  }
  return true;
}

}  // namespace keras::native
