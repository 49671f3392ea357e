// What early exits save of a network's time, beside what they could at best.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "cli/digits.h"
#include "cli/networks.h"
#include "cli/train.h"
#include "support/program.h"
#include "tailrace/exec/start.h"
#include "tailrace/flow/combine.h"
#include "tailrace/flow/flow.h"
#include "tailrace/stages/early_exit.h"
#include "tailrace/torch/torch.h"

namespace early_exit {
namespace {

namespace tr = tailrace;
using bench::text, bench::WrongAnswer;
using tr::stages::EarlyAnswers;
using Net = tr::Engine<tr::Tensor, EarlyAnswers>;
using Networks = std::vector<std::shared_ptr<const tr::Model>>;

constexpr std::size_t pixels = 64, classes = 10, segments = 3;
constexpr double shares[] = {0, .3, .6, .9};
constexpr int loads = 3;  // of the networks
const std::string names[] = {"first", "second", "third", "whole"};

template <class T>
T value(tr::Built<T> built) {
  if (!built) throw WrongAnswer{built.error().what()};
  return *std::move(built);
}
template <class T>
T value(tr::Result<T> result) {
  if (!result) throw WrongAnswer{tr::describe(result.error())};
  return *std::move(result);
}

// ---- networks and images

// The segments, and the whole network; trained anew where the folder has none.
Networks open_networks(const tr::cli::Digits& digits, const std::string& folder, int channels, int epochs) {
  std::filesystem::create_directories(folder);
  if (!std::filesystem::exists(folder + "/third.pt")) {
    tr::cli::TrainingSet data{digits.train.pixels, digits.train.labels};
    for (float& x : data.pixels) x /= 16;
    if (const auto trained = tr::cli::train_exits(data, 1, channels, epochs, folder); !trained)
      throw WrongAnswer{tr::describe(trained.error())};
  }
  Networks all;
  const auto planes = static_cast<std::int64_t>(channels);
  for (const auto& name : names) {
    tr::torch::LoadOptions options{.batches = {1, 2, 4, 8, 16}, .name = name};
    const bool takes_pixels = name == "first" || name == "whole";
    options.rows = {{tr::DType::float32, takes_pixels ? tr::Shape{64} : tr::Shape{planes, 8, 8}}};
    all.push_back(value(tr::torch::open(folder + "/" + name + ".pt", options)));
  }
  return all;
}

// The test images in batches of so many; what is left over is not used.
std::vector<tr::Tensor> batches_of(const tr::cli::Images& images, std::size_t rows, std::size_t most) {
  std::vector<tr::Tensor> batches;
  const std::size_t used = std::min(most, images.size());
  for (std::size_t i = 0; i + rows <= used; i += rows) {
    batches.push_back(tr::Tensor::zeros(tr::DType::float32, {static_cast<std::int64_t>(rows), pixels}));
    for (std::size_t k = 0; k < rows * pixels; ++k) batches.back().as<float>()[k] = images.pixels[i * pixels + k] / 16;
  }
  return batches;
}

// ---- by hand

// What each classifier says of a batch, and what each segment takes.
struct ByHand {
  std::vector<tr::Tensor> scores, takes;
};
ByHand by_hand(const Networks& nets, const tr::Tensor& batch) {
  ByHand said;
  tr::Tensor x = batch;
  for (std::size_t k = 0; k < segments; ++k) {
    tr::Tensor out[2];
    if (const auto called = nets[k]->run({&x, 1}, out); !called) throw WrongAnswer{tr::describe(called.error())};
    said.takes.push_back(x);
    said.scores.push_back(out[0].contiguous() ? out[0] : out[0].contiguous_copy());
    x = out[1];
  }
  return said;
}

double probability(const float* row) {
  const double first = *std::max_element(row, row + classes);
  double sum = 0;
  for (std::size_t c = 0; c < classes; ++c) sum += std::exp(row[c] - first);
  return 1 / sum;
}

// The value between those that `share` of all are above and the others; 1 where none are to be.
double bar(std::vector<double> probabilities, double share) {
  std::sort(probabilities.rbegin(), probabilities.rend());
  const auto n = static_cast<std::size_t>(std::lround(share * static_cast<double>(probabilities.size())));
  if (n == 0) return 1;
  if (n >= probabilities.size()) return 0;
  return (probabilities[n - 1] + probabilities[n]) / 2;
}

// Tests for which half of `share` of all images leave at each exit.
struct Bars {
  double first = 1, second = 1;
};
Bars bars_for(const Networks& nets, const std::vector<tr::Tensor>& images, double share) {
  std::vector<double> at_first, at_second;
  std::vector<std::pair<double, double>> both;
  for (const auto& image : images) {
    const ByHand said = by_hand(nets, image);
    for (std::int64_t i = 0; i < image.shape()[0]; ++i)
      both.emplace_back(probability(said.scores[0].row(i).as<float>().data()),
                        probability(said.scores[1].row(i).as<float>().data()));
  }
  for (const auto& [first, second] : both) at_first.push_back(first);
  const double first_bar = bar(at_first, share / 2);
  for (const auto& [first, second] : both)
    if (first < first_bar) at_second.push_back(second);
  return {first_bar, bar(at_second, share / 2 / (1 - share / 2))};
}

// ---- the engine

Net start(const Networks& nets, const Bars& bars) {
  const auto flow = tr::flow<tr::Tensor>("digits", [&](tr::Stream<tr::Tensor> batch) {
    return tr::staged("net", batch, tr::stages::first_segment(nets[0], bars.first),
                      tr::stages::next_segment(nets[1], bars.second), tr::stages::last_segment(nets[2]));
  });
  return value(tr::start(flow, {.threads = 1}));
}

// Shares of all rows.
struct Reached {
  double segment[segments] = {};  // that each segment sees
  double right = 0;
};
// How many rows reach each segment, by the answers, which must be those by hand.
Reached reached(Net& net, const Networks& nets, const std::vector<tr::Tensor>& batches,
                const std::vector<std::int64_t>& labels, double share) {
  Reached found;
  auto label = labels.begin();
  for (const auto& batch : batches) {
    const auto answers = net.run(batch);
    if (!answers) throw WrongAnswer{tr::describe(answers.error())};
    const ByHand said = by_hand(nets, batch);
    tr::Tensor whole;
    if (!nets[3]->run({&batch, 1}, {&whole, 1})) throw WrongAnswer{"the whole network fails"};
    for (std::int64_t i = 0; i < batch.shape()[0]; ++i) {
      const std::size_t left = answers->exits[static_cast<std::size_t>(i)];
      for (std::size_t k = 0; k <= left; ++k) found.segment[k] += 1;
      const auto row = answers->scores.row(i).as<float>();
      found.right += std::max_element(row.begin(), row.end()) - row.begin() == *label++;
      const auto near = [&](const tr::Tensor& other) {
        const auto expected = other.row(i).as<float>();
        for (std::size_t c = 0; c < classes; ++c)
          if (!(std::abs(row[c] - expected[c]) < 1e-3F * (1 + std::abs(expected[c])))) return false;
        return true;
      };
      if (!near(said.scores[left])) throw WrongAnswer{"a row's scores are not those of the exit that it left at"};
      if (left == 2 && !near(whole)) throw WrongAnswer{"the last segment does not say what the whole network does"};
    }
  }
  const double all = found.segment[0];
  for (double& rows : found.segment) rows /= all;
  found.right /= all;
  if (std::abs(1 - found.segment[2] - share) > .05)
    throw WrongAnswer{"not as many leave as should: " + text(1 - found.segment[2])};
  return found;
}

// ---- times

double nanoseconds(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - begin).count();
}

void call(const tr::Model& model, const tr::Tensor& batch, std::size_t outputs) {
  tr::Tensor out[2];
  if (!model.run({&batch, 1}, std::span(out, outputs))) throw WrongAnswer{"a network fails"};
}

struct Scene {
  Networks nets;
  std::vector<tr::Tensor> batches;
  std::vector<tr::Tensor> takes[segments];  // by segment
  std::vector<Net> engines;                 // by share
  std::vector<Reached> reach;               // by share
};
Scene scene(const tr::cli::Digits& digits, const Networks& nets, std::size_t rows, std::size_t images) {
  Scene s;
  s.nets = nets;
  s.batches = batches_of(digits.test, rows, images);
  for (const auto& batch : s.batches) {
    const ByHand said = by_hand(nets, batch);
    for (std::size_t k = 0; k < segments; ++k) s.takes[k].push_back(said.takes[k]);
  }
  for (const double share : shares) {
    s.engines.push_back(start(nets, bars_for(nets, s.batches, share)));
    s.reach.push_back(reached(s.engines.back(), nets, s.batches, digits.test.labels, share));
  }
  return s;
}

// All batches once. Arms: the whole network, each segment, the engine of each share.
double once(Scene& s, std::size_t arm) {
  return nanoseconds([&] {
    if (arm == 0)
      for (const auto& batch : s.batches) call(*s.nets[3], batch, 1);
    else if (arm <= segments)
      for (const auto& taken : s.takes[arm - 1]) call(*s.nets[arm - 1], taken, arm == segments ? 1 : 2);
    else
      for (const auto& batch : s.batches) (void)s.engines[arm - 1 - segments].run(batch);
  });
}

// The rounds of every load, one after another. `spread` gets a row that says what they give by themselves.
bench::Comparison compare(std::vector<Scene>& scenes, std::size_t rows, bench::Table& spread,
                          const bench::Options& options) {
  bench::Comparison all;
  all.arms.resize(1 + segments + std::size(shares));
  all.quiet = true;
  std::vector<std::string> row{std::to_string(rows)};
  for (Scene& s : scenes) {
    const auto c = bench::take_turns(
        all.arms.size(), [&](std::size_t arm) { return once(s, arm); }, options);
    for (std::size_t arm = 0; arm < all.arms.size(); ++arm)
      all.arms[arm].insert(all.arms[arm].end(), c.arms[arm].begin(), c.arms[arm].end());
    all.quiet &= c.quiet;
    row.push_back(text(bench::stats(bench::divide(c.arms[1 + segments], c.arms[0])).median, 3));
  }
  spread.rows.push_back(std::move(row));
  return all;
}

void add(bench::Results& r, bench::Table& table, const bench::Comparison& c, const Scene& s, std::size_t rows) {
  double all = 0, parts[segments];
  for (std::size_t k = 0; k < segments; ++k) all += parts[k] = bench::stats(c.arms[1 + k]).median;
  double worst = 1e9;
  const std::string batch = "e7.batch_" + std::to_string(rows);
  for (std::size_t i = 0; i < std::size(shares); ++i) {
    double cost = 0;
    for (std::size_t k = 0; k < segments; ++k) cost += s.reach[i].segment[k] * parts[k] / all;
    const double faster = bench::stats(bench::divide(c.arms[0], c.arms[1 + segments + i])).median;
    table.rows.push_back(
        {std::to_string(rows), text(100 * (1 - s.reach[i].segment[2]), 0), text(100 * s.reach[i].right, 1),
         text(bench::stats(c.arms[1 + segments + i]).median / 1e3 / static_cast<double>(s.batches.size()), 0),
         text(faster), text(1 / cost), text(faster * cost, 3)});
    worst = std::min(worst, faster * cost);
    if (i == 0)
      r.figures.push_back({batch + ".none",
                           "nobody leaves, batches of " + std::to_string(rows) + ": by the whole network", 1 / faster,
                           1.03, "of its time", !c.quiet});
  }
  // A limit is the most a figure may be: the bound by what was reached.
  r.figures.push_back({batch + ".bound",
                       "batches of " + std::to_string(rows) + ": by the time of the bound, the worst share", 1 / worst,
                       1 / (rows == 1 ? .95 : .85), "times", !c.quiet});
}

tr::cli::Digits digits() { return value(tr::cli::read_digits(DIGITS)); }

void smoke() {
  const auto folder = std::filesystem::temp_directory_path() / "tailrace_bench_early_exit";
  std::filesystem::remove_all(folder);
  const auto data = digits();
  const Networks nets = open_networks(data, folder.string(), 6, 4);
  for (const std::size_t rows : {1, 16}) (void)scene(data, nets, rows, 96);
  std::filesystem::remove_all(folder);
}

void measure(const bench::Options& options, bench::Results& r) {
  const auto data = digits();
  const std::string folder = value(tr::cli::default_cache("demo")) + "/early-exit-1";
  bench::Table table{"A network with early exits",
                     "Three segments of two convolutions, 192 channels, 8 x 8 pixels; medians of rounds.",
                     {"rows", "leave before the last segment, %", "right, %", "us a request",
                      "faster than the whole network", "bound", "of the bound"},
                     {}};
  bench::Table spread{"What it matters where networks lie",
                      "Nobody leaves, by the whole network's time: each column is the same networks loaded once more.",
                      {"rows"},
                      {}};
  for (int i = 1; i <= loads; ++i) spread.columns.push_back("load " + std::to_string(i));
  std::vector<Networks> loaded;  // all at once, so that they lie in different places
  for (int i = 0; i < loads; ++i) loaded.push_back(open_networks(data, folder, 192, 4));
  for (const std::size_t rows : {1, 16}) {
    std::vector<Scene> scenes;
    for (const Networks& nets : loaded) scenes.push_back(scene(data, nets, rows, rows == 1 ? 64 : 160));
    add(r, table, compare(scenes, rows, spread, options), scenes.front(), rows);
  }
  r.tables.push_back(std::move(table));
  r.tables.push_back(std::move(spread));
}

}  // namespace
}  // namespace early_exit

int main(int argc, char** argv) {
  return bench::run_program({"early_exit", "A network with early exits", early_exit::smoke, early_exit::measure}, argc,
                            argv);
}
