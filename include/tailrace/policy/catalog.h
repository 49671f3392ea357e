#pragma once
#include <concepts>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "tailrace/core/parameters.h"
#include "tailrace/core/problems.h"
#include "tailrace/policy/batch.h"
#include "tailrace/policy/hedge.h"

namespace tailrace {

template <class P>
concept HedgePolicyType = std::default_initializable<typename P::State> &&
    requires(const P& p, typename P::State& s, const HedgeSnapshot& seen, const HedgeSample& sample, TimePoint now) {
  { p.decide(seen, now, s) }
  noexcept->std::same_as<HedgeAction>;
  { p.observe(s, sample) }
  noexcept;
};

// A hedging policy of any type. Immutable, and may be asked from any thread; a State belongs to who made it.
class HedgePolicy {
 public:
  struct State {
    virtual ~State() = default;
  };
  virtual ~HedgePolicy() = default;
  // A new State; the same seed gives the same draws. Throws std::bad_alloc.
  virtual std::unique_ptr<State> start(std::uint64_t seed) const = 0;
  // REQUIRES: the State is of this policy, and no other thread uses it meanwhile.
  virtual HedgeAction decide(const HedgeSnapshot& seen, TimePoint now, State& state) const noexcept = 0;
  virtual void observe(State& state, const HedgeSample& sample) const noexcept = 0;
  virtual HedgeBudget budget() const noexcept = 0;
  // Whether its State has no members, so that threads need not take turns with it.
  virtual bool stateless() const noexcept = 0;
  // The same for policies of one C++ type, and only for them.
  virtual const void* type() const noexcept = 0;
};

namespace detail {

template <HedgePolicyType P>
class HedgePolicyOf final : public HedgePolicy {
 public:
  explicit HedgePolicyOf(P policy) : policy_(std::move(policy)) {}
  std::unique_ptr<State> start(std::uint64_t seed) const override {
    // An aggregate would take the seed for its first member.
    if constexpr (!std::is_aggregate_v<typename P::State> && std::constructible_from<typename P::State, std::uint64_t>)
      return std::make_unique<Holder>(seed);
    else return (void)seed, std::make_unique<Holder>();
  }
  HedgeAction decide(const HedgeSnapshot& seen, TimePoint now, State& state) const noexcept override {
    return policy_.decide(seen, now, static_cast<Holder&>(state).state);
  }
  void observe(State& state, const HedgeSample& sample) const noexcept override {
    policy_.observe(static_cast<Holder&>(state).state, sample);
  }
  HedgeBudget budget() const noexcept override {
    if constexpr (requires {
                    { policy_.budget() } -> std::convertible_to<HedgeBudget>;
                  })
      return policy_.budget();
    else return {};
  }

  bool stateless() const noexcept override { return std::is_empty_v<typename P::State>; }
  const void* type() const noexcept override {
    static constexpr char tag = 0;
    return &tag;
  }

 private:
  struct Holder final : State {
    template <class... A>
    explicit Holder(A... a) : state(a...) {}
    typename P::State state;
  };
  P policy_;
};

}  // namespace detail

template <class P>
concept BatchPolicyType = (std::constructible_from<typename P::State, const BatchSetup&> ||
                           std::default_initializable<typename P::State>)&&requires(const P& p, typename P::State& s,
                                                                                    const BatchSnapshot& seen,
                                                                                    const BatchSample& sample,
                                                                                    TimePoint now) {
  { p.decide(seen, now, s) }
  noexcept->std::same_as<BatchAction>;
  { p.observe(s, sample) }
  noexcept;
};

// A policy of any type that sizes batches. Immutable, and may be asked from any thread; a State belongs to who made it.
class BatchPolicy {
 public:
  struct State {
    virtual ~State() = default;
  };
  virtual ~BatchPolicy() = default;
  // A new State. Throws std::bad_alloc.
  virtual std::unique_ptr<State> start(const BatchSetup& setup) const = 0;
  // REQUIRES: the State is of this policy, and no other thread uses it meanwhile.
  virtual BatchAction decide(const BatchSnapshot& seen, TimePoint now, State& state) const noexcept = 0;
  virtual void observe(State& state, const BatchSample& sample) const noexcept = 0;
  // Whether it drops by itself who would miss his deadline, so that nobody else needs to look.
  virtual bool drops() const noexcept = 0;
  // The same for policies of one C++ type, and only for them.
  virtual const void* type() const noexcept = 0;
};

namespace detail {

template <BatchPolicyType P>
class BatchPolicyOf final : public BatchPolicy {
 public:
  explicit BatchPolicyOf(P policy) : policy_(std::move(policy)) {}
  std::unique_ptr<State> start(const BatchSetup& setup) const override {
    if constexpr (std::constructible_from<typename P::State, const BatchSetup&>) return std::make_unique<Holder>(setup);
    else return (void)setup, std::make_unique<Holder>();
  }
  BatchAction decide(const BatchSnapshot& seen, TimePoint now, State& state) const noexcept override {
    return policy_.decide(seen, now, static_cast<Holder&>(state).state);
  }
  void observe(State& state, const BatchSample& sample) const noexcept override {
    policy_.observe(static_cast<Holder&>(state).state, sample);
  }
  bool drops() const noexcept override {
    if constexpr (requires { P::drops; }) return P::drops;
    else return false;
  }
  const void* type() const noexcept override {
    static constexpr char tag = 0;
    return &tag;
  }

 private:
  struct Holder final : State {
    template <class... A>
    explicit Holder(const A&... a) : state(a...) {}
    typename P::State state;
  };
  P policy_;
};

}  // namespace detail

// Names for policies, so that plans and JSON can name them. An ordinary object: one engine's catalog is not another's.
// It begins with all that the library brings (docs/policies.md).
//
//   tr::PolicyCatalog policies;
//   policies.add_hedge("patient", {{"delay_ms", 20, 0, 1000}},
//                      [](const tr::Parameters& p) { return Patient{p.number("delay_ms", 20)}; });
class PolicyCatalog {
 public:
  // A number that a policy takes: its value where it is not given, and its bounds, both included.
  struct Number {
    std::string name;
    double otherwise = 0;
    double least = -std::numeric_limits<double>::infinity();
    double most = std::numeric_limits<double>::infinity();
  };

  PolicyCatalog();

  // A policy under a name; `make` gets every parameter, checked. A name that was known already means this from now on.
  template <class Make>
  requires HedgePolicyType<std::invoke_result_t<Make, const Parameters&>>
  void add_hedge(std::string name, std::vector<Number> numbers, Make make) {
    using P = std::invoke_result_t<Make, const Parameters&>;
    hedges_[std::move(name)] = {std::move(numbers), [make = std::move(make)](const Parameters& p) {
                                  return std::make_shared<const detail::HedgePolicyOf<P>>(make(p));
                                }};
  }

  // The same for policies that size batches.
  template <class Make>
  requires BatchPolicyType<std::invoke_result_t<Make, const Parameters&>>
  void add_batch(std::string name, std::vector<Number> numbers, Make make) {
    using P = std::invoke_result_t<Make, const Parameters&>;
    batches_[std::move(name)] = {std::move(numbers), [make = std::move(make)](const Parameters& p) {
                                   return std::make_shared<const detail::BatchPolicyOf<P>>(make(p));
                                 }};
  }

  // The policy, or all that is wrong with its name and parameters. Problem::where is left empty.
  Built<std::shared_ptr<const HedgePolicy>> hedge(const PolicyUse& use) const;
  Built<std::shared_ptr<const BatchPolicy>> batch(const PolicyUse& use) const;
  std::vector<std::string> hedges() const;  // names, in alphabetical order
  std::vector<std::string> batches() const;

 private:
  void add_batches();

  template <class Policy>
  struct Known {
    std::vector<Number> numbers;
    std::function<std::shared_ptr<const Policy>(const Parameters&)> make;
  };
  template <class Policy>
  using Names = std::map<std::string, Known<Policy>>;
  template <class Policy>
  static Built<std::shared_ptr<const Policy>> find(const Names<Policy>& names, const PolicyUse& use, const char* kind);

  Names<HedgePolicy> hedges_;
  Names<BatchPolicy> batches_;
};

}  // namespace tailrace
