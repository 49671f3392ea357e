#include <tailrace/exec/profile_model.h>
#include <tailrace/tailrace.h>
#include <tailrace/torch/torch.h>

#include <algorithm>
#include <atomic>
#include <optional>

#include "rivals/scenario.h"

namespace rivals {
namespace {

namespace tr = tailrace;
using namespace std::chrono_literals;

// Both networks, with what their calls take here by the number of rows: nothing else is set by hand.
const tr::Registry& measured(const Networks& networks) {
  static const tr::Registry models = [&] {
    tr::Registry made;
    tr::Tensor rows = tr::Tensor::zeros(tr::DType::float32, {32, 64});
    std::copy_n(networks.rows[0].data(), rows.as<float>().size(), rows.as<float>().data());
    tr::ProfileModelOptions how{.rows = tr::batch_sizes(32), .refine = 0, .budget = 700ms, .callers = {1}};
    tr::torch::LoadOptions options{.rows = {{tr::DType::float32, {64}}}};
    options.batches.assign(how.rows.begin(), how.rows.end());
    for (const char* name : {"small", "large"}) {
      const auto model = tr::torch::open(networks.folder + "/" + name + ".pt", options).value();
      const auto known =
          tr::profile_model([&] { return tr::Built<std::shared_ptr<const tr::Model>>(model); }, {&rows, 1}, how)
              .value();
      made.add(name, {.name = name, .model = model, .times = known.times});
    }
    return made;
  }();
  return models;
}

class Cascade final : public System {
 public:
  Cascade(std::shared_ptr<const Networks> networks, unsigned threads, Done done)
      : networks_(std::move(networks)), done_(std::move(done)) {
    const auto flow = tr::flow<Row>("digit", [&](tr::Stream<Row> row) {
      const auto sure = [least = networks_->sure](const Scores& s) { return is_sure(s.data(), least); };
      return tr::cascade("scores", row, tr::exit_if(tr::model<Row, Scores>("small"), sure),
                         tr::model<Row, Scores>("large"))
          .then("best", tr::stage([](const Scores& s) { return best_of(s.data()); }, {.quick = true}));
    });
    tr::Profile profile;
    profile.measured.threads = threads;
    const auto plan = tr::optimise(flow, {.profile = profile, .models = measured(*networks_)}).value();
    engine_.emplace(tr::start(plan, {.threads = threads, .max_in_flight = most}).value());
  }
  std::uint32_t answer(std::uint32_t number) override { return *engine_->run(row(number)); }
  void send(std::uint32_t number) override {
    const auto answered = [this, number](const tr::Outcome<std::uint32_t>& o) {
      if (o && done_) done_(number, *o);
    };
    if (!engine_->submit(row(number), {}, answered) && done_) done_(number, no_answer);
  }
  // So many are under way at any time: who is answered sends the next.
  std::uint64_t saturate(std::uint32_t count) override {
    Run run{count};
    for (std::uint32_t i = 0; i < 256; ++i) send_next(run);
    for (std::uint32_t seen; (seen = run.answered) < count;) run.answered.wait(seen);
    return run.sum;
  }

 private:
  static constexpr std::uint32_t most = 1 << 14, no_answer = ~0u;
  struct Run {
    explicit Run(std::uint32_t n) : count(n) {}
    const std::uint32_t count;
    std::atomic<std::uint32_t> next{0}, answered{0};
    std::atomic<std::uint64_t> sum{0};
  };
  void send_next(Run& run) {
    const std::uint32_t number = run.next++;
    if (number >= run.count) return;
    (void)engine_->submit(row(number), {}, [this, &run](const tr::Outcome<std::uint32_t>& o) {
      run.sum += o ? *o : no_answer;
      send_next(run);
      if (++run.answered == run.count) run.answered.notify_all();
    });
  }
  const Row& row(std::uint32_t number) const { return networks_->rows[number % networks_->rows.size()]; }

  const std::shared_ptr<const Networks> networks_;
  const Done done_;
  std::optional<tr::Engine<Row, std::uint32_t>> engine_;
};

}  // namespace

std::unique_ptr<System> tailrace_cascade(std::shared_ptr<const Networks> networks, unsigned threads, Done done) {
  return std::make_unique<Cascade>(std::move(networks), threads, std::move(done));
}

}  // namespace rivals
