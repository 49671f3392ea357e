#pragma once
#include <ATen/Parallel.h>
#include <dlfcn.h>

namespace tailrace::torch::detail {

// Where LibTorch's kernels read how many threads they may use: OpenMP and MKL keep a number for each thread. Found by
// name, because the libraries come with LibTorch; null where it was built without.
struct ThreadLimits {
  int (*omp_get_max)() = nullptr;
  void (*omp_set)(int) = nullptr;
  int (*mkl_set_local)(int) = nullptr;  // returns the number before; 0: none of the thread's own
};

inline const ThreadLimits& thread_limits() noexcept {
  static const ThreadLimits found = [] {
    ThreadLimits limits;
    limits.omp_get_max = reinterpret_cast<int (*)()>(dlsym(RTLD_DEFAULT, "omp_get_max_threads"));
    limits.omp_set = reinterpret_cast<void (*)(int)>(dlsym(RTLD_DEFAULT, "omp_set_num_threads"));
    limits.mkl_set_local = reinterpret_cast<int (*)(int)>(dlsym(RTLD_DEFAULT, "MKL_Set_Num_Threads_Local"));
    return limits;
  }();
  return found;
}

// While it lives, LibTorch's calls of this thread compute on so many threads, the calling one among them; afterwards
// the thread's settings are as before. at::set_num_threads would not do: it also stores a default for threads to come.
class IntraOp {
 public:
  explicit IntraOp(int threads) noexcept : limits_(thread_limits()) {
    if (limits_.omp_get_max) omp_ = limits_.omp_get_max();
    at::get_num_threads();  // LibTorch sets a thread's numbers at its first question: let that be before ours
    if (limits_.omp_set) limits_.omp_set(threads);
    if (limits_.mkl_set_local) mkl_ = limits_.mkl_set_local(threads);
  }
  ~IntraOp() {
    if (limits_.mkl_set_local) limits_.mkl_set_local(mkl_);
    if (limits_.omp_set && omp_ > 0) limits_.omp_set(omp_);
  }
  IntraOp(const IntraOp&) = delete;
  IntraOp& operator=(const IntraOp&) = delete;

 private:
  const ThreadLimits& limits_;
  int omp_ = 0, mkl_ = 0;
};

// How many threads LibTorch would use for a call of the calling thread's, were it not ours.
inline int threads_of_caller() noexcept {
  const auto& limits = thread_limits();
  const int before = limits.omp_get_max ? limits.omp_get_max() : 0;
  const int threads = at::get_num_threads();
  if (limits.omp_set && before > 0) limits.omp_set(before);
  return threads;
}

}  // namespace tailrace::torch::detail
