// Targets of losses and sample weights, converted from Python objects and checked.
#pragma once

#include <functional>

#include "../net/loss.hpp"
#include "arrays.hpp"

namespace simdnn {

/// The text of a shape, such as "(3, 4)".
std::string shape_text(const std::vector<Index>& shape);

/// End of an error message about a shape; it is formatted only if the error occurs.
using Clause = std::function<std::string()>;

/// Raises unless the array has the wanted shape.
void check_shape(const py::array& array, const char* name, const std::vector<Index>& wanted, const Clause& clause);

/// The memory that targets and sample weights are read from.
enum class Memory {
  shared,      ///< the caller's own where its layout allows; a loader copies and checks labels as it reads them
  own_labels,  ///< checked copies of classes, negative where they are ignored, and of weights; values are shared
  own,         ///< checked copies of everything, for a loader
  own_part,    ///< like own, for a part of the samples, whose weights may all be 0
};

/// True for copies of everything.
inline bool owns_all(Memory memory) { return memory == Memory::own || memory == Memory::own_part; }

/// Arrays of targets, kept alive here. A pointer is nullptr if the loss has no target of its kind.
template <class T>
struct Targets {
  std::optional<Array<std::int64_t>> class_array;
  std::optional<Array<T>> value_array;

  const std::int64_t* classes() const { return class_array ? class_array->data() : nullptr; }
  const T* values() const { return value_array ? value_array->data() : nullptr; }

  /// Converts the targets of samples that are arranged in the shape `samples`, each with `columns` outputs; `clause`
  /// ends error messages.
  Targets(const Loss& loss, const py::object& object, const char* name, const std::vector<Index>& samples,
          Index columns, const Clause& clause, Memory memory);

 private:
  void take_classes(const Loss& loss, const py::object& object, const char* name, const std::vector<Index>& samples,
                    Index columns, const Clause& clause, Memory memory);
  void take_values(const py::object& object, const char* name, std::vector<Index> samples, Index columns,
                   const Clause& clause, Memory memory);
};

/// The numbers that targets of a loss may be. Those of kl_div may be logarithms.
Domain domain_of(const Loss& loss);

/// Raises if a number is out of a domain; the message names the argument and the loss.
template <class T>
void check_numbers(Domain domain, const Loss& loss, const Array<T>& values, const char* name);

/// Raises if a target is out of the domain of the loss.
template <class T>
void check_domain(const Loss& loss, const Array<T>& values, const char* name);

/// Checked sample weights >= 0 with a positive finite sum, in the shape of the samples.
template <class T>
Array<T> sample_weights(const py::object& object, const std::vector<Index>& samples, const Clause& clause,
                        Memory memory);

}  // namespace simdnn
