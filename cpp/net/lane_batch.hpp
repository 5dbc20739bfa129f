// The mini-batches of sixteen networks in lanes: samples, checked labels, losses.
#pragma once

#include <array>

#include "../kernels/lane_table.hpp"
#include "lane_optimizer.hpp"
#include "trainer.hpp"

namespace simdnn {

template <class T>
class LaneBatch {
 public:
  /// For up to `batch` samples of each network, of which up to `rows` are loaded at once.
  LaneBatch(const Loss& loss, Index inputs, Index outputs, Index batch, Index rows);

  /// Sets the samples of a lane for the next calls: `count` rows from place `begin` of an order, or of the dataset. The
  /// last one fills up a longer batch.
  void set_samples(Index lane, const DatasetView<T>& samples, const Index* order, Index begin, Index count);

  /// Copies and checks the labels of a lane's first `count` samples, as Loader::begin_batch() does, and adds their
  /// weights to the divisor of the mean loss.
  void load_labels(Index lane, Index count, double& divisor);

  /// Fills x with `rows` samples of each lane from sample `begin` on, and keeps their targets. Other lanes get the
  /// samples of the first one.
  void load_samples(LaneMask lanes, Index begin, Index rows, const Matrix<T>& x);

  /// Computes the losses of the samples that were loaded; `gradient`, scaled by each lane's `scale`, may be nullptr.
  void evaluate(LaneMask lanes, const T* output, const double* scale, T* gradient);

  /// Adds the losses and counts of a lane's first `rows` loaded samples to its sums.
  void add_losses(Index lane, Index rows, LossSums& sums) const;

 private:
  struct Samples {
    const DatasetView<T>* view = nullptr;
    const Index* order = nullptr;
    Index begin = 0, last = 0;
    Index row(Index i) const {
      i = std::min(begin + i, last);
      return order ? order[i] : i;
    }
  };

  void reset_weights(Index lane);
  bool load_classes(const Samples& own, Index count, std::int64_t* to) const;
  LaneLossRows<T> loss_rows(const T* output, const double* scale, T* gradient);
  void evaluate_rows(LaneMask lanes, const LaneLossRows<T>& rows);
  void run_rows(const LaneLossRows<T>& rows, Index first, Index all, double scale);

  const Loss& loss_;
  Index inputs_, outputs_;
  std::array<Samples, kLaneGroup> samples_{};
  bool has_classes_ = false, has_values_ = false;
  LaneMask weighted_ = 0, ignoring_ = 0;  ///< lanes with weights that may differ from 1, with classes to ignore
  std::vector<std::int64_t> classes_;     ///< [batch, lanes]
  std::vector<T> weight_;                 ///< [batch, lanes]
  Index begin_ = 0, rows_ = 0;            ///< samples that are loaded
  Buffer<T> values_, one_;                ///< targets in lanes; a sample that was cast, of each lane
  std::vector<double> row_loss_;
  std::vector<std::uint8_t> row_correct_;
  Buffer<T> row_output_, row_values_;  ///< row-major copies for losses that are computed row by row
  std::vector<T> row_weight_;
  std::vector<std::int64_t> row_classes_;
  std::vector<double> single_loss_;
  std::vector<std::uint8_t> single_correct_;
};

}  // namespace simdnn
