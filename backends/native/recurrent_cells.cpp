// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "recurrent.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "recurrent_cells.cpp"
#include <hwy/foreach_target.h>

#include "activation-inl.h"
#include "loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace keras::native::HWY_NAMESPACE {

// f(tag, i) for whole vectors, then for single elements.
template <class T, class F>
HWY_INLINE void each_vector(int64_t n, const F& f) {
  const hn::ScalableTag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) f(d, i);
  for (; i < n; ++i) f(hn::CappedTag<T, 1>(), i);
}

// y = activation(x + bias); bias may be null.
template <class T>
struct Activate {
  const T *x, *bias;
  T* y;
  int64_t n;
  template <int64_t kKind>
  struct Body {
    const Activate& a;
    template <class D>
    HWY_INLINE void operator()(D d, int64_t i) const {
      auto v = hn::LoadU(d, a.x + i);
      if (a.bias) v = hn::Add(v, hn::LoadU(d, a.bias + i));
      hn::StoreU(activate<kKind>(d, v, hn::Zero(d)), d, a.y + i);
    }
  };
  template <int64_t kKind>
  void operator()() const {
    each_vector<T>(n, Body<kKind>{*this});
  }
};

// x *= slope of the activation whose result is y.
template <class T>
struct TimesSlope {
  T* x;
  const T* y;
  int64_t n;
  template <int64_t kKind>
  struct Body {
    const TimesSlope& a;
    template <class D>
    HWY_INLINE void operator()(D d, int64_t i) const {
      const auto slope = slope_from_result<kKind>(d, hn::LoadU(d, a.y + i), hn::Zero(d));
      hn::StoreU(hn::Mul(hn::LoadU(d, a.x + i), slope), d, a.x + i);
    }
  };
  template <int64_t kKind>
  void operator()() const {
    each_vector<T>(n, Body<kKind>{*this});
  }
};

template <class T>
HWY_INLINE void copy(const T* from, int64_t n, T* to) {
  if (from != to) std::copy_n(from, n, to);
}

template <class T>
void hold(int64_t b, int64_t n, const StepRows<const T>& h_before, const StepRows<T>& h,
          const StepRows<const T>& y_before, const StepRows<T>& y) {
  copy<T>(h_before.row(b), n, h.row(b));
  if (y_before.data) {
    copy<T>(y_before.row(b), n, y.row(b));
  } else {
    std::fill_n(y.row(b), n, T(0));
  }
}

template <class T>
void lstm_rows(const LstmStep<T>& s, int64_t begin, int64_t end) {
  const int64_t n = s.units;
  for (int64_t b = begin; b < end; ++b) {
    T* const z = s.gates.row(b);
    T *const i = z, *const f = z + n, *const g = z + 2 * n, *const o = z + 3 * n;
    T* const c = s.c.row(b);
    if (s.mask.data && !*s.mask.row(b)) {
      copy<T>(s.c_before.row(b), n, c);
      hold(b, n, s.h_before, s.h, s.y_before, s.y);
      continue;
    }
    with_activation(s.recurrent_activation, Activate<T>{z, s.bias, z, 2 * n});
    with_activation(s.activation, Activate<T>{g, s.bias + 2 * n, g, n});
    with_activation(s.recurrent_activation, Activate<T>{o, s.bias + 3 * n, o, n});
    const T* const before = s.c_before.row(b);
    KERAS_NATIVE_INDEPENDENT
    for (int64_t u = 0; u < n; ++u) c[u] = f[u] * before[u] + i[u] * g[u];
    T* const y = s.y.row(b);
    with_activation(s.activation, Activate<T>{c, nullptr, y, n});
    KERAS_NATIVE_INDEPENDENT
    for (int64_t u = 0; u < n; ++u) y[u] *= o[u];
    copy<T>(y, n, s.h.row(b));
  }
}

template <class T>
bool take_mask(const StepRows<const bool>& mask, int64_t b, int64_t n, const StepRows<const T>& dy,
               const StepRows<T>& carry) {
  if (!mask.data || *mask.row(b)) return false;
  const T* const from = dy.row(b);
  T* const to = carry.row(b);
  KERAS_NATIVE_INDEPENDENT
  for (int64_t u = 0; u < n; ++u) to[u] += from[u];
  return true;
}

// dh += dy + carry; the carry has arrived.
template <class T>
void gather_dh(int64_t b, int64_t n, const StepRows<const T>& dy, const StepRows<T>& dh,
               const StepRows<T>& carry) {
  T* const to = dh.row(b);
  const T* const from = dy.row(b);
  KERAS_NATIVE_INDEPENDENT
  for (int64_t u = 0; u < n; ++u) to[u] += from[u];
  if (!carry.data) return;
  T* const waiting = carry.row(b);
  KERAS_NATIVE_INDEPENDENT
  for (int64_t u = 0; u < n; ++u) to[u] += waiting[u];
  std::fill_n(waiting, n, T(0));
}

template <class T>
void lstm_grad_rows(const LstmStepGrad<T>& s, int64_t begin, int64_t end) {
  const int64_t n = s.units;
  const Scratch rows_memory(2 * sizeof(T) * static_cast<size_t>(n));
  T* const a = rows_memory.as<T>();
  T* const t = a + n;
  for (int64_t b = begin; b < end; ++b) {
    T* const dz = s.dgates.row(b);
    if (take_mask(s.mask, b, n, s.dy, s.carry)) {
      std::fill_n(dz, 4 * n, T(0));
      continue;
    }
    gather_dh(b, n, s.dy, s.dh, s.carry);
    T *const dh = s.dh.row(b), *const dc = s.dc.row(b);
    const T* const z = s.gates.row(b);
    const T *const i = z, *const f = z + n, *const g = z + 2 * n, *const o = z + 3 * n;
    const T* const before = s.c_before.row(b);
    with_activation(s.activation, Activate<T>{s.c.row(b), nullptr, a, n});
    KERAS_NATIVE_INDEPENDENT
    for (int64_t u = 0; u < n; ++u) t[u] = dh[u] * o[u];
    with_activation(s.activation, TimesSlope<T>{t, a, n});
    KERAS_NATIVE_INDEPENDENT
    for (int64_t u = 0; u < n; ++u) {
      const T d = dc[u] + t[u];
      dz[u] = d * g[u];
      dz[n + u] = d * before[u];
      dz[2 * n + u] = d * i[u];
      dz[3 * n + u] = dh[u] * a[u];
      dc[u] = d * f[u];
      dh[u] = 0;
    }
    with_activation(s.recurrent_activation, TimesSlope<T>{dz, z, 2 * n});
    with_activation(s.activation, TimesSlope<T>{dz + 2 * n, g, n});
    with_activation(s.recurrent_activation, TimesSlope<T>{dz + 3 * n, o, n});
  }
}

// h = z h_before + (1 - z) candidate
template <class T>
void gru_state(const GruStep<T>& s, int64_t b) {
  const int64_t n = s.units;
  const T* const z = s.gates.row(b);
  const T* const g = z + 2 * n;
  const T* const before = s.h_before.row(b);
  T* const y = s.y.row(b);
  KERAS_NATIVE_INDEPENDENT
  for (int64_t u = 0; u < n; ++u) y[u] = z[u] * before[u] + (1 - z[u]) * g[u];
  copy<T>(y, n, s.h.row(b));
}

template <class T>
void gru_rows(const GruStep<T>& s, int64_t begin, int64_t end) {
  const int64_t n = s.units;
  for (int64_t b = begin; b < end; ++b) {
    if (s.mask.data && !*s.mask.row(b)) {
      hold(b, n, s.h_before, s.h, s.y_before, s.y);
      continue;
    }
    T* const z = s.gates.row(b);
    const T* const p = s.product.row(b);
    KERAS_NATIVE_INDEPENDENT
    for (int64_t u = 0; u < 2 * n; ++u) z[u] += p[u] + s.recurrent_bias[u];
    with_activation(s.recurrent_activation, Activate<T>{z, s.bias, z, 2 * n});
    T *const r = z + n, *const g = z + 2 * n, *const q = s.candidate.row(b);
    KERAS_NATIVE_INDEPENDENT
    for (int64_t u = 0; u < n; ++u) {
      q[u] = p[2 * n + u] + s.recurrent_bias[2 * n + u];
      g[u] += r[u] * q[u];
    }
    with_activation(s.activation, Activate<T>{g, s.bias + 2 * n, g, n});
    gru_state(s, b);
  }
}

template <class T>
void gru_gates_rows(const GruStep<T>& s, int64_t begin, int64_t end) {
  const int64_t n = s.units;
  for (int64_t b = begin; b < end; ++b) {
    T* const z = s.gates.row(b);
    const T* const p = s.product.row(b);
    KERAS_NATIVE_INDEPENDENT
    for (int64_t u = 0; u < 2 * n; ++u) z[u] += p[u];
    with_activation(s.recurrent_activation, Activate<T>{z, s.bias, z, 2 * n});
    const T* const before = s.h_before.row(b);
    T* const reset = s.candidate.row(b);
    KERAS_NATIVE_INDEPENDENT
    for (int64_t u = 0; u < n; ++u) reset[u] = z[n + u] * before[u];
  }
}

template <class T>
void gru_candidate_rows(const GruStep<T>& s, int64_t begin, int64_t end) {
  const int64_t n = s.units;
  for (int64_t b = begin; b < end; ++b) {
    if (s.mask.data && !*s.mask.row(b)) {
      hold(b, n, s.h_before, s.h, s.y_before, s.y);
      continue;
    }
    T* const g = s.gates.row(b) + 2 * n;
    with_activation(s.activation, Activate<T>{g, s.bias + 2 * n, g, n});
    gru_state(s, b);
  }
}

// dz and dn of the new state; dh becomes its part past the gate.
template <class T>
void gru_state_grad(const GruStepGrad<T>& s, int64_t b) {
  const int64_t n = s.units;
  gather_dh(b, n, s.dy, s.dh, s.carry);
  const T* const z = s.gates.row(b);
  const T* const g = z + 2 * n;
  const T* const before = s.h_before.row(b);
  T *const dz = s.dgates.row(b), *const dg = dz + 2 * n, *const dh = s.dh.row(b);
  KERAS_NATIVE_INDEPENDENT
  for (int64_t u = 0; u < n; ++u) {
    dz[u] = dh[u] * (before[u] - g[u]);
    dg[u] = dh[u] * (1 - z[u]);
    dh[u] *= z[u];
  }
  with_activation(s.recurrent_activation, TimesSlope<T>{dz, z, n});
  with_activation(s.activation, TimesSlope<T>{dg, g, n});
}

template <class T>
void gru_grad_rows(const GruStepGrad<T>& s, int64_t begin, int64_t end) {
  const int64_t n = s.units;
  for (int64_t b = begin; b < end; ++b) {
    T *const dz = s.dgates.row(b), *const dp = s.dproduct.row(b);
    if (take_mask(s.mask, b, n, s.dy, s.carry)) {
      std::fill_n(dz, 3 * n, T(0));
      std::fill_n(dp, 3 * n, T(0));
      continue;
    }
    gru_state_grad(s, b);
    const T* const r = s.gates.row(b) + n;
    const T* const q = s.candidate.row(b);
    KERAS_NATIVE_INDEPENDENT
    for (int64_t u = 0; u < n; ++u) {
      dz[n + u] = dz[2 * n + u] * q[u];
      dp[2 * n + u] = dz[2 * n + u] * r[u];
    }
    with_activation(s.recurrent_activation, TimesSlope<T>{dz + n, r, n});
    std::copy_n(dz, 2 * n, dp);
  }
}

template <class T>
void gru_candidate_grad_rows(const GruStepGrad<T>& s, int64_t begin, int64_t end) {
  for (int64_t b = begin; b < end; ++b) {
    if (take_mask(s.mask, b, s.units, s.dy, s.carry)) {
      std::fill_n(s.dgates.row(b), 3 * s.units, T(0));
      continue;
    }
    gru_state_grad(s, b);
  }
}

template <class T>
void gru_gates_grad_rows(const GruStepGrad<T>& s, int64_t begin, int64_t end) {
  const int64_t n = s.units;
  for (int64_t b = begin; b < end; ++b) {
    if (s.mask.data && !*s.mask.row(b)) continue;
    const T* const r = s.gates.row(b) + n;
    const T* const before = s.h_before.row(b);
    const T* const reset = s.dproduct.row(b);
    T *const dr = s.dgates.row(b) + n, *const dh = s.dh.row(b);
    KERAS_NATIVE_INDEPENDENT
    for (int64_t u = 0; u < n; ++u) {
      dr[u] = reset[u] * before[u];
      dh[u] += reset[u] * r[u];
    }
    with_activation(s.recurrent_activation, TimesSlope<T>{dr, r, n});
  }
}

#define KERAS_CELL(name, Step, T) \
  void name##_##T(const Step<T>& step, int64_t begin, int64_t end) { name##_rows(step, begin, end); }
#define KERAS_CELLS(T)                           \
  KERAS_CELL(lstm, LstmStep, T)                  \
  KERAS_CELL(lstm_grad, LstmStepGrad, T)         \
  KERAS_CELL(gru, GruStep, T)                    \
  KERAS_CELL(gru_gates, GruStep, T)              \
  KERAS_CELL(gru_candidate, GruStep, T)          \
  KERAS_CELL(gru_grad, GruStepGrad, T)           \
  KERAS_CELL(gru_candidate_grad, GruStepGrad, T) \
  KERAS_CELL(gru_gates_grad, GruStepGrad, T)
KERAS_CELLS(float)
KERAS_CELLS(double)
#undef KERAS_CELLS
#undef KERAS_CELL

}  // namespace keras::native::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace keras::native {

#define KERAS_CELL(name, Step, T)                                                 \
  HWY_EXPORT(name##_##T);                                                         \
  template <>                                                                     \
  void RecurrentCells<T>::name(const Step<T>& step, int64_t begin, int64_t end) { \
    HWY_DYNAMIC_DISPATCH(name##_##T)(step, begin, end);                           \
  }
#define KERAS_CELLS(T)                           \
  KERAS_CELL(lstm, LstmStep, T)                  \
  KERAS_CELL(lstm_grad, LstmStepGrad, T)         \
  KERAS_CELL(gru, GruStep, T)                    \
  KERAS_CELL(gru_gates, GruStep, T)              \
  KERAS_CELL(gru_candidate, GruStep, T)          \
  KERAS_CELL(gru_grad, GruStepGrad, T)           \
  KERAS_CELL(gru_candidate_grad, GruStepGrad, T) \
  KERAS_CELL(gru_gates_grad, GruStepGrad, T)
KERAS_CELLS(float)
KERAS_CELLS(double)
#undef KERAS_CELLS
#undef KERAS_CELL

namespace {

// Their slope follows from their result, which is all that the steps keep.
bool supported(int64_t activation) {
  switch (activation) {
    case KERAS_ACT_LINEAR:
    case KERAS_ACT_RELU:
    case KERAS_ACT_SIGMOID:
    case KERAS_ACT_TANH:
    case KERAS_ACT_RELU6:
    case KERAS_ACT_HARD_SIGMOID:
      return true;
    default:
      return false;
  }
}

}  // namespace

bool recurrence_of(const keras_op& op, int recurrent, int gates, bool masked, Recurrence& result,
                   std::string& reason) {
  const auto& attr = attributes<RecurrentAttributes>(op);
  if (!supported(attr.activation) || !supported(attr.recurrent_activation)) {
    reason = "recurrences are native with linear, relu, relu6, sigmoid, tanh and hard_sigmoid";
    return false;
  }
  const keras_desc& x = op.inputs[0];
  result.batch = x.shape[0];
  result.steps = x.shape[1];
  result.features = x.shape[2];
  result.units = op.inputs[recurrent].shape[0];
  result.activation = attr.activation;
  result.recurrent_activation = attr.recurrent_activation;
  result.reverse = attr.reverse != 0;
  result.reset_after = attr.reset_after != 0;
  result.masked = masked;
  result.wants_residuals = op.wants_residuals != 0;
  if (result.batch == 0 || result.steps == 0 || result.units == 0 || result.features == 0 ||
      op.inputs[recurrent].shape[1] != gates * result.units) {
    reason = "a recurrence over nothing";
    return false;
  }
  return true;
}

template <class T>
void column_sums(const T* rows, int64_t count, int64_t columns, T* sums) {
  constexpr int64_t kBlock = 64;  // summed apart, for the sake of rounding
  const Scratch memory(sizeof(T) * static_cast<size_t>(columns));
  T* const part = memory.as<T>();
  std::fill_n(sums, columns, T(0));
  for (int64_t r = 0; r < count; r += kBlock) {
    std::fill_n(part, columns, T(0));
    for (int64_t i = r; i < std::min(count, r + kBlock); ++i) {
      for (int64_t c = 0; c < columns; ++c) part[c] += rows[i * columns + c];
    }
    for (int64_t c = 0; c < columns; ++c) sums[c] += part[c];
  }
}
template void column_sums<float>(const float*, int64_t, int64_t, float*);
template void column_sums<double>(const double*, int64_t, int64_t, double*);

}  // namespace keras::native
#endif
