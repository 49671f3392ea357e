#include "cli/demo.h"

#include <fmt/format.h>

#include <cstdio>
#include <deque>
#include <filesystem>

#include "cli/cascade.h"
#include "cli/measure.h"
#include "cli/models.h"
#include "cli/networks.h"
#include "cli/progress.h"
#include "tailrace/exec/start.h"
#include "tailrace/plan/explain.h"
#include "tailrace/plan/json.h"

namespace tailrace::cli {

namespace {

using Label = std::int64_t;

Problems problem_of(const Error& error) {
  return Problems(error.code(), std::string(error.where()), std::string(error.what()));
}

// ---- answers

struct Answers {
  std::size_t right = 0, large = 0;
};

// What the engine answers must be what the same steps by hand give, image by image.
Built<Answers> compare_answers(Engine<Tensor, Label>& engine, const ByHand& by_hand, double least,
                               const Images& images) {
  Answers answers;
  for (std::size_t i = 0; i < images.size(); ++i) {
    const auto expected = by_hand.cascade(images.image(i), least);
    if (!expected) return problem_of(expected.error());
    const Outcome<Label> got = engine.run(images.image(i));
    if (!got) return problem_of(got.error());
    if (*got != expected->label || got.rung != expected->rung)
      return Problems(Code::internal_error, fmt::format("test image {}", i),
                      fmt::format("the engine answers {} by rung {}, the same steps by hand {} by rung {}", *got,
                                  got.rung, expected->label, expected->rung));
    answers.right += *got == images.labels[i];
    answers.large += got.rung == 1;
  }
  return answers;
}

template <class Answer>
Built<double> accuracy_of(const Images& images, Answer answer) {
  std::size_t right = 0;
  for (std::size_t i = 0; i < images.size(); ++i) {
    const Result<Label> label = answer(images.image(i));
    if (!label) return problem_of(label.error());
    right += *label == images.labels[i];
  }
  return static_cast<double>(right) / static_cast<double>(images.size());
}

// ---- times

template <class Answer>
Contender one_by_one(const Images& images, Answer answer) {
  Contender c;
  c.request = [&images, answer](std::size_t i) { (void)answer(images.image(i)); };
  c.round = [&images, answer] {
    for (std::size_t i = 0; i < images.size(); ++i) (void)answer(images.image(i));
  };
  return c;
}

// Up to `window` images under way.
Contender many_at_once(const Images& images, const Engine<Tensor, Label>& engine, std::size_t window) {
  Contender c;
  c.round = [&images, &engine, window] {
    auto& e = const_cast<Engine<Tensor, Label>&>(engine);
    std::deque<Handle<Label>> open;
    for (std::size_t i = 0; i < images.size(); ++i) {
      if (open.size() == window) (void)open.front().get(), open.pop_front();
      open.push_back(e.submit(images.image(i)));
    }
    for (auto& handle : open) (void)handle.get();
  };
  return c;
}

void put_times(ArmFigures& arm, const Contender& c, std::size_t images) {
  arm.p50_us = 1e6 * percentile(c.request_seconds, 0.50);
  arm.p99_us = 1e6 * percentile(c.request_seconds, 0.99);
  arm.per_second = static_cast<double>(images) / median(c.round_seconds);
}

void measure_seed(SeedFigures& figures, Engine<Tensor, Label>& engine, const ByHand& by_hand, const Images& images,
                  std::size_t window) {
  std::vector<Contender> contenders;
  contenders.push_back(one_by_one(images, [&](const Tensor& image) { return by_hand.tiny(image); }));
  contenders.push_back(one_by_one(images, [&](const Tensor& image) { return by_hand.large(image); }));
  contenders.push_back(one_by_one(images, [&](const Tensor& image) { return engine.run(image); }));
  contenders.push_back(many_at_once(images, engine, window));
  measure(contenders, {.requests = images.size()});
  const auto& [tiny, large, cascade, many] = std::tie(contenders[0], contenders[1], contenders[2], contenders[3]);
  put_times(figures.tiny, tiny, images.size());
  put_times(figures.large, large, images.size());
  put_times(figures.cascade, cascade, images.size());
  figures.many_per_second = static_cast<double>(images.size()) / median(many.round_seconds);
  figures.speed_up = median_ratio(large.round_seconds, cascade.round_seconds);
  figures.bound = 0.8 / (median_ratio(tiny.round_seconds, large.round_seconds) + figures.cascade.share_large);
}

// ---- one seed

// How long one image takes, for the registry; measured on images that are not the test's.
template <class Answer>
Duration latency_of(const Images& images, Answer answer) {
  std::vector<Contender> contenders{one_by_one(images, answer)};
  measure(contenders, {.requests = 0, .seconds = 0.05, .least_rounds = 3});
  const double seconds = median(contenders[0].round_seconds) / static_cast<double>(images.size());
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

Registry registry_of(const Networks& networks, const ByHand& by_hand, const Threshold& t, const Images& images) {
  Registry models;
  models.add("tiny", {.name = "tiny.pt",
                      .model = networks.tiny,
                      .accuracy = t.tiny_accuracy,
                      .latency = latency_of(images, [&](const Tensor& image) { return by_hand.tiny(image); })});
  models.add("large", {.name = "large.pt",
                       .model = networks.large,
                       .accuracy = t.large_accuracy,
                       .latency = latency_of(images, [&](const Tensor& image) { return by_hand.large(image); })});
  return models;
}

struct Demo {
  DemoOptions options;
  Digits digits;
  Catalog catalog = make_catalog();
};

// The flow with its threshold, optimised.
Built<Plan<Tensor, Label>> make_plan(const Demo& demo, const Networks& networks, const ByHand& by_hand,
                                     const Threshold& threshold, const std::string& copy) {
  const auto written = write_threshold(demo.options.flow, copy, threshold.least, demo.catalog);
  if (!written) return written.error();
  const auto graph = read_flow_file(copy, demo.catalog);
  if (!graph) return graph.error();
  if (!equal((*graph)->input_type(), type_of<Tensor>) || !equal((*graph)->output_type(), type_of<Label>))
    return Problems(Code::type_mismatch, demo.options.flow, "must lead from Tensor to long, as arg_max gives");
  return optimise(Flow<Tensor, Label>(*graph),
                  {.models = registry_of(networks, by_hand, threshold, demo.digits.validation)});
}

Built<SeedFigures> run_seed(const Demo& demo, std::uint64_t seed, unsigned threads) {
  const auto networks = open_networks(demo.digits, seed, demo.options.cache);
  if (!networks) return networks.error();
  const ByHand by_hand(networks->tiny, networks->large);
  const auto threshold = choose_threshold(by_hand, demo.digits.validation, most_large);
  if (!threshold) return problem_of(threshold.error());
  SeedFigures figures;
  figures.seed = seed;
  figures.threshold = threshold->least;
  figures.flow = networks->folder + "/digits.json";
  const auto plan = make_plan(demo, *networks, by_hand, *threshold, figures.flow);
  if (!plan) return plan.error();
  figures.explanation = explain(*plan);

  const std::size_t window = 4 * std::size_t{threads};
  auto engine = start(*plan, {.threads = threads, .max_in_flight = static_cast<std::uint32_t>(window)});
  if (!engine) return engine.error();
  const Images& test = demo.digits.test;
  const auto answers = compare_answers(*engine, by_hand, threshold->least, test);
  if (!answers) return answers.error();
  const auto tiny = accuracy_of(test, [&](const Tensor& image) { return by_hand.tiny(image); });
  const auto large = accuracy_of(test, [&](const Tensor& image) { return by_hand.large(image); });
  if (!tiny || !large) return tiny ? large.error() : tiny.error();
  const auto share = [&](std::size_t n) { return static_cast<double>(n) / static_cast<double>(test.size()); };
  figures.tiny.accuracy = *tiny;
  figures.large.accuracy = *large;
  figures.large.share_large = 1;
  figures.cascade.accuracy = share(answers->right);
  figures.cascade.share_large = share(answers->large);
  const Progress progress(fmt::format("answering the test images again and again, seed {}", seed));
  measure_seed(figures, *engine, by_hand, test, window);
  return figures;
}

// Fills in what was not given, and makes the cache's folder.
Problems prepare(DemoOptions& options) {
  if (options.data.empty()) options.data = TAILRACE_DOCS "/data/digits.csv";
  if (options.flow.empty()) options.flow = TAILRACE_DOCS "/flows/digits.json";
  if (options.cache.empty()) {
    auto cache = default_cache("demo");
    if (!cache) return std::move(cache).error();
    options.cache = *std::move(cache);
  }
  std::error_code error;
  std::filesystem::create_directories(options.cache, error);
  if (error) return Problems(Code::bad_file, options.cache, "cannot be created: " + error.message());
  return {};
}

}  // namespace

Exit demo_digits(const DemoOptions& given) {
  if (!have_torch()) return complain(no_torch, Exit::not_available);
  Demo demo{.options = given, .digits = {}};
  if (const auto problems = prepare(demo.options); !problems.empty()) return complain(problems);
  auto digits = read_digits(demo.options.data);
  if (!digits) return complain(digits.error());
  demo.digits = *std::move(digits);

  DemoFigures figures;
  figures.data = demo.options.data;
  figures.train = demo.digits.train.size();
  figures.validation = demo.digits.validation.size();
  figures.test = demo.digits.test.size();
  figures.threads = given.threads ? given.threads : usable_processors();
  if (!given.json) std::fputs(report_begin(figures).c_str(), stdout), std::fflush(stdout);
  for (int seed = 1; seed <= given.seeds; ++seed) {
    auto seed_figures = run_seed(demo, static_cast<std::uint64_t>(seed), figures.threads);
    if (!seed_figures) {
      const bool ours = seed_figures.error().code() == Code::internal_error;
      return complain(seed_figures.error(), ours ? Exit::some_failed : Exit::bad_input);
    }
    figures.seeds.push_back(*std::move(seed_figures));
  }
  std::fputs((given.json ? report_json(figures) : report_end(figures)).c_str(), stdout);
  if (std::fflush(stdout) != 0) return complain("standard output cannot be written");
  return Exit::fine;
}

}  // namespace tailrace::cli
