// The norm of many gradients as one long vector, summed in fixed blocks: arrays and threads do not change its bits.
#pragma once

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <vector>

#include "../dispatch.hpp"
#include "../threads/parallel.hpp"

namespace simdnn {

constexpr Index kNormBlock = 4096;

template <class T>
Index total_size(const std::vector<UpdateSpan<T>>& spans) {
  Index total = 0;
  for (const UpdateSpan<T>& span : spans) total += span.size;
  return total;
}

/// Calls part(span, from, to) for the part of each span in the elements [begin, end), counted through all spans.
template <class T, class Part>
void for_parts(const std::vector<UpdateSpan<T>>& spans, Index begin, Index end, const Part& part) {
  for (const UpdateSpan<T>& span : spans) {
    if (end <= 0) return;
    if (begin < span.size) part(span, begin, std::min(end, span.size));
    begin = std::max<Index>(begin - span.size, 0);
    end -= span.size;
  }
}

/// The sum of squares of elements [begin, end), at most one block, which is gathered first if it spans arrays.
template <class T>
double block_square_sum(const std::vector<UpdateSpan<T>>& spans, Index begin, Index end) {
  const T* whole = nullptr;
  T joined[kNormBlock];
  Index used = 0;
  for_parts(spans, begin, end, [&](const UpdateSpan<T>& span, Index from, Index to) {
    whole = span.g + from;
    if (to - from == end - begin) return;
    std::memcpy(joined + used, whole, std::size_t(to - from) * sizeof(T));
    used += to - from;
  });
  return typed_kernels<T>().square_sum(used == 0 ? whole : joined, end - begin);
}

/// sqrt(sum g^2) over all spans.
template <class T>
double global_norm(const std::vector<UpdateSpan<T>>& spans) {
  const Index total = total_size(spans), blocks = (total + kNormBlock - 1) / kNormBlock;
  std::vector<double> sums(std::size_t(blocks), 0.0);
  parallel_for(blocks, 1, kNormElement * double(total), [&](Index begin, Index end) {
    for (Index b = begin; b < end; ++b) {
      sums[std::size_t(b)] = block_square_sum(spans, b * kNormBlock, std::min(total, (b + 1) * kNormBlock));
    }
  });
  double sum = 0;
  for (const double s : sums) sum += s;
  return std::sqrt(sum);
}

/// The factor of gradients with this norm that clips them to a bound; NaN for NaN, which spreads, as in PyTorch.
inline double norm_scale(double bound, double norm) {
  constexpr double guard = 1e-6;  // PyTorch's clip_grad_norm_
  const double scale = bound / (norm + guard);
  return scale >= 1 ? 1 : scale;
}

/// True if no gradient has an infinity or a NaN.
template <class T>
bool all_finite(const std::vector<UpdateSpan<T>>& spans) {
  const Index total = total_size(spans);
  std::atomic<bool> finite{true};
  parallel_for(total, kNormBlock, kNormElement * double(total), [&](Index begin, Index end) {
    for_parts(spans, begin, end, [&](const UpdateSpan<T>& span, Index from, Index to) {
      if (!typed_kernels<T>().all_finite(span.g + from, to - from)) finite = false;
    });
  });
  return finite;
}

}  // namespace simdnn
