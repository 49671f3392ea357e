#pragma once
#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "tailrace/core/outcome.h"

// Values of every awkward kind, and outcomes in words, so that flows of any type can be compared in one table.
namespace tailrace::test {

// Knows how many of its kind exist. What it holds lies in memory of its own, so that a sanitizer sees any misuse.
class Counted {
 public:
  explicit Counted(int n) : n_(std::make_unique<int>(n)) { ++made_; }
  Counted(const Counted& other) : Counted(*other) {}
  Counted(Counted&& other) noexcept : n_(std::move(other.n_)) { ++made_; }
  Counted& operator=(Counted other) noexcept {
    n_.swap(other.n_);
    return *this;
  }
  ~Counted() { ++gone_; }
  int operator*() const { return n_ ? *n_ : -1; }  // -1: moved from

  static long alive() noexcept { return made_ - gone_; }
  static long made() noexcept { return made_; }

 private:
  std::unique_ptr<int> n_;
  inline static std::atomic<long> made_{0}, gone_{0};
};

struct MoveOnly {
  explicit MoveOnly(int v) : n(std::make_unique<int>(v)) {}
  std::unique_ptr<int> n;
};

// Its move may throw (and does not), so that it travels in a box.
struct Boxed {
  explicit Boxed(int v) : n(v) { ++alive; }
  Boxed(const Boxed& o) : Boxed(o.n) {}
  Boxed(Boxed&& o) noexcept(false) : Boxed(std::exchange(o.n, -1)) {}
  Boxed& operator=(const Boxed&) = default;
  ~Boxed() { --alive; }
  int n;
  inline static std::atomic<long> alive{0};
};

// Its copy throws where the number is negative.
struct CopyThrows {
  explicit CopyThrows(int v = 0) : n(v) {}
  CopyThrows(const CopyThrows& o) : n(o.n) {
    if (n < 0) throw std::runtime_error("will not be copied");
  }
  CopyThrows(CopyThrows&&) noexcept = default;
  CopyThrows& operator=(CopyThrows&&) noexcept = default;
  int n;
};

// Cannot be made empty.
struct NoDefault {
  explicit NoDefault(int v) : n(v) {}
  int n;
};

struct alignas(256) Wide {
  explicit Wide(int v) : n(v) {}
  int n;
};

// ---- in words

inline std::string show(int v) { return std::to_string(v); }
inline std::string show(bool v) { return v ? "yes" : "no"; }
inline std::string show(double v) { return std::to_string(v); }
inline std::string show(const std::string& v) { return v; }
inline std::string show(const Counted& v) { return std::to_string(*v); }
inline std::string show(const MoveOnly& v) { return v.n ? std::to_string(*v.n) : "moved"; }
inline std::string show(const Boxed& v) { return std::to_string(v.n); }
inline std::string show(const CopyThrows& v) { return std::to_string(v.n); }
inline std::string show(const NoDefault& v) { return std::to_string(v.n); }
inline std::string show(const Wide& v) {
  return std::to_string(v.n) + (reinterpret_cast<std::uintptr_t>(&v) % alignof(Wide) ? " misaligned" : "");
}

// "stage_failed at b: bang". An arm's text may be cut where all arms of a race failed, so there it is left out.
inline std::string show(const Error& e) {
  std::string text(name(e.code()));
  if (!e.where().empty()) text += " at " + std::string(e.where());
  if (e.code() == Code::stage_failed || e.code() == Code::bad_value) text += ": " + std::string(e.what());
  return text;
}

template <class T>
std::string show(const Result<T>& r);
template <class T>
std::string show(const std::vector<T>& v) {
  std::string text = "[";
  for (std::size_t i = 0; i < v.size(); ++i) text += (i ? " " : "") + show(static_cast<const T&>(v[i]));
  return text + "]";
}
template <class... T>
std::string show(const std::tuple<T...>& t) {
  return std::apply([](const T&... v) { return "(" + ((show(v) + " ") + ...) + ")"; }, t);
}
template <class T>
std::string show(const Result<T>& r) {
  return r ? show(*r) : "<" + show(r.error()) + ">";
}

inline std::string show(const Facts& f) {
  std::string text;
  if (f.rung >= 0) text += " rung " + std::to_string(f.rung);
  if (f.winner >= 0) text += " winner " + std::to_string(f.winner);
  if (f.anytime) text += " anytime";
  if (f.fallback) text += " fallback";
  if (f.late) text += " late";
  return text;
}
template <class T>
std::string show(const Outcome<T>& o) {
  return o ? show(*o) + show(static_cast<const Facts&>(o)) : show(o.error());
}

}  // namespace tailrace::test
