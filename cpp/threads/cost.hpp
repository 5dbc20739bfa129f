// Estimates of how long work takes on one core. They decide who computes and who may run meanwhile, never a result.
#pragma once

namespace simdnn {

/// Time on one core, by estimate.
using Nanoseconds = double;

// Thresholds.

/// Work below this stays on the calling thread: as measured, products of half of it gain nothing from a second thread.
constexpr Nanoseconds kSerialBelow = 60000;
/// Calls below this keep Python's lock (GIL), whose release costs a part of it.
constexpr Nanoseconds kHoldLockBelow = 5000;
/// A loss on arrays of at most this keeps the lock.
constexpr Nanoseconds kHoldLockInLossUpTo = 8192;
/// Longer work is cut into pieces of about this, between which a signal may stop it.
constexpr Nanoseconds kInterruptiblePiece = 2e7;
/// Calls of unknown length, as an epoch, count as this: they always release the lock.
constexpr Nanoseconds kLongCall = 1e9;

// Matrix products.

/// An addition or a multiplication of a product. It is a factor, because a division would be felt in tiny products.
template <class T>
constexpr Nanoseconds kFlop = sizeof(T) == 4 ? 1.0 / 80 : 1.0 / 40;

// Whole calls, to decide about the lock: a part of the time for each operation of a training step, as
// LayerSpec::flops counts them.

constexpr Nanoseconds kFlopOfStep = 1.0 / 50;
constexpr Nanoseconds kFlopOfForward = 1.0 / 100;
constexpr Nanoseconds kFlopOfBackward = 2.0 / 100;
constexpr Nanoseconds kFlopOfPrediction = 1.0 / 300;
/// A weight of a restricted Boltzmann machine, for each sample that goes up or down.
constexpr Nanoseconds kBoltzmannWeight = 1.0 / 10;
/// A step beyond its products.
constexpr Nanoseconds kStepOverhead = 1000;

// Elements of arrays.

constexpr Nanoseconds kLossElement = 1;
constexpr Nanoseconds kSoftmaxElement = 1;
constexpr Nanoseconds kLayerElement = 0.5;   ///< of a normalization, a bias gradient, an embedding and the like
constexpr Nanoseconds kUpdateElement = 0.5;  ///< of an optimizer
constexpr Nanoseconds kNormElement = 0.15;   ///< of a sum of squares, or of scaling by it
constexpr Nanoseconds kMaxoutElement = 0.25;
constexpr Nanoseconds kMaxoutGradientElement = 0.7;
constexpr Nanoseconds kCreluElement = 0.1;

}  // namespace simdnn
