// What the registry says of an operation besides its arithmetic. Plain data: shared by every level and the bindings.
#pragma once

namespace simdnn {

/// What f'(x) is computed from in the backward pass of a network.
enum class Reads {
  output,  ///< f(x) alone, without loss: the network keeps no input
  input,   ///< x: the network's forward pass stores f'(x) beside f(x), sharing the exponential
};

/// A parameter of an activation: its keyword and its default.
struct Parameter {
  const char* name = nullptr;
  double value = 0;
};

constexpr int kMaxParameters = 2;

/// One activation or elementary function, as documentation, tests and Python see it.
struct Description {
  const char* name;
  const char* summary;                       ///< one line: what it is
  const char* formula;                       ///< f(x)
  const char* derivative_formula = nullptr;  ///< f'(x); none for an elementary function
  const char* kink;                          ///< the derivative where it jumps, and the limits at +-inf
  const char* source;                        ///< paper and section
  const char* example;                       ///< one doctest expression of simdnn.functional as F
  const char* example_value;                 ///< what it prints
  Reads reads = Reads::input;
  double value_ulp;           ///< float32 error bound of f against the exact value, in units in the last place
  double derivative_ulp = 0;  ///< the same of f'
  double cost;                ///< rough nanoseconds per element of f, to decide when threads pay
  bool rectifier = false;     ///< passes a large positive x on: weights begin as He et al. 2015 have it
  Parameter parameters[kMaxParameters] = {};

  constexpr int parameter_count() const {
    int count = 0;
    while (count < kMaxParameters && parameters[count].name != nullptr) ++count;
    return count;
  }
};

/// What a loss compares the network's output with.
enum class Target { classes, values };

struct LossDescription {
  const char* name;
  const char* summary;
  const char* formula;
  const char* source;
  Target target;
};

/// A hyper-parameter of an update rule: keyword, default, and the half-open range [low, high) that is allowed.
struct Hyper {
  const char* name = nullptr;
  double value = 0, low = 0, high = 0;
};

constexpr int kMaxHypers = 8;
constexpr int kMaxSlots = 3;

struct RuleDescription {
  const char* name;
  const char* formula;
  const char* source;
  const char* slots[kMaxSlots];  ///< state buffers, by PyTorch's names
  Hyper hypers[kMaxHypers];

  constexpr int slot_count() const {
    int count = 0;
    while (count < kMaxSlots && slots[count] != nullptr) ++count;
    return count;
  }
  constexpr int hyper_count() const {
    int count = 0;
    while (count < kMaxHypers && hypers[count].name != nullptr) ++count;
    return count;
  }
};

}  // namespace simdnn
