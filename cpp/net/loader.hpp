// Datasets in memory, and the loader that gathers mini-batches from them.
#pragma once

#include <vector>

#include "../base/views.hpp"
#include "buffer.hpp"

namespace simdnn {

/// Inputs in memory: contiguous rows of one type of number, a sample each, to be multiplied by `scale`. A sparse matrix
/// is in SciPy's CSR format: row i has data[k], of the network's own type, in column indices[k] for k in
/// [indptr[i], indptr[i + 1]).
struct InputArray {
  const char* data = nullptr;
  DType dtype = DType::f32;
  Index rows = 0, columns = 0;
  double scale = 1;
  const Index *indptr = nullptr, *indices = nullptr;

  Index row_bytes() const { return columns * size_of(dtype); }
  const char* row(Index i) const { return data + i * row_bytes(); }
};

/// The classes that labels may have.
struct ClassRange {
  Index count = 0;              ///< classes are 0 to count - 1
  std::int64_t ignored = -100;  ///< the label of ignored samples

  /// The label as kernels read it, negative if it is ignored. Throws std::out_of_range, with the name of the argument
  /// and the row, if it is neither ignored nor a class.
  std::int64_t checked(std::int64_t label, Index row, const char* name = "y") const {
    if (std::uint64_t(label) < std::uint64_t(count) && label != ignored) return label;
    if (label != ignored) reject(label, row, name);
    return -1;
  }

 private:
  [[noreturn]] void reject(std::int64_t label, Index row, const char* name) const;
};

/// The weight of a sample; throws std::invalid_argument, with the row, unless it is a finite number >= 0.
template <class T>
T checked_weight(T weight, Index row);

/// A dataset in memory: each sample is a row of x, with a class or a row of values for each row of its output. Others
/// may write to the arrays at any time: the loader checks its own copies of the numbers that must be in a range.
template <class T>
struct DatasetView {
  InputArray x;
  Index time_steps = 1;                   ///< rows of input in a row of x: the time steps of a sequence
  Index output_time_steps = 1;            ///< rows of output of a sample
  const std::int64_t* classes = nullptr;  ///< labels
  const T* values = nullptr;              ///< contiguous rows as long as the network's output
  const T* weight = nullptr;              ///< nullptr: ones
};

/// Classes and weights of the rows of a batch, in the loader's own memory.
template <class T>
struct Labels {
  const std::int64_t* classes = nullptr;  ///< a negative class is ignored
  const T* weight = nullptr;              ///< nullptr: ones
};

/// Samples, gathered and cast, ready to pass through a network.
template <class T>
struct MiniBatch {
  Matrix<const T> x;
  const std::int64_t* classes = nullptr;  ///< a negative class is ignored
  const T* values = nullptr;
  const T* weight = nullptr;
};

/// An order of the samples, from a position on; without one they come in memory order.
struct SampleOrder {
  const Index* at = nullptr;
  Index left = 0;  ///< samples from `at` to the end of the epoch

  SampleOrder from(Index begin) const { return at ? SampleOrder{at + begin, left - begin} : *this; }
};

/// The order of an epoch's samples: shuffled as the seed and the epoch determine, or in memory order.
void fill_order(std::vector<Index>& order, Index count, bool shuffled, std::uint64_t seed, std::uint64_t epoch);

/// Gathers mini-batches into its buffers: first the labels of a whole batch, then its samples chunk by chunk.
template <class T>
class Loader {
 public:
  /// Makes room for `count` samples at once, with `outputs` numbers for each row of output.
  void reserve(const DatasetView<T>& samples, Index count, Index outputs);

  /// Copies the labels of `count` samples, chosen as in take(), and checks the copies: throws std::out_of_range for a
  /// class, std::invalid_argument for a weight. The copies are those of take() until the next call.
  Labels<T> begin_batch(const DatasetView<T>& samples, const SampleOrder& order, Index begin, Index count,
                        const ClassRange& range);

  /// `count` samples, cast to T: the first ones of the order or, without an order, those from `begin` on. The first of
  /// them is number `place` of the batch that began.
  MiniBatch<T> take(const DatasetView<T>& samples, const SampleOrder& order, Index begin, Index count, Index place);

  /// Loads one sample; entries of a sparse sample in the same column add up.
  static void load(const InputArray& x, Index i, T* to);

 private:
  MiniBatch<T> gather(const DatasetView<T>& samples, const SampleOrder& order, Index count);
  MiniBatch<T> contiguous_view(const DatasetView<T>& samples, Index begin, Index count);

  Index outputs_ = 0;
  Buffer<T> x_, values_;
  std::vector<T> weight_;
  std::vector<std::int64_t> classes_;
};

}  // namespace simdnn
