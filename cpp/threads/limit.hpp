// The number of threads that this process may use.
#pragma once

namespace simdnn {

/// Current number of threads for a large call: the number given to set_thread_count(), or else the least of the OpenMP
/// limit, the CPUs of the affinity mask and the control group's quota. 1 in a forked child and in a parallel region.
int thread_count();

/// Requests n >= 1 threads for the whole process, even above the current limits; an OpenMP limit that is lowered later
/// still holds. 0 restores the default.
void set_thread_count(int n);

/// Requests at most n >= 1 threads for calls of the calling thread, whatever the process may use; 0 takes it back.
void set_thread_count_here(int n);

/// Number of forks between the process that loaded the library and this one.
int fork_count();

}  // namespace simdnn
