// Cost model: estimates of the time of work on one core. They decide about threads and locks, never about results.
#pragma once

namespace simdnn {

/// Estimated time on one core.
using Nanoseconds = double;

// Thresholds of estimated time.

/// Least work for a second thread: products of half this time were measured to gain nothing from one.
constexpr Nanoseconds kSerialBelow = 60000;
/// Calls below this keep Python's lock (GIL), whose release would be a noticeable part of their time.
constexpr Nanoseconds kHoldLockBelow = 5000;
/// A loss whose estimate is at most this keeps the lock.
constexpr Nanoseconds kHoldLockInLossUpTo = 8192;
/// Longer work is cut into parts of about this time, between which a signal may stop it.
constexpr Nanoseconds kInterruptiblePiece = 2e7;
/// Estimate for calls of unknown length, such as an epoch: they always release the lock.
constexpr Nanoseconds kLongCall = 1e9;

// Matrix products.

/// Time of one addition or multiplication of a product. It is a factor, because a division would slow tiny products.
template <class T>
constexpr Nanoseconds kFlop = sizeof(T) == 4 ? 1.0 / 80 : 1.0 / 40;
constexpr Nanoseconds kFlopOfUnit = 1.0 / 1000;  ///< on a matrix unit, with the packing of factors

// Whole calls, to decide about the lock: average time per floating-point operation, as LayerSpec::flops counts them.

constexpr Nanoseconds kFlopOfStep = 1.0 / 50;
constexpr Nanoseconds kFlopOfForward = 1.0 / 100;
constexpr Nanoseconds kFlopOfBackward = 2.0 / 100;
constexpr Nanoseconds kFlopOfPrediction = 1.0 / 300;
/// Time per weight of a restricted Boltzmann machine, for each sample in either direction.
constexpr Nanoseconds kBoltzmannWeight = 1.0 / 10;
/// Time of a step apart from its products.
constexpr Nanoseconds kStepOverhead = 1000;

// Time per element of an array.

constexpr Nanoseconds kLossElement = 1;
constexpr Nanoseconds kSoftmaxElement = 1;
constexpr Nanoseconds kLayerElement = 0.5;   ///< normalization, bias gradient, embedding and similar
constexpr Nanoseconds kUpdateElement = 0.5;  ///< optimizer
constexpr Nanoseconds kRoundElement = 0.2;   ///< conversion to bf16
constexpr Nanoseconds kNormElement = 0.15;   ///< sum of squares, or scaling by it
constexpr Nanoseconds kMaxoutElement = 0.25;
constexpr Nanoseconds kMaxoutGradientElement = 0.7;
constexpr Nanoseconds kCreluElement = 0.1;

}  // namespace simdnn
