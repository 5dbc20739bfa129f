#include "lane_batch.hpp"

namespace simdnn {

template <class T>
LaneBatch<T>::LaneBatch(const Loss& loss, Index inputs, Index outputs, Index batch, Index rows)
    : loss_(loss),
      inputs_(inputs),
      outputs_(outputs),
      classes_(std::size_t(batch * kLaneGroup), 0),
      weight_(std::size_t(batch * kLaneGroup), T(1)),
      values_(rows * outputs * kLaneGroup),
      one_(inputs * kLaneGroup),
      row_loss_(std::size_t(rows * kLaneGroup)),
      row_correct_(row_loss_.size()),
      row_output_(rows * outputs * kLaneGroup),
      row_values_(rows * outputs * kLaneGroup),
      row_weight_(row_loss_.size()),
      row_classes_(row_loss_.size()),
      single_loss_(row_loss_.size()),
      single_correct_(row_loss_.size()) {}

template <class T>
void LaneBatch<T>::set_samples(Index lane, const DatasetView<T>& samples, const Index* order, Index begin,
                               Index count) {
  samples_[std::size_t(lane)] = {&samples, order, begin, begin + count - 1};
}

/// Sets the weights of a lane to 1, after samples with others.
template <class T>
void LaneBatch<T>::reset_weights(Index lane) {
  for (std::size_t i = std::size_t(lane); i < weight_.size(); i += std::size_t(kLaneGroup)) weight_[i] = T(1);
  weighted_ &= ~(LaneMask(1) << lane);
}

template <class T>
void LaneBatch<T>::load_labels(Index lane, Index count, double& divisor) {
  const Samples& own = samples_[std::size_t(lane)];
  const DatasetView<T>& view = *own.view;
  std::int64_t* const classes = view.classes ? classes_.data() + lane : nullptr;
  T* const weight = view.weight ? weight_.data() + lane : nullptr;
  const bool plain = !classes || load_classes(own, count, classes);
  for (Index i = 0; weight && i < count; ++i) {
    const Index row = own.row(i);
    weight[i * kLaneGroup] = checked_weight(read_once(view.weight + row), row);
  }
  const LaneMask bit = LaneMask(1) << lane;
  if (!plain) ignoring_ |= bit;
  if (plain) ignoring_ &= ~bit;
  if (weight) weighted_ |= bit;
  if (!weight && weighted_ & bit) reset_weights(lane);
  if (plain && !weight && loss_.class_weight.empty()) {
    divisor += double(count);
  } else {
    loss_.add_to_divisor(classes, view.values != nullptr, weight, count, divisor, kLaneGroup);
  }
}

/// Copies and checks classes; returns true if none is ignored.
template <class T>
bool LaneBatch<T>::load_classes(const Samples& own, Index count, std::int64_t* to) const {
  const ClassRange range{outputs_, loss_.ignore_index};
  const std::int64_t* const from = own.view->classes;
  bool plain = true;
  for (Index i = 0; i < count; ++i) {
    const std::int64_t label = read_once(from + own.row(i));
    plain = plain && std::uint64_t(label) < std::uint64_t(range.count) && label != range.ignored;
    to[i * kLaneGroup] = label;
  }
  if (plain) return true;
  std::int64_t unknown = 0;
  Index place = count;
  for (Index i = count; i-- > 0;) {
    std::int64_t& label = to[i * kLaneGroup];
    const bool known = std::uint64_t(label) < std::uint64_t(range.count) || label == range.ignored;
    if (!known) unknown = label;
    if (!known) place = i;
    label = known && label != range.ignored ? label : -1;  // kernels read only classes, even after an error
  }
  if (place < count) range.checked(unknown, own.row(place));
  return false;
}

template <class T>
void LaneBatch<T>::load_samples(LaneMask lanes, Index begin, Index rows, const Matrix<T>& x) {
  const auto to_lanes = typed_kernels<T>().lanes->rows_to_lanes;
  const Samples* const first = &samples_[std::size_t(__builtin_ctz(lanes))];
  const Samples* own[kLaneGroup];
  bool in_place = true;
  for (Index l = 0; l < kLaneGroup; ++l) {
    own[l] = lanes >> l & 1 ? &samples_[std::size_t(l)] : first;
    const InputArray& input = own[l]->view->x;
    in_place = in_place && input.dtype == kDType<T> && input.scale == 1 && !input.indptr;
  }
  begin_ = begin;
  rows_ = rows;
  has_classes_ = first->view->classes != nullptr;
  has_values_ = first->view->values != nullptr;
  const T* row[kLaneGroup];
  for (Index i = 0; i < rows; ++i) {
    for (Index l = 0; l < kLaneGroup; ++l) {
      const InputArray& input = own[l]->view->x;
      const Index place = own[l]->row(begin + i);
      if (in_place) {
        row[l] = reinterpret_cast<const T*>(input.row(place));
      } else {
        T* const sample = one_.data() + l * inputs_;
        Loader<T>::load(input, place, sample);
        row[l] = sample;
      }
    }
    to_lanes(row, inputs_, x.data + i * x.stride * kLaneGroup);
  }
  for (Index i = 0; has_values_ && i < rows; ++i) {
    for (Index l = 0; l < kLaneGroup; ++l) row[l] = own[l]->view->values + own[l]->row(begin + i) * outputs_;
    to_lanes(row, outputs_, values_.data() + i * outputs_ * kLaneGroup);
  }
}

template <class T>
LaneLossRows<T> LaneBatch<T>::loss_rows(const T* output, const double* scale, T* gradient) {
  LaneLossRows<T> rows;
  rows.rows = rows_;
  rows.columns = outputs_;
  rows.output = output;
  rows.classes = has_classes_ ? classes_.data() + begin_ * kLaneGroup : nullptr;
  rows.values = has_values_ ? values_.data() : nullptr;
  rows.row_weight = weighted_ != 0 ? weight_.data() + begin_ * kLaneGroup : nullptr;
  rows.parameters = loss_.parameters.data();
  rows.class_scale = loss_.class_scale.empty() ? nullptr : loss_.class_scale.data();
  rows.scale = scale;
  rows.factor = loss_.info().outputs == Outputs::averaged ? loss_.factor / double(outputs_) : loss_.factor;
  rows.gradient = gradient;
  rows.row_loss = row_loss_.data();
  rows.row_correct = row_correct_.data();
  return rows;
}

template <class T>
void LaneBatch<T>::evaluate(LaneMask lanes, const T* output, const double* scale, T* gradient) {
  const LaneLossRows<T> rows = loss_rows(output, scale, gradient);
  const LaneLossFunction<T> function = typed_kernels<T>().lanes->losses[loss_.index];
  const LaneMask left = function ? function(rows) & lanes : lanes;
  if (left != 0) evaluate_rows(left, rows);
}

/// Computes the losses of `all` row-major rows from row `first` on, and their gradients in place.
template <class T>
void LaneBatch<T>::run_rows(const LaneLossRows<T>& rows, Index first, Index all, double scale) {
  const Index n = rows.columns;
  const Matrix<T> output{row_output_.data() + first * n, all, n, n};
  LossRows<T> own{.output = output,
                  .classes = rows.classes ? row_classes_.data() + first : nullptr,
                  .values = {rows.values ? row_values_.data() + first * n : nullptr, all, n, n},
                  .row_weight = rows.row_weight ? row_weight_.data() + first : nullptr,
                  .parameters = rows.parameters,
                  .class_scale = rows.class_scale,
                  .scale = scale,
                  .factor = rows.factor};
  if (rows.gradient) own.gradient = output;
  own.row_loss = single_loss_.data() + first;
  own.row_correct = single_correct_.data() + first;
  typed_kernels<T>().losses[loss_.index](own);
}

/// Computes the losses of some lanes by the function for row-major outputs, the rows of one network after those of
/// another.
template <class T>
void LaneBatch<T>::evaluate_rows(LaneMask lanes, const LaneLossRows<T>& rows) {
  const LaneKernels<T>& kernels = *typed_kernels<T>().lanes;
  const Index n = rows.columns, count = rows.rows, block = n * kLaneGroup;
  T* row[kLaneGroup];
  const auto point_to = [&](Buffer<T>& matrix, Index i) {
    for (Index l = 0; l < kLaneGroup; ++l) row[l] = matrix.data() + (l * count + i) * n;
  };
  for (Index i = 0; i < count; ++i) {
    point_to(row_output_, i);
    kernels.lanes_to_rows(rows.output + i * block, n, row);
    point_to(row_values_, i);
    if (rows.values) kernels.lanes_to_rows(rows.values + i * block, n, row);
    for (Index l = 0; l < kLaneGroup; ++l) {
      const std::size_t to = std::size_t(l * count + i), from = std::size_t(i * kLaneGroup + l);
      row_classes_[to] = rows.classes ? rows.classes[from] : 0;
      row_weight_[to] = rows.row_weight ? rows.row_weight[from] : T(1);
    }
  }
  const double first_scale = rows.scale[__builtin_ctz(lanes)];
  bool together = (lanes & (lanes + 1)) == 0;  // lanes from 0 on, whose rows are contiguous
  for_lanes(lanes, [&](Index l) { together = together && rows.scale[l] == first_scale; });
  if (together) {
    run_rows(rows, 0, Index(__builtin_popcount(lanes)) * count, first_scale);
  } else {
    for_lanes(lanes, [&](Index l) { run_rows(rows, l * count, count, rows.scale[l]); });
  }
  for (Index i = 0; i < count; ++i) {
    for_lanes(lanes, [&](Index l) {
      const std::size_t from = std::size_t(l * count + i);
      const Index to = i * kLaneGroup + l;
      rows.row_loss[to] = single_loss_[from];
      rows.row_correct[to] = single_correct_[from];
      const T* const gradient = row_output_.data() + Index(from) * n;
      for (Index j = 0; rows.gradient && j < n; ++j) rows.gradient[i * block + j * kLaneGroup + l] = gradient[j];
    });
  }
}

template <class T>
void LaneBatch<T>::add_losses(Index lane, Index rows, LossSums& sums) const {
  const double* const loss = row_loss_.data() + lane;
  const std::uint8_t* const correct = row_correct_.data() + lane;
  double sum = sums.loss;
  int hits = 0;
  for (Index i = 0; i < rows * kLaneGroup; i += kLaneGroup) {
    sum += loss[i];
    hits += correct[i];
  }
  sums.loss = sum;
  sums.correct += hits;
  sums.samples += rows;
  if (!has_classes_ || !(ignoring_ >> lane & 1)) return;
  const std::int64_t* const classes = classes_.data() + begin_ * kLaneGroup + lane;
  for (Index i = 0; i < rows; ++i) sums.samples -= classes[i * kLaneGroup] < 0;
}

SIMDNN_INSTANTIATE(LaneBatch);

}  // namespace simdnn
