// The number of threads that this process may use.
#pragma once

namespace simdnn {

/// The number of threads for a large call at this moment: the number given to set_thread_count(), or else the least of
/// the OpenMP limit, the CPUs of the affinity mask and the control group's quota. 1 in a forked child and inside a
/// parallel region.
int thread_count();

/// Requests n >= 1 threads for the whole process, above the limits of this moment if need be; an OpenMP limit that is
/// lowered later still holds. 0 returns to the defaults.
void set_thread_count(int n);

/// Forks between this process and the one that loaded the library.
int fork_count();

}  // namespace simdnn
