#pragma once
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tailrace/flow/combine.h"
#include "tailrace/flow/flow.h"
#include "tailrace/opt/pass.h"

// Flows, models and plans that tests of passes share.
namespace tailrace::test {

// Answers its input's double, or whatever number it was made with instead of 2.
class Times : public Model {
 public:
  explicit Times(int by = 2) : by_(by) {}
  Status run(std::span<const Tensor> in, std::span<Tensor> out) const noexcept override {
    out[0] = in[0].contiguous_copy();
    for (auto& x : out[0].as<std::int32_t>()) x *= by_;
    return {};
  }
  bool batched() const noexcept override { return false; }
  std::string describe() const override { return "times " + std::to_string(by_); }

 private:
  int by_;
};

inline Variant make_variant(std::string name, double accuracy, Duration latency = {}) {
  return {std::move(name), std::make_shared<Times>(), accuracy, latency};
}

inline int next(int x) { return x + 1; }
inline int add(int a, int b) { return a + b; }
inline bool odd(int x) { return x % 2 != 0; }
inline std::size_t pick(int) { return 0; }

// Straight lines before, inside and behind a cascade.
inline Flow<int, int> lines() {
  return flow<int>("lines", [](Stream<int> x) {
    auto rung = flow<int>("rung", [](Stream<int> y) { return y.then("c", next).then("d", next); });
    auto ab = x.then("a", next).then("b", next);
    return cascade("label", ab, exit_if(next, odd), rung).then("e", next).then("f", next);
  });
}

inline PlanData plan_for(std::shared_ptr<const Graph> graph) {
  PlanData plan{graph, {}};
  plan.choices.root = default_choices(*graph);
  return plan;
}

// A profile made by hand: medians in seconds, by path.
inline Cost cost_of(std::string where, double seconds, std::string variant = {}) {
  Cost c;
  c.where = std::move(where);
  c.variant = std::move(variant);
  c.time = {100, seconds, seconds, seconds, seconds, seconds, 0};
  return c;
}
inline Profile profile_of(const std::vector<std::pair<std::string, double>>& costs, double wake, unsigned threads,
                          double hand_over = 30e-9) {
  Profile p;
  p.measured = {"a machine", "2026-01-02", "a compiler", threads};
  p.wake = cost_of("", wake).time;
  p.hand_over = cost_of("", hand_over).time;
  for (const auto& [where, seconds] : costs) p.add(cost_of(where, seconds));
  return p;
}

inline std::string decisions(const PlanData& plan) {
  std::string text;
  for (const auto& d : plan.choices.decisions) text += d.pass + " " + d.where + ": " + d.what + "\n";
  return text;
}

}  // namespace tailrace::test
