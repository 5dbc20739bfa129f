// The threading layer: the threads that compute parallel loops.
#pragma once

namespace simdnn {

enum class ThreadingLayer {
  pool,    ///< the project's own ThreadPool
  openmp,  ///< the team of a loaded OpenMP runtime
};

ThreadingLayer threading_layer();

/// Chooses the layer of the whole process. False, without a change, if no loaded OpenMP runtime can serve.
bool set_threading_layer(ThreadingLayer layer);

}  // namespace simdnn
