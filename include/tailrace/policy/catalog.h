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

namespace detail {

// What a kind of policies has in common: its State is made of a Setup, it makes an Action of a Snapshot, and hears of
// Samples.
template <class Setup, class Snapshot, class Action, class Sample>
class Policy {
 public:
  struct State {
    virtual ~State() = default;
  };
  virtual ~Policy() = default;
  // A new State; the same setup gives the same decisions. Throws std::bad_alloc.
  virtual std::unique_ptr<State> start(const Setup& setup) const = 0;
  // REQUIRES: the State is of this policy, and no other thread uses it meanwhile.
  virtual Action decide(const Snapshot& seen, TimePoint now, State& state) const noexcept = 0;
  virtual void observe(State& state, const Sample& sample) const noexcept = 0;
  // The same for policies of one C++ type, and only for them.
  virtual const void* type() const noexcept = 0;
};

template <class P, class Setup, class Snapshot, class Action, class Sample>
concept Decides = (std::constructible_from<typename P::State, const Setup&> ||
                   std::default_initializable<typename P::State>)&&requires(const P& p, typename P::State& s,
                                                                            const Snapshot& seen, const Sample& sample,
                                                                            TimePoint now) {
  { p.decide(seen, now, s) }
  noexcept->std::same_as<Action>;
  { p.observe(s, sample) }
  noexcept;
};

// A P as a policy of that kind; kinds add what else they ask of it.
template <class Kind, class P, class Setup, class Snapshot, class Action, class Sample>
class PolicyOf : public Kind {
 public:
  using State = typename Kind::State;
  explicit PolicyOf(P policy) : policy_(std::move(policy)) {}
  std::unique_ptr<State> start(const Setup& setup) const override {
    // An aggregate would take a seed for its first member.
    constexpr bool takes_it = std::constructible_from<typename P::State, const Setup&> &&
                              !(std::is_arithmetic_v<Setup> && std::is_aggregate_v<typename P::State>);
    if constexpr (takes_it) return std::make_unique<Holder>(setup);
    else return (void)setup, std::make_unique<Holder>();
  }
  Action decide(const Snapshot& seen, TimePoint now, State& state) const noexcept override {
    return policy_.decide(seen, now, static_cast<Holder&>(state).state);
  }
  void observe(State& state, const Sample& sample) const noexcept override {
    policy_.observe(static_cast<Holder&>(state).state, sample);
  }
  const void* type() const noexcept override {
    static constexpr char tag = 0;
    return &tag;
  }

 protected:
  const P policy_;

 private:
  struct Holder final : State {
    template <class... A>
    explicit Holder(const A&... a) : state(a...) {}
    typename P::State state;
  };
};

}  // namespace detail

// A hedging policy of any type; its State may be made of a seed. Immutable, and may be asked from any thread; a State
// belongs to who made it.
class HedgePolicy : public detail::Policy<std::uint64_t, HedgeSnapshot, HedgeAction, HedgeSample> {
 public:
  virtual HedgeBudget budget() const noexcept = 0;
  // Whether its State has no members, so that threads need not take turns with it.
  virtual bool stateless() const noexcept = 0;
};
// A policy of any type that sizes batches, in the same way.
class BatchPolicy : public detail::Policy<BatchSetup, BatchSnapshot, BatchAction, BatchSample> {
 public:
  // Whether it drops by itself who would miss his deadline, so that nobody else needs to look.
  virtual bool drops() const noexcept = 0;
};

template <class P>
concept HedgePolicyType = std::default_initializable<typename P::State> &&
    detail::Decides<P, std::uint64_t, HedgeSnapshot, HedgeAction, HedgeSample>;
template <class P>
concept BatchPolicyType = detail::Decides<P, BatchSetup, BatchSnapshot, BatchAction, BatchSample>;

namespace detail {

template <HedgePolicyType P>
class HedgePolicyOf final : public PolicyOf<HedgePolicy, P, std::uint64_t, HedgeSnapshot, HedgeAction, HedgeSample> {
 public:
  using HedgePolicyOf::PolicyOf::PolicyOf;
  HedgeBudget budget() const noexcept override {
    if constexpr (requires(const P& p) {
                    { p.budget() } -> std::convertible_to<HedgeBudget>;
                  })
      return this->policy_.budget();
    else return {};
  }
  bool stateless() const noexcept override { return std::is_empty_v<typename P::State>; }
};

template <BatchPolicyType P>
class BatchPolicyOf final : public PolicyOf<BatchPolicy, P, BatchSetup, BatchSnapshot, BatchAction, BatchSample> {
 public:
  using BatchPolicyOf::PolicyOf::PolicyOf;
  bool drops() const noexcept override {
    if constexpr (requires { P::drops; }) return P::drops;
    else return false;
  }
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
