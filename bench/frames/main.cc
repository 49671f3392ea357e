// A frame loop that owes a picture every 16 ms and lends what is left of a frame: how long tick() takes, by the size of
// the work's blocks.
#include <algorithm>
#include <memory>
#include <thread>
#include <vector>

#include "support/program.h"
#include "support/requests.h"
#include "tailrace/exec/start.h"
#include "tailrace/flow/flow.h"

namespace frames {
namespace {

using namespace std::chrono_literals;
using bench::Results, bench::text;
namespace tr = tailrace;

constexpr auto frame = 16ms;
constexpr auto budget = 4ms;
constexpr int backlog = 1024, blocks = 3;

double microseconds(tr::Duration d) { return std::chrono::duration<double, std::micro>(d).count(); }

// More work than any frame has time for: whatever is answered is asked again, from its callback.
class Loop {
 public:
  explicit Loop(tr::Duration block) : engine_(start(block)) {
    for (int i = 0; i < backlog; ++i) ask();
    for (int i = 0; i < 4; ++i) engine_.tick(budget);  // warm
  }
  ~Loop() { over_ = true; }
  // Time in tick(), in microseconds. Afterwards the thread sleeps until the next frame is due, as a loop does.
  double once() {
    const auto begin = tr::Clock::now();
    engine_.tick(budget);
    const auto took = tr::Clock::now() - begin;
    std::this_thread::sleep_until(begin + frame);
    return microseconds(took);
  }
  long allocated_by(int count) {
    const long before = bench::allocations();
    for (int i = 0; i < count; ++i) engine_.tick(budget);
    return bench::allocations() - before;
  }
  long answered() const { return answered_; }

 private:
  static tr::Engine<int, int> start(tr::Duration block) {
    const auto busy = [block](int x) {
      for (const auto end = tr::Clock::now() + block; tr::Clock::now() < end;) {
      }
      return x + 1;
    };
    const auto flow = tr::flow<int>("units", [&](tr::Stream<int> s) {
      for (int i = 0; i < blocks; ++i) s = s.then("b" + std::to_string(i), busy);
      return s;
    });
    const auto plan = tr::optimise(flow, {.without = {"fuse"}}).value();
    return tr::start(plan, {.threads = 0, .max_in_flight = backlog}).value();
  }
  void ask() {
    (void)engine_.submit(0, {}, [this](const tr::Outcome<int>& o) {
      answered_ += o && *o == blocks;
      if (!over_) ask();
    });
  }
  bool over_ = false;
  long answered_ = 0;
  tr::Engine<int, int> engine_;
};

void smoke() {
  Loop loop(10us);
  const long allocated = loop.allocated_by(5);
  if (loop.answered() == 0) throw bench::WrongAnswer{"nothing was answered in 9 frames"};
  if (bench::counts_allocations && allocated)
    throw bench::WrongAnswer{"ticks took memory " + std::to_string(allocated) + " times"};
}

void measure(const bench::Options& options, Results& r) {
  const std::vector<tr::Duration> sizes = {10us, 50us, 200us, 1ms, 2ms, 5ms};
  constexpr int frames_a_round = 10;
  std::vector<std::unique_ptr<Loop>> loops;
  for (const auto size : sizes) loops.push_back(std::make_unique<Loop>(size));
  std::vector<std::vector<double>> took(sizes.size());
  const auto c = bench::take_turns(
      sizes.size(),
      [&](std::size_t i) {
        for (int n = 0; n < frames_a_round; ++n) took[i].push_back(loops[i]->once());
        return took[i].back();
      },
      options);
  bench::Table table{"Time in tick, with a budget of 4 ms",
                     "More work than any frame has time for; of every frame, in us. The last column is what tick "
                     "promises: its budget and one block.",
                     {"a block", "p50", "p90", "p99", "worst", "budget and a block"},
                     {}};
  bench::Picture picture{
      "frames",
      "Time in tick, by the size of blocks",
      "Frames of 16 ms, of which 4 ms are lent to the engine, with more work than that is enough for.",
      "one block, us",
      "ms",
      {{"worst", {}}, {"p99", {}}, {"median", {}}, {"budget and a block", {}}},
      0,
      0};
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    std::sort(took[i].begin(), took[i].end());
    const auto at = [&](double q) {
      return took[i][static_cast<std::size_t>(q * static_cast<double>(took[i].size() - 1) + .5)];
    };
    const double promised = microseconds(budget + sizes[i]), size = microseconds(sizes[i]);
    table.rows.push_back({bench::in_words(sizes[i]), text(at(.5), 0), text(at(.9), 0), text(at(.99), 0), text(at(1), 0),
                          text(promised, 0)});
    const double points[] = {at(1), at(.99), at(.5), promised};
    for (std::size_t line = 0; line < 4; ++line) picture.lines[line].points.emplace_back(size, points[line] / 1000);
    r.figures.push_back({"frames.past_" + text(size, 0) + "us",
                         "p99 of the time in tick beyond its budget and one block of " + bench::in_words(sizes[i]),
                         std::max(0., at(.99) - promised), 50, "us", !c.quiet});
  }
  r.figures.push_back({"frames.allocations", "allocations in 20 warm ticks",
                       static_cast<double>(loops[0]->allocated_by(20)), 0, "allocations", false});
  r.tables.push_back(std::move(table));
  r.pictures.push_back(std::move(picture));
}

}  // namespace
}  // namespace frames

int main(int argc, char** argv) {
  return bench::run_program({"frames", "Frame loops", frames::smoke, frames::measure}, argc, argv);
}
