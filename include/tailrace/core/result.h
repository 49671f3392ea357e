#pragma once
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "tailrace/core/error.h"

#if defined(__cpp_exceptions)
#include <exception>
#include <string>
#endif

namespace tailrace {

#if defined(__cpp_exceptions)
// Thrown by Result::value() of a Result that holds an error.
class BadResult : public std::exception {
 public:
  explicit BadResult(std::string what) : what_(std::move(what)) {}
  const char* what() const noexcept override { return what_.c_str(); }

 private:
  std::string what_;
};
#endif

// A value, or the reason why there is none.
//
//   Result<int> parse(std::string_view);
//   auto n = parse("7");
//   if (n) use(*n); else log(n.error().what());
//
// E is Error for what goes wrong while running and Problems for what is wrong while building.
template <class T, class E = Error>
class [[nodiscard]] Result {
 public:
  using value_type = T;
  using error_type = E;

  Result(T value) noexcept(std::is_nothrow_move_constructible_v<T>) : ok_(true) { ::new (&value_) T(std::move(value)); }
  Result(E error) noexcept : ok_(false) { ::new (&error_) E(std::move(error)); }
  Result(const Result& other) requires std::is_copy_constructible_v<T> : ok_(other.ok_) {
    if (ok_) ::new (&value_) T(other.value_);
    else ::new (&error_) E(other.error_);
  }
  Result(Result&& other) noexcept(std::is_nothrow_move_constructible_v<T>) : ok_(other.ok_) {
    if (ok_) ::new (&value_) T(std::move(other.value_));
    else ::new (&error_) E(std::move(other.error_));
  }
  Result& operator=(Result other) noexcept(std::is_nothrow_move_constructible_v<T>) {
    destroy();
    Refill refill{this};
    if (other.ok_) ::new (&value_) T(std::move(other.value_));
    else ::new (&error_) E(std::move(other.error_));
    refill.result = nullptr;
    ok_ = other.ok_;
    return *this;
  }
  ~Result() { destroy(); }

  bool has_value() const noexcept { return ok_; }
  explicit operator bool() const noexcept { return ok_; }

  // REQUIRES: has_value().
  T& operator*() & noexcept { return value_; }
  const T& operator*() const& noexcept { return value_; }
  T&& operator*() && noexcept { return std::move(value_); }
  T* operator->() noexcept { return &value_; }
  const T* operator->() const noexcept { return &value_; }

  // REQUIRES: !has_value().
  E& error() & noexcept { return error_; }
  const E& error() const& noexcept { return error_; }
  E&& error() && noexcept { return std::move(error_); }

  template <class U>
  T value_or(U&& otherwise) const& {
    return ok_ ? value_ : static_cast<T>(std::forward<U>(otherwise));
  }
  template <class U>
  T value_or(U&& otherwise) && {
    return ok_ ? std::move(value_) : static_cast<T>(std::forward<U>(otherwise));
  }

#if defined(__cpp_exceptions)
  // The value, or a BadResult that carries the error's text.
  T& value() & { return check(), value_; }
  const T& value() const& { return check(), value_; }
  T value() && { return check(), std::move(value_); }  // by value: safe in a range-for

 private:
  void check() const {
    if (!ok_) throw BadResult(describe(error_));
  }
#endif

 private:
  // Leaves an empty error behind when a value's move throws in the middle of an assignment.
  struct Refill {
    Result* result;
    ~Refill() {
      if (!result) return;
      ::new (&result->error_) E();
      result->ok_ = false;
    }
  };
  void destroy() noexcept {
    if (ok_) std::destroy_at(&value_);
    else std::destroy_at(&error_);
  }

  union {
    T value_;
    E error_;
  };
  bool ok_;
};

// A Result without a value: success, or the reason why not.
template <class E>
class [[nodiscard]] Result<void, E> {
 public:
  using value_type = void;
  using error_type = E;

  Result() noexcept = default;
  Result(E error) noexcept : error_(std::move(error)), ok_(false) {}
  bool has_value() const noexcept { return ok_; }
  explicit operator bool() const noexcept { return ok_; }
  // REQUIRES: !has_value().
  const E& error() const& noexcept { return error_; }
  E&& error() && noexcept { return std::move(error_); }

#if defined(__cpp_exceptions)
  // Nothing, or a BadResult that carries the error's text.
  void value() const {
    if (!ok_) throw BadResult(describe(error_));
  }
#endif

 private:
  E error_{};
  bool ok_ = true;
};
using Status = Result<void, Error>;

template <class T>
inline constexpr bool is_result = false;
template <class T>
inline constexpr bool is_result<Result<T, Error>> = true;

}  // namespace tailrace
