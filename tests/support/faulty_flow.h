#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <new>
#include <string_view>

#include "tailrace/core/random.h"
#include "tailrace/plan/handles.h"
#include "tailrace/policy/catalog.h"
#include "tailrace/sim/virtual_time.h"

// Random flows whose stages go wrong in every way: on virtual time, one thread, the same every time for one seed.
namespace tailrace::test {

// What travels: small, so that a case is quick. Copying one throws now and then, depending on its value.
class Parcel {
 public:
  explicit Parcel(std::uint64_t word) noexcept : word_(word) { ++alive_; }
  Parcel(const Parcel& other) : Parcel(other.copied()) {}
  Parcel(Parcel&& other) noexcept : garbage_(other.garbage_), word_(other.word_) { ++alive_; }
  Parcel& operator=(const Parcel&) = default;
  ~Parcel() { --alive_; }
  bool operator==(const Parcel& other) const { return word_ % 4 == other.word_ % 4; }

  std::uint64_t word() const noexcept { return word_; }
  bool garbage() const noexcept { return garbage_; }
  void spoil() noexcept { garbage_ = true; }
  static long alive() noexcept { return alive_; }

 private:
  Parcel(bool garbage, std::uint64_t word) noexcept : garbage_(garbage), word_(word) { ++alive_; }
  Parcel copied() const {
    if (word_ % 61 == 7) throw std::bad_alloc();
    return Parcel(garbage_, word_);
  }
  bool garbage_ = false;  // no answer may be made of it
  std::uint64_t word_;
  inline static long alive_ = 0;
};

// What the stages of the flow that runs notice. One at a time, and one thread.
struct Watch {
  sim::VirtualTime* time = nullptr;
  std::function<void(TimePoint before)> jumped;  // called when a stage has let the clock jump
  unsigned past_deadline = 0;                    // calls that began past their request's deadline
  unsigned overlaps = 0;                         // calls beside as many as their station allows
  unsigned garbage = 0;                          // values marked invalid that went on behind a test for it
  static constexpr std::size_t hedges = 8;
  std::array<unsigned, hedges> calls{};  // requests that came to the front of each hedge
  // By hedge and Request::id: 1 + the call that was told to stop, because the other one had answered. Hedges in the
  // elements of an `each` are not told apart, and not noted.
  static constexpr std::size_t requests = 16;
  std::array<std::array<std::uint8_t, requests + 1>, hedges> told{};
  unsigned begun_in_told = 0;  // stages that began in such a call afterwards
};
extern Watch* watch;  // changes only while no engine of such a flow lives

// A copy of every call, within a budget.
struct Eager {
  static constexpr double share = .25, burst = 2;
  struct State {};
  HedgeAction decide(const HedgeSnapshot&, TimePoint, State&) const noexcept { return {HedgeAction::Kind::start, {}}; }
  void observe(State&, const HedgeSample&) const noexcept {}
  HedgeBudget budget() const noexcept { return {share, burst}; }
};
std::shared_ptr<const PolicyCatalog> eager_policies();  // the library's, and "eager"
// What the path of a hedge of these flows says.
struct HedgeName {
  std::size_t number;  // in Watch::calls
  bool eager;
};
HedgeName hedge_of(std::string_view path) noexcept;
bool is_in_element(std::string_view path) noexcept;

Flow<Parcel, Parcel> faulty_flow(std::uint64_t seed);

}  // namespace tailrace::test
