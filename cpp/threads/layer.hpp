// The threading layer: the threads that compute parallel loops.
#pragma once

namespace simdnn {

enum class ThreadingLayer {
  pool,    ///< the project's own ThreadPool
  openmp,  ///< the team of a loaded OpenMP runtime
};

/// The layer in use.
ThreadingLayer threading_layer();

/// Chooses the layer of the whole process. Returns false and changes nothing if no loaded OpenMP runtime is usable.
bool set_threading_layer(ThreadingLayer layer);

}  // namespace simdnn
