// Samples in memory, and how some of them become a part of a batch.
#pragma once

#include <vector>

#include "buffer.hpp"

namespace simdnn {

/// Inputs in memory: contiguous rows of one kind of number, each a sample, to be multiplied by `scale`. Sparse ones
/// have `starts`: of row i, data[k] of the network's own kind stands in column places[k], for starts[i] <= k < starts[i
/// + 1].
struct Source {
  const char* data = nullptr;
  Element element = Element::single;
  Index rows = 0, columns = 0;
  double scale = 1;
  const Index *starts = nullptr, *places = nullptr;

  Index row_bytes() const { return columns * size_of(element); }
  const char* row(Index i) const { return data + i * row_bytes(); }
};

/// Samples in memory: each a row of x, with a class or a row of values for each row of its output.
template <class T>
struct Samples {
  Source x;
  Index steps = 1;                        ///< rows of input that lie in a row of x: the time steps of a sequence
  Index output_steps = 1;                 ///< rows of output of a sample
  const std::int64_t* classes = nullptr;  ///< a negative class is ignored
  const T* values = nullptr;              ///< contiguous rows as long as the network's output
  const T* weight = nullptr;              ///< nullptr: ones
};

/// Some samples, ready to pass through a network.
template <class T>
struct Part {
  Matrix<const T> x;
  const std::int64_t* classes = nullptr;
  const T* values = nullptr;
  const T* weight = nullptr;
};

/// An order of samples, from a place on; without one they come as they lie.
struct Order {
  const Index* at = nullptr;
  Index left = 0;  ///< places from `at` to the end of the epoch

  Order from(Index begin) const { return at ? Order{at + begin, left - begin} : *this; }
};

template <class T>
class Loader {
 public:
  /// Room for so many samples at once, of `outputs` numbers for each row of output.
  void reserve(const Samples<T>& samples, Index count, Index outputs);

  /// `count` samples: the first ones of the order, or those from `begin` on; cast, if they are other numbers than T.
  Part<T> take(const Samples<T>& samples, const Order& order, Index begin, Index count);

 private:
  void load(const Source& x, Index i, T* to) const;
  Part<T> gather(const Samples<T>& samples, const Order& order, Index count);
  Part<T> where_they_lie(const Samples<T>& samples, Index begin, Index count);

  Index outputs_ = 0;
  Buffer<T> x_, values_, weight_;
  std::vector<std::int64_t> classes_;
};

}  // namespace simdnn
