// Descriptions of operations (names, formulas, sources, error bounds) as plain data for kernels and bindings.
#pragma once

namespace simdnn {

/// The value that f'(x) is computed from in the backward pass of a network.
enum class Reads {
  output,  ///< f(x) determines f'(x) without loss of accuracy: the network keeps no input
  input,   ///< f'(x) needs x: the forward pass stores it together with f(x), sharing the exponential
};

/// A parameter of an activation: its keyword and its default.
struct ActivationParameter {
  const char* name = nullptr;
  double value = 0;
};

constexpr int kMaxParameters = 2;

/// One activation or elementary function, as documentation, tests and Python see it.
struct Description {
  const char* name;
  const char* summary;                       ///< one line of documentation
  const char* formula;                       ///< f(x)
  const char* derivative_formula = nullptr;  ///< f'(x); nullptr for an elementary function
  const char* kink;                          ///< the derivative where it jumps, and the limits at +-inf
  const char* source;                        ///< paper and section
  const char* example;                       ///< one doctest expression of simdnn.functional as F
  const char* example_value;                 ///< the output of the example
  Reads reads = Reads::input;
  double value_ulp;           ///< float32 error bound of f against the exact value, in units in the last place
  double derivative_ulp = 0;  ///< float32 error bound of f', in units in the last place
  double cost;                ///< rough nanoseconds per element of f, to decide when threads pay
  bool rectifier = false;     ///< large positive x pass unchanged: weights get He initialization (He et al. 2015)
  ActivationParameter parameters[kMaxParameters] = {};

  constexpr int parameter_count() const {
    int count = 0;
    while (count < kMaxParameters && parameters[count].name != nullptr) ++count;
    return count;
  }
};

/// Limits of the ranges of hyper-parameters.
constexpr double kUnbounded = __builtin_inf();
constexpr double kLeast = 1e-300;                ///< lower limit of a hyper-parameter that must be positive
constexpr double kUpToOne = 1.0000000000000002;  ///< upper limit of a half-open range that includes 1

/// Kinds of values that a hyper-parameter takes in Python. Each is kept as a double.
enum class HyperKind {
  number,
  flag,      ///< 0 or 1
  bound,     ///< a number; infinity bounds nothing and is None in Python
  eps_mode,  ///< an EpsMode by its name
};

/// Position of eps at the root of a bias-corrected mean square v / c.
enum EpsMode {
  kOutside,  ///< sqrt(v / c) + eps: PyTorch
  kInside,   ///< sqrt(v / c + eps): Goodfellow et al. 2016, algorithm 8.5; Keras' RMSprop and Adagrad
  kHat,      ///< (sqrt(v) + eps) / sqrt(c): Kingma & Ba 2015, end of section 2; Keras' Adam
  kEpsModes
};
constexpr const char* kEpsModeNames[kEpsModes] = {"outside", "inside", "hat"};

/// A parameter of a loss or an update rule: keyword, default, and the half-open range [low, high) that is allowed.
struct Hyper {
  const char* name = nullptr;
  double value = 0, low = 0, high = 0;
  const char* doc = nullptr;  ///< a sentence or two for the documentation in Python
  HyperKind kind = HyperKind::number;

  static constexpr Hyper nonnegative(const char* name, double value, const char* doc) {
    return {name, value, 0, kUnbounded, doc};
  }
  static constexpr Hyper decay(const char* name, double value, const char* doc) { return {name, value, 0, 1, doc}; }
  static constexpr Hyper flag(const char* name, bool value, const char* doc) {
    return {name, double(value), 0, 2, doc, HyperKind::flag};
  }
  static constexpr Hyper bound(const char* name, const char* doc) {
    return {name, kUnbounded, 0, kUnbounded, doc, HyperKind::bound};
  }
};

/// The kind of target that a loss compares the network's output with.
enum class Target {
  classes,  ///< one class index per sample
  either,   ///< per sample, one class index or one row of probabilities
  values,   ///< per sample, a row with one number per output
  both,     ///< per sample, a row with one number per output, and a class index if it is given as well
};

/// The numbers that targets or outputs of a loss may be; NaN may be among them, and spreads.
enum class Domain {
  any,
  sign,         ///< -1 or 1
  probability,  ///< in [0, 1], but sums and products of probabilities in float32 may exceed 1 by their rounding
  unit,         ///< in [0, 1]
  nonnegative,  ///< at least 0
};

/// The way in which a loss combines a sample's outputs.
enum class Outputs {
  together,  ///< one loss for the whole row
  averaged,  ///< one loss per output; the sample's loss is their mean
  summed,    ///< one loss per output; the sample's loss is their sum
};

constexpr int kMaxLossParameters = 3;

/// One loss, as documentation, tests and Python see it.
struct LossDescription {
  const char* name;
  const char* summary;
  const char* formula;
  const char* source;
  Target target;
  const char* function = nullptr;  ///< name in simdnn.functional, if the function is generated from this description
  const char* example = nullptr;   ///< arguments of a doctest of that function
  const char* example_value = nullptr;
  Outputs outputs = Outputs::together;
  Hyper parameters[kMaxLossParameters] = {};
  bool logits = false;                 ///< the outputs are logits: the network must not end with a softmax
  Domain domain = Domain::any;         ///< that of targets
  Domain output_domain = Domain::any;  ///< that of outputs that a function gets

  constexpr int parameter_count() const {
    int count = 0;
    while (count < kMaxLossParameters && parameters[count].name != nullptr) ++count;
    return count;
  }
};

/// A scalar of an optimizer's state, by PyTorch's name, with its initial value.
struct ScalarState {
  const char* name = nullptr;
  double value = 0;
};

constexpr int kMaxHypers = 12;
constexpr int kMaxSlots = 3;
constexpr int kMaxScalars = 1;

/// One update rule, as documentation, tests and Python see it.
struct RuleDescription {
  const char* name;
  const char* formula;
  const char* source;
  const char* slots[kMaxSlots];  ///< state buffers, by PyTorch's names
  Hyper hypers[kMaxHypers];
  ScalarState scalar_state[kMaxScalars] = {};
  bool counts = true;  ///< true if PyTorch's state of this rule has a "step"

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
  constexpr int scalar_count() const { return scalar_state[0].name == nullptr ? 0 : kMaxScalars; }
};

constexpr int kMaxScheduleValues = 4;

/// A number of a piece of a schedule, with its least and its largest value.
struct ScheduleValue {
  const char* name = nullptr;
  double low = 0, high = kUnbounded;  ///< infinity itself is in no range
  bool whole = false;
};

/// One kind of piece of a learning-rate schedule: a function of the steps since the piece began.
struct ScheduleDescription {
  const char* name;
  const char* formula;
  const char* source;
  ScheduleValue values[kMaxScheduleValues];  ///< the piece's numbers, in order

  constexpr int value_count() const {
    int count = 0;
    while (count < kMaxScheduleValues && values[count].name != nullptr) ++count;
    return count;
  }
};

}  // namespace simdnn
