// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <vector>

#include "elementwise.h"

namespace keras::native {

/// A region of elementwise ops, run piece by piece: a piece goes through all ops while it is in the nearest
/// cache. Values are held in registers, which are pieces of an operand, of a result, or scratch memory; a
/// register that is the same everywhere (a scalar operand, a constant) is one element.
///
/// Building: add operands, then instructions in order, then finish(). Sizes are those of the results' shape;
/// operands are broadcast to it.
class FusionProgram {
 public:
  /// Number of a register.
  using Register = int;

  explicit FusionProgram(const keras_desc& shape);

  /// The k-th operand, counting the calls; `desc` must broadcast to the shape.
  Register add_operand(const keras_desc& desc);
  /// One element of `width` bytes.
  Register add_constant(const void* value, size_t width);
  /// What a loop makes of registers; elements of `width` bytes.
  Register add_loop(const ElementLoop& loop, const std::vector<Register>& in, size_t width);
  /// Half numbers as float32, and back.
  Register add_widening(int32_t half, Register in);
  Register add_narrowing(int32_t half, Register in);
  /// Says that the next result, counting the calls, is this register.
  void add_result(Register value);
  void finish();

  /// True when the result may stand in the operand's memory: each of its pieces is read before that of the
  /// result is written.
  bool may_overwrite(int operand, int result) const;
  void run(const keras_tensor* in, keras_tensor* out) const;

 private:
  enum class Kind { kOperand, kConstant, kScratch, kResult };
  struct Value {
    Kind kind;
    size_t width;
    bool uniform;    // one element stands for all
    int index = -1;  // which operand, constant, piece of scratch memory or result
    int maker = -1;  // instruction
    int last_read = -1;
  };
  struct Instruction {
    enum class Does { kLoop, kWiden, kNarrow } does;
    Loop loop;
    int32_t half;
    std::vector<Register> in;
    Register out;
  };
  struct Operand {
    Register value;
    bool dense;
    std::array<int64_t, KERAS_MAX_RANK> full;  // steps along the shape's axes
    std::array<int64_t, KERAS_MAX_RANK> step;  // along the merged axes
    bool repeats = false;                      // every row reads the same elements
    size_t laid_at = 0;                        // where short rows are laid out
  };
  struct Machine;

  Register add_value(Kind kind, size_t width, bool uniform);
  Register add_instruction(Instruction instruction, size_t width, int cost);
  bool all_uniform(const std::vector<Register>& in) const;
  void merge_axes();
  void place_results();
  void place_scratch();
  void choose_piece();
  void run_units(const keras_tensor* in, const keras_tensor* out, int64_t begin, int64_t end) const;
  void lay_out(const Operand& operand, const char* from, int64_t at, int64_t length, char* to) const;

  keras_desc shape_;
  std::vector<Value> values_;
  std::vector<Operand> operands_;
  std::vector<Instruction> instructions_;
  std::vector<std::array<char, 8>> constants_;
  std::vector<Register> results_;
  std::vector<Register> result_values_;  // by result: the register that is written to its memory

  int rank_ = 0;  // of the merged axes
  std::array<int64_t, KERAS_MAX_RANK> extent_{};
  int64_t count_ = 1;
  int cost_ = 0;
  int num_scratch_ = 0;
  size_t scratch_width_ = 1;
  int64_t piece_ = 0;        // elements at a time
  bool short_rows_ = false;  // a piece is several whole rows
  int64_t units_ = 0;        // pieces in all
  int64_t units_per_row_ = 1;
  size_t memory_bytes_ = 0;
  size_t scratch_at_ = 0;
  size_t uniform_at_ = 0;
};

}  // namespace keras::native
