// SPDX-License-Identifier: Apache-2.0
#include "fusion_program.h"

#include <algorithm>
#include <cstring>

#include "half.h"

namespace keras::native {
namespace {

constexpr int64_t kGrain = 16384;        // additions worth a thread
constexpr int64_t kShortRow = 256;       // shorter rows are taken several at a time
constexpr int64_t kMostPiece = 1024;     // elements
constexpr size_t kScratchBytes = 24576;  // of all scratch registers: half of the nearest cache
constexpr size_t kLine = 64;

size_t rounded(size_t bytes) { return (bytes + kLine - 1) / kLine * kLine; }

template <class T>
void lay_row(const char* from, int64_t step, int64_t length, char* to) {
  T* target = reinterpret_cast<T*>(to);
  const T* source = reinterpret_cast<const T*>(from);
  if (step == 0) {
    std::fill_n(target, length, *source);
  } else {
    std::copy_n(source, length, target);
  }
}

}  // namespace

FusionProgram::FusionProgram(const keras_desc& shape) : shape_(shape), count_(element_count(shape)) {}

FusionProgram::Register FusionProgram::add_value(Kind kind, size_t width, bool uniform) {
  values_.push_back({kind, width, uniform});
  return static_cast<Register>(values_.size()) - 1;
}

FusionProgram::Register FusionProgram::add_operand(const keras_desc& desc) {
  Operand operand{};
  const bool uniform = element_count(desc) == 1;
  operand.dense = !uniform && element_count(desc) == count_;
  operand.value = add_value(Kind::kOperand, dtype_size(desc.dtype), uniform);
  values_.back().index = static_cast<int>(operands_.size());
  int64_t step = 1;
  for (int axis = desc.rank - 1; axis >= 0; --axis) {
    operand.full[axis + shape_.rank - desc.rank] = desc.shape[axis] == 1 ? 0 : step;
    step *= desc.shape[axis];
  }
  operands_.push_back(operand);
  return operand.value;
}

FusionProgram::Register FusionProgram::add_constant(const void* value, size_t width) {
  const Register constant = add_value(Kind::kConstant, width, true);
  values_.back().index = static_cast<int>(constants_.size());
  std::memcpy(constants_.emplace_back().data(), value, width);
  return constant;
}

bool FusionProgram::all_uniform(const std::vector<Register>& in) const {
  return std::all_of(in.begin(), in.end(), [this](Register v) { return values_[v].uniform; });
}

FusionProgram::Register FusionProgram::add_instruction(Instruction instruction, size_t width, int cost) {
  const int number = static_cast<int>(instructions_.size());
  const bool uniform = all_uniform(instruction.in);
  for (const Register v : instruction.in) values_[v].last_read = number;
  instruction.out = add_value(Kind::kScratch, width, uniform);
  values_.back().maker = number;
  if (!uniform) cost_ += cost;
  instructions_.push_back(std::move(instruction));
  return instructions_.back().out;
}

FusionProgram::Register FusionProgram::add_loop(const ElementLoop& loop, const std::vector<Register>& in,
                                                size_t width) {
  return add_instruction({Instruction::Does::kLoop, loop.loop, 0, in, -1}, width, loop.cost);
}
FusionProgram::Register FusionProgram::add_widening(int32_t half, Register in) {
  return add_instruction({Instruction::Does::kWiden, nullptr, half, {in}, -1}, sizeof(float), 1);
}
FusionProgram::Register FusionProgram::add_narrowing(int32_t half, Register in) {
  return add_instruction({Instruction::Does::kNarrow, nullptr, half, {in}, -1}, sizeof(uint16_t), 1);
}

void FusionProgram::add_result(Register value) { results_.push_back(value); }

void FusionProgram::finish() {
  place_results();
  if (count_ == 0) return;
  merge_axes();
  place_scratch();
  choose_piece();
}

// A result is made in its own memory. What cannot be (an operand, one element for all, a value that is a
// result already) is copied there.
void FusionProgram::place_results() {
  for (size_t k = 0; k < results_.size(); ++k) {
    Register v = results_[k];
    if (values_[v].kind != Kind::kScratch || values_[v].uniform) {
      const size_t width = values_[v].width;
      const int number = static_cast<int>(instructions_.size());
      values_[v].last_read = number;
      instructions_.push_back({Instruction::Does::kLoop, same_loop(width), 0, {v}, -1});
      v = add_value(Kind::kScratch, width, false);
      values_.back().maker = number;
      instructions_.back().out = v;
      ++cost_;
    }
    values_[v].kind = Kind::kResult;
    values_[v].index = static_cast<int>(k);
    result_values_.push_back(v);
  }
}

// Neighbouring axes are one where every operand steps through them as through one.
void FusionProgram::merge_axes() {
  for (int axis = 0; axis < shape_.rank; ++axis) {
    const int64_t extent = shape_.shape[axis];
    if (extent == 1) continue;
    bool merges = rank_ > 0;
    for (const Operand& operand : operands_) {
      merges = merges && operand.step[rank_ - 1] == operand.full[axis] * extent;
    }
    if (!merges) extent_[rank_++] = 1;
    extent_[rank_ - 1] *= extent;
    for (Operand& operand : operands_) operand.step[rank_ - 1] = operand.full[axis];
  }
  if (rank_ == 0) {
    rank_ = 1;
    extent_[0] = 1;
    for (Operand& operand : operands_) operand.step[0] = 0;
  }
  for (Operand& operand : operands_) {
    operand.repeats = true;
    for (int axis = 0; axis + 1 < rank_; ++axis) operand.repeats &= operand.step[axis] == 0;
  }
}

// Gives registers their pieces of scratch memory; a piece is free again after its value's last reader. A
// result of the same width may stand where an operand of its instruction stands.
void FusionProgram::place_scratch() {
  std::vector<int> free;
  std::vector<std::vector<Register>> dying(instructions_.size());
  for (Register v = 0; v < static_cast<Register>(values_.size()); ++v) {
    const Value& value = values_[v];
    if (value.kind == Kind::kScratch && !value.uniform) {
      dying[static_cast<size_t>(std::max(value.last_read, value.maker))].push_back(v);
      scratch_width_ = std::max(scratch_width_, value.width);
    }
  }
  int uniforms = 0;
  for (size_t n = 0; n < instructions_.size(); ++n) {
    Value& made = values_[instructions_[n].out];
    const auto let_go = [&](bool same_width) {
      for (const Register v : dying[n]) {
        if (v != instructions_[n].out && (values_[v].width == made.width) == same_width) {
          free.push_back(values_[v].index);
        }
      }
    };
    let_go(true);
    if (made.kind == Kind::kScratch && made.uniform) {
      made.index = uniforms++;
    } else if (made.kind == Kind::kScratch) {
      if (free.empty()) free.push_back(num_scratch_++);
      made.index = free.back();
      free.pop_back();
    }
    let_go(false);
    if (made.kind == Kind::kScratch && !made.uniform && made.last_read < 0) free.push_back(made.index);
  }
  uniform_at_ = rounded(values_.size() * (sizeof(void*) + sizeof(int)));
  scratch_at_ = uniform_at_ + static_cast<size_t>(uniforms) * kLine;
}

void FusionProgram::choose_piece() {
  const int64_t row = extent_[rank_ - 1];
  const auto fits =
      static_cast<int64_t>(kScratchBytes / (scratch_width_ * static_cast<size_t>(std::max(num_scratch_, 1))));
  piece_ = std::clamp<int64_t>(fits / 64 * 64, 256, kMostPiece);
  short_rows_ = rank_ > 1 && row < kShortRow;
  if (short_rows_) {
    piece_ = std::max<int64_t>(piece_ / row, 1) * row;
    units_ = (count_ + piece_ - 1) / piece_;
  } else {
    piece_ = std::min(piece_, row);
    units_per_row_ = (row + piece_ - 1) / piece_;
    units_ = count_ / row * units_per_row_;
  }
  memory_bytes_ =
      scratch_at_ + static_cast<size_t>(num_scratch_) * rounded(static_cast<size_t>(piece_) * scratch_width_);
  if (!short_rows_) return;
  for (Operand& operand : operands_) {
    if (operand.dense || values_[operand.value].uniform) continue;
    operand.laid_at = memory_bytes_;
    memory_bytes_ += rounded(static_cast<size_t>(piece_) * values_[operand.value].width);
  }
}

bool FusionProgram::may_overwrite(int operand, int result) const {
  const Operand& read = operands_[static_cast<size_t>(operand)];
  const Value& written = values_[result_values_[static_cast<size_t>(result)]];
  return read.dense && values_[read.value].last_read <= written.maker &&
         values_[read.value].width == written.width;
}

void FusionProgram::run(const keras_tensor* in, keras_tensor* out) const {
  for (size_t k = 0; k < results_.size(); ++k) output(out[k]);
  if (count_ == 0) return;
  const int64_t grain = std::max<int64_t>(1, kGrain / (std::max(cost_, 1) * piece_));
  parallel_for(units_, grain, [=, this](int64_t begin, int64_t end) { run_units(in, out, begin, end); });
}

// The registers of one thread.
struct FusionProgram::Machine {
  const FusionProgram& program;
  const void** at;  // by register
  int* step;        // by register: 1, or 0 where one element stands for the piece

  void execute(const Instruction& instruction, int64_t length) const {
    void* out = const_cast<void*>(at[instruction.out]);
    const Register first = instruction.in.front();
    if (instruction.does == Instruction::Does::kLoop) {
      const void* in[3];
      int steps[3];
      for (size_t i = 0; i < instruction.in.size(); ++i) {
        in[i] = at[instruction.in[i]];
        steps[i] = step[instruction.in[i]];
      }
      instruction.loop(in, steps, out, length);
      return;
    }
    // One element stays one element, unless it is a result.
    const int64_t count = step[first] == 0 ? 1 : length;
    const bool fills = count < length && program.values_[instruction.out].kind == Kind::kResult;
    step[instruction.out] = fills ? 1 : step[first];
    if (instruction.does == Instruction::Does::kWiden) {
      auto* floats = static_cast<float*>(out);
      half_to_float(instruction.half, at[first], floats, count);
      if (fills) std::fill_n(floats, length, floats[0]);
    } else {
      auto* halves = static_cast<uint16_t*>(out);
      float_to_half(instruction.half, static_cast<const float*>(at[first]), halves, count);
      if (fills) std::fill_n(halves, length, halves[0]);
    }
  }
};

void FusionProgram::run_units(const keras_tensor* in, const keras_tensor* out, int64_t begin,
                              int64_t end) const {
  const Scratch memory(memory_bytes_);
  char* const base = memory.as<char>();
  const Machine machine{*this, reinterpret_cast<const void**>(base),
                        reinterpret_cast<int*>(base + values_.size() * sizeof(void*))};
  const size_t scratch_bytes = rounded(static_cast<size_t>(piece_) * scratch_width_);
  for (size_t v = 0; v < values_.size(); ++v) {
    const Value& value = values_[v];
    const auto index = static_cast<size_t>(value.index);
    machine.step[v] = value.uniform ? 0 : 1;
    if (value.kind == Kind::kConstant) machine.at[v] = constants_[index].data();
    if (value.kind == Kind::kOperand) machine.at[v] = in[index].buffer->data;
    if (value.kind == Kind::kScratch) {
      machine.at[v] =
          value.uniform ? base + uniform_at_ + index * kLine : base + scratch_at_ + index * scratch_bytes;
    }
  }
  for (const Instruction& instruction : instructions_) {
    if (values_[instruction.out].uniform) machine.execute(instruction, 1);
  }
  const int64_t row = extent_[rank_ - 1];
  for (int64_t unit = begin; unit < end; ++unit) {
    int64_t column = 0;
    int64_t first = unit * piece_;  // element of the result
    int64_t length = 0;
    if (short_rows_) {
      length = std::min(piece_, count_ - first);
    } else {
      column = unit % units_per_row_ * piece_;
      first = unit / units_per_row_ * row + column;
      length = std::min(piece_, row - column);
    }
    for (size_t k = 0; k < operands_.size(); ++k) {
      const Operand& operand = operands_[k];
      const Value& value = values_[operand.value];
      if (value.uniform) continue;
      const char* from = static_cast<const char*>(in[k].buffer->data);
      const auto width = static_cast<int64_t>(value.width);
      if (operand.dense) {
        machine.at[operand.value] = from + first * width;
      } else if (short_rows_) {
        if (unit == begin || !operand.repeats) lay_out(operand, from, first, length, base + operand.laid_at);
        machine.at[operand.value] = base + operand.laid_at;
      } else {
        int64_t rest = unit / units_per_row_;
        int64_t offset = column * operand.step[rank_ - 1];
        for (int axis = rank_ - 2; axis >= 0; --axis) {
          offset += rest % extent_[axis] * operand.step[axis];
          rest /= extent_[axis];
        }
        machine.at[operand.value] = from + offset * width;
        machine.step[operand.value] = static_cast<int>(operand.step[rank_ - 1]);
      }
    }
    for (size_t k = 0; k < result_values_.size(); ++k) {
      const Register v = result_values_[k];
      machine.at[v] =
          static_cast<char*>(out[k].buffer->data) + first * static_cast<int64_t>(values_[v].width);
    }
    for (const Instruction& instruction : instructions_) {
      if (!values_[instruction.out].uniform) machine.execute(instruction, length);
    }
  }
}

// Whole short rows one after the other, as the operand has them.
void FusionProgram::lay_out(const Operand& operand, const char* from, int64_t at, int64_t length,
                            char* to) const {
  const auto width = static_cast<int64_t>(values_[operand.value].width);
  const int64_t row = extent_[rank_ - 1];
  const int64_t step = operand.step[rank_ - 1];
  for (int64_t done = 0; done < length; done += row) {
    int64_t rest = (at + done) / row;
    int64_t offset = 0;
    for (int axis = rank_ - 2; axis >= 0; --axis) {
      offset += rest % extent_[axis] * operand.step[axis];
      rest /= extent_[axis];
    }
    const char* source = from + offset * width;
    char* target = to + done * width;
    switch (width) {
      case 1:
        lay_row<uint8_t>(source, step, row, target);
        break;
      case 2:
        lay_row<uint16_t>(source, step, row, target);
        break;
      case 4:
        lay_row<uint32_t>(source, step, row, target);
        break;
      default:
        lay_row<uint64_t>(source, step, row, target);
    }
  }
}

}  // namespace keras::native
