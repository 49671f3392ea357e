#pragma once
#include <atomic>
#include <mutex>
#include <utility>

namespace tailrace::interleave {
// A place where another thread may go on: see schedule.h.
void point() noexcept;
// Others go on until `taken` is false.
void wait_while(const bool& taken) noexcept;
}  // namespace tailrace::interleave

// Stands in for the library's header of this name: every access to what threads share is a place to switch.
namespace tailrace::detail {

template <class T>
class Atomic : public std::atomic<T> {
  using Base = std::atomic<T>;
  using Order = std::memory_order;

 public:
  Atomic() = default;
  constexpr Atomic(T value) noexcept : Base(value) {}

  T load(Order = {}) const noexcept { return interleave::point(), Base::load(); }
  void store(T value, Order = {}) noexcept { interleave::point(), Base::store(value); }
  T exchange(T value, Order = {}) noexcept { return interleave::point(), Base::exchange(value); }
  T fetch_add(T by, Order = {}) noexcept { return interleave::point(), Base::fetch_add(by); }
  T fetch_sub(T by, Order = {}) noexcept { return interleave::point(), Base::fetch_sub(by); }
  T fetch_or(T bits, Order = {}) noexcept { return interleave::point(), Base::fetch_or(bits); }
  T fetch_and(T bits, Order = {}) noexcept { return interleave::point(), Base::fetch_and(bits); }
  bool compare_exchange_strong(T& seen, T value, Order = {}, Order = {}) noexcept {
    return interleave::point(), Base::compare_exchange_strong(seen, value);
  }
  bool compare_exchange_weak(T& seen, T value, Order = {}, Order = {}) noexcept {
    return interleave::point(), Base::compare_exchange_strong(seen, value);
  }
  T operator++() noexcept { return fetch_add(1) + 1; }
  T operator--() noexcept { return fetch_sub(1) - 1; }
  T operator=(T value) noexcept { return store(value), value; }
  operator T() const noexcept { return load(); }
};

class Mutex {
 public:
  void lock() noexcept {
    interleave::point();
    interleave::wait_while(taken_);
    taken_ = true;
  }
  bool try_lock() noexcept { return interleave::point(), !std::exchange(taken_, true); }
  void unlock() noexcept { taken_ = false; }

 private:
  bool taken_ = false;
};

inline constexpr int looks_before_sleep = 1;

}  // namespace tailrace::detail
