#include <atomic>
#include <cerrno>
#include <cstddef>

#include "support/measure.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define BENCH_COUNTS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define BENCH_COUNTS 0
#endif
#endif
#ifndef BENCH_COUNTS
#define BENCH_COUNTS 1
#endif

namespace {
std::atomic<long> calls{0};
}

namespace bench {
const bool counts_allocations = BENCH_COUNTS;
long allocations() { return calls.load(std::memory_order_relaxed); }
}  // namespace bench

#if BENCH_COUNTS
// glibc's own functions stand behind these names as well, so that the program's can count and pass on.
extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);

void* malloc(std::size_t n) {
  calls.fetch_add(1, std::memory_order_relaxed);
  return __libc_malloc(n);
}
void* calloc(std::size_t n, std::size_t size) {
  calls.fetch_add(1, std::memory_order_relaxed);
  return __libc_calloc(n, size);
}
void* realloc(void* p, std::size_t n) {
  calls.fetch_add(1, std::memory_order_relaxed);
  return __libc_realloc(p, n);
}
void* memalign(std::size_t align, std::size_t n) {
  calls.fetch_add(1, std::memory_order_relaxed);
  return __libc_memalign(align, n);
}
void* aligned_alloc(std::size_t align, std::size_t n) { return memalign(align, n); }
int posix_memalign(void** p, std::size_t align, std::size_t n) {
  *p = memalign(align, n);
  return *p ? 0 : ENOMEM;
}
}
#endif
