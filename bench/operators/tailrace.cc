#include <tailrace/tailrace.h>

#include <optional>

#include "operators/scenario.h"

namespace operators {
namespace {

namespace tr = tailrace;
using namespace std::chrono_literals;

tr::Flow<std::uint32_t, std::uint32_t> flow_of(const std::array<Operator, count>& chain) {
  return tr::flow<std::uint32_t>("operators", [&](tr::Stream<std::uint32_t> in) {
    auto values = in.then("values", input_of);
    for (std::size_t i = 0; i < count; ++i)
      values = values.then(names[i], [op = chain[i]](Values&& v) {
        op(v);
        return std::move(v);
      });
    return values.then("answer", answer_of);
  });
}

class Flow final : public System {
 public:
  Flow(const std::array<Operator, count>& chain, unsigned threads, Done done) : done_(std::move(done)) {
    const auto flow = flow_of(chain);
    const auto profile = tr::measure(flow, std::vector<std::uint32_t>{1, 2, 3}, {.budget = 200ms}).value();
    const auto plan = tr::optimise(flow, {.profile = profile}).value();
    engine_.emplace(tr::start(plan, {.threads = std::max(1u, threads), .max_in_flight = 1 << 14}).value());
  }
  std::uint32_t answer(std::uint32_t seed) override { return *engine_->run(seed); }
  void send(std::uint32_t number) override {
    const auto refused = engine_->submit(number, {}, [this, number](const tr::Outcome<std::uint32_t>& o) {
      if (o) done_(number);
    });
    if (!refused) done_(number);
  }

 private:
  const Done done_;
  std::optional<tr::Engine<std::uint32_t, std::uint32_t>> engine_;
};

}  // namespace

std::unique_ptr<System> tailrace_flow(const std::array<Operator, count>& chain, unsigned threads, Done done) {
  return std::make_unique<Flow>(chain, threads, std::move(done));
}

}  // namespace operators
