#include "tailrace/exec/profile_model.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <numeric>
#include <optional>
#include <thread>

#include "exec/here.h"
#include "exec/measure_record.h"
#include "tailrace/exec/start.h"
#include "tailrace/load/foreign.h"

namespace tailrace {

namespace {

double since(TimePoint begin) { return to_seconds(Clock::now() - begin); }

// So many rows, taken from `all` in turn.
Tensor batch_of(const Tensor& all, std::uint32_t rows, bool batched) {
  if (!batched) return all.row(0).contiguous_copy();
  const Shape row = all.shape().without_first();
  Tensor batch = Tensor::zeros(all.dtype(), row.with_first(rows));
  const auto bytes = static_cast<std::size_t>(row.elements()) * size_of(all.dtype());
  for (std::uint32_t i = 0; i < rows; ++i)
    std::memcpy(static_cast<char*>(batch.data()) + i * bytes, all.row(i % all.shape()[0]).data(), bytes);
  return batch;
}

// Calls with one number of rows.
struct Size {
  std::uint32_t rows;
  std::vector<Tensor> inputs;
  detail::Record record{{}, {}};
  unsigned rounds = 0;
  double expected = 0;  // of a call: the faster of the first two, then the median so far
};

class Session {
 public:
  // First calls are of `model`, all others of `served`.
  Session(const Model& model, const Model& served, std::span<const Tensor> inputs, const ProfileModelOptions& options)
      : model_(model), served_(served), given_(inputs), options_(options), begin_(Clock::now()) {}

  Problems run(ModelProfile& p) {
    auto rows = model_.batched() ? options_.rows : std::vector<std::uint32_t>{1};
    if (rows.empty()) rows = batch_sizes(64);
    std::sort(rows.begin(), rows.end());
    for (const auto n : rows)
      if (!add(n, p)) break;
    if (sizes_.empty()) return Problems(Code::stage_failed, "one call", p.error);
    const double end = to_seconds(options_.budget);
    rounds(end * .3);
    for (int i = 0; i < 2; ++i) {  // the middles of middles are worth a look, too
      for (const auto n : middles_of_cliffs(table(), options_.refine - std::min(refined_, options_.refine)))
        if (ModelProfile not_told; add(n, not_told)) ++refined_;
      rounds(end * (.45 + .1 * i));
    }
    rounds(end * .85);
    if (!error_.empty()) return Problems(Code::stage_failed, "a call that had answered before", error_);
    p.times = table();
    p.first_calls = std::move(first_calls_);
    std::sort(p.first_calls.begin(), p.first_calls.end(), [](auto& a, auto& b) { return a.rows < b.rows; });
    return {};
  }

  // Of several callers at the same time, with the number of rows that one caller gets most through with.
  Problems together(ModelProfile& p) {
    auto callers = options_.callers;
    if (callers.empty()) callers = {1, usable_processors()};
    std::sort(callers.begin(), callers.end());
    callers.erase(std::unique(callers.begin(), callers.end()), callers.end());
    const auto& best = *std::max_element(sizes_.begin(), sizes_.end(), [](const Size& a, const Size& b) {
      return a.rows / a.expected < b.rows / b.expected;
    });
    std::vector<std::vector<double>> seen(callers.size());
    const double each = std::max(to_seconds(options_.budget) * .15 / (3. * static_cast<double>(callers.size())), .001);
    for (int round = 0; round < 3; ++round)
      for (std::size_t k = 0; k < callers.size(); ++k) {
        const double rate = rows_per_second(best, callers[k], each);
        if (rate <= 0)
          return Problems(Code::stage_failed, "calls at the same time", "failed, though single ones do not");
        seen[k].push_back(rate);
        tell(.85 + .05 * (round + static_cast<double>(k + 1) / static_cast<double>(callers.size())));
      }
    for (std::size_t k = 0; k < callers.size(); ++k) {
      std::sort(seen[k].begin(), seen[k].end());
      p.throughput.push_back({callers[k], best.rows, seen[k][1]});
    }
    return {};
  }

 private:
  static Status call(const Model& model, const Size& size) {
    Tensor output;
    return model.run(size.inputs, {&output, 1});
  }
  std::optional<double> timed_call(const Model& model, const Size& size) {
    const auto begin = Clock::now();
    const Status called = call(model, size);
    const double took = since(begin);
    if (called) return took;
    if (error_.empty()) error_ = called.error().what();
    return std::nullopt;
  }

  // False: a call with so many rows fails, and no larger one is tried.
  bool add(std::uint32_t rows, ModelProfile& p) {
    Size size{rows, {}};
    for (const Tensor& t : given_) size.inputs.push_back(batch_of(t, rows, model_.batched()));
    const auto first = timed_call(model_, size);
    const auto second = first ? timed_call(model_, size) : first;
    if (!second) return p.error = std::exchange(error_, {}), false;
    first_calls_.push_back({rows, *first, *second});
    size.expected = std::max(1e-9, std::min(*first, *second));
    sizes_.push_back(std::move(size));
    return true;
  }

  // Until so much of the time has passed; at first at least so many that every size has its least rounds.
  void rounds(double until) {
    const auto every =
        std::accumulate(sizes_.begin(), sizes_.end(), 0., [](double s, const Size& z) { return s + z.expected; });
    const double left = until - since(begin_);
    // Calls are so many that sizes get about the same time, and that rounds are as many as wanted.
    const double turn = std::max(left, 0.) / static_cast<double>(sizes_.size()) / 30;
    bool called = true;
    for (unsigned r = 0; called && error_.empty(); ++r) {
      if (r >= least(until) && since(begin_) + every > until) break;
      called = false;
      for (std::size_t k = 0; k < sizes_.size() && error_.empty(); ++k) {
        Size& size = sizes_[(r + k) % sizes_.size()];
        if (size.rounds >= std::max(1u, options_.most_rounds)) continue;
        called = true;
        turn_of(size, turn);
        tell(std::min(.85, since(begin_) / to_seconds(options_.budget)));
      }
    }
    for (Size& size : sizes_) {
      const Cost so_far = detail::Record(size.record).cost();
      if (so_far.time.known()) size.expected = std::max(1e-9, so_far.time.p50);
    }
  }
  // The last phase sees to it that sizes that came late have enough rounds.
  unsigned least(double until) const {
    return until < to_seconds(options_.budget) * .8 ? 1 : std::max(1u, options_.least_rounds);
  }
  void turn_of(Size& size, double turn) {
    const int calls = static_cast<int>(std::clamp(turn / size.expected, 1., 64.));
    for (int i = 0; i < calls; ++i) {
      const auto took = timed_call(served_, size);
      if (!took) return;
      size.record.add(std::max(*took, 1e-9), 0);
    }
    size.record.end_round();
    ++size.rounds;
  }

  BatchTimes table() const {
    BatchTimes all;
    for (const Size& size : sizes_) {
      const Times t = detail::Record(size.record).cost().time;
      all.times.push_back({size.rows, t.calls, t.min, t.p50, t.p99, t.steady()});
    }
    std::sort(all.times.begin(), all.times.end(), [](auto& a, auto& b) { return a.rows < b.rows; });
    return all;
  }

  double rows_per_second(const Size& size, unsigned callers, double seconds) const {
    std::vector<double> rates(callers);
    std::atomic<unsigned> waiting{callers};
    {
      std::vector<std::jthread> threads;
      for (double& rate : rates)
        threads.emplace_back([&] {
          (void)call(served_, size);  // each thread's first one is slow
          for (--waiting; waiting != 0;) std::this_thread::yield();
          const auto begin = Clock::now();
          double answered = 0;
          do {
            if (!call(served_, size)) return;
            answered += size.rows;
          } while (since(begin) < seconds);
          rate = answered / since(begin);
        });
    }
    if (std::find(rates.begin(), rates.end(), 0.) != rates.end()) return 0;
    return std::accumulate(rates.begin(), rates.end(), 0.);
  }

  void tell(double done) {
    const auto now = Clock::now();
    if (!options_.progress || now < next_told_) return;
    next_told_ = now + std::chrono::milliseconds(100);
    options_.progress(done, to_duration(since(begin_) * (1 - done) / std::max(done, .01)));
  }

  const Model& model_;
  const Model& served_;
  const std::span<const Tensor> given_;
  const ProfileModelOptions& options_;
  const TimePoint begin_;
  TimePoint next_told_{};
  std::vector<Size> sizes_;
  std::vector<FirstCalls> first_calls_;
  std::string error_;
  unsigned refined_ = 0;
};

Problems mistakes(std::span<const Tensor> inputs, const ProfileModelOptions& options) {
  Problems problems;
  if (inputs.empty()) problems.add(Code::bad_value, "inputs", "needs a tensor for each input of the model, got none");
  for (const Tensor& t : inputs)
    if (t.shape().rank() == 0 || t.shape()[0] <= 0 || !t.contiguous() || t.device() != Device{})
      problems.add(Code::bad_value, "inputs", "needs rows one after another on the CPU, got " + name(t.shape()));
  for (std::size_t i = 0; i < options.rows.size(); ++i)
    if (options.rows[i] == 0 || std::find(options.rows.begin(), options.rows.begin() + static_cast<std::ptrdiff_t>(i),
                                          options.rows[i]) != options.rows.begin() + static_cast<std::ptrdiff_t>(i))
      problems.add(Code::bad_value, "rows", "must be from 1 on, each once; got " + std::to_string(options.rows[i]));
  for (const unsigned callers : options.callers)
    if (callers == 0) problems.add(Code::bad_value, "callers", "must be from 1 on, got 0");
  return problems;
}

}  // namespace

Built<ModelProfile> profile_model(const OpenModel& open, std::span<const Tensor> inputs,
                                  const ProfileModelOptions& options) {
  if (Problems problems = mistakes(inputs, options); !problems.empty()) return problems;
  ModelProfile p;
  const load::ForeignLoad foreign;
  detail::return_freed_memory();
  const std::uint64_t before = detail::resident_bytes();
  const auto begin = Clock::now();
  const auto model = open();
  p.load.prepare = since(begin);
  if (!model) return model.error();
  for (const Tensor& t : inputs) p.rows.push_back({t.dtype(), t.shape().without_first()});
  std::vector<Tensor> one;
  for (const Tensor& t : inputs) one.push_back(batch_of(t, 1, (*model)->batched()));
  const auto warm = Clock::now();
  for (int i = 0; i < 3; ++i) {
    Tensor output;
    if (Status called = (*model)->run(one, {&output, 1}); !called)
      return Problems(called.error().code(), "a call with one row", std::string(called.error().what()));
    const bool batched = (*model)->batched() && output.shape().rank() > 0;
    p.gives = {{output.dtype(), batched ? output.shape().without_first() : output.shape()}};
  }
  p.load.warm_up = since(warm);
  const auto grown = [&](std::uint64_t now) { return now > before ? now - before : 0; };
  p.memory.loaded = grown(detail::resident_bytes());
  detail::reset_peak();
  const auto served = options.served ? options.served() : model;
  if (!served) return served.error();
  Session session(**model, **served, inputs, options);
  if (Problems problems = session.run(p); !problems.empty()) return problems;
  p.memory.peak = std::max(p.memory.loaded, grown(detail::peak_bytes()));
  if (Problems problems = session.together(p); !problems.empty()) return problems;
  p.foreign = foreign.share().value_or(-1);
  p.back_end = (*served)->describe();
  p.machine = detail::this_machine();
  p.date = detail::today();
  if (options.progress) options.progress(1, {});
  return p;
}

std::string this_machine() { return detail::this_machine(); }

std::vector<std::uint32_t> batch_sizes(std::uint32_t most) {
  std::vector<std::uint32_t> sizes;
  for (std::uint32_t n = 1; n <= most && n <= 16; ++n) sizes.push_back(n);
  for (std::uint64_t step = 4, n = 20; n <= most; n += step) {
    sizes.push_back(static_cast<std::uint32_t>(n));
    if (n == 8 * step) step *= 2;
  }
  if (!sizes.empty() && sizes.back() != most) sizes.push_back(most);
  return sizes;
}

std::vector<std::uint32_t> middles_of_cliffs(const BatchTimes& all, std::size_t most) {
  const auto& t = all.times;
  const auto slope = [&](std::size_t i) { return (t[i + 1].p50 - t[i].p50) / (t[i + 1].rows - t[i].rows); };
  std::vector<std::pair<double, std::uint32_t>> found;
  for (std::size_t i = 0; i + 1 < t.size(); ++i) {
    if (t[i + 1].rows - t[i].rows < 2) continue;
    const double rise = t[i + 1].p50 - t[i].p50;
    double beside = 0;
    if (i > 0) beside = std::max(beside, slope(i - 1));
    if (i + 2 < t.size()) beside = std::max(beside, slope(i + 1));
    const double usual = beside * (t[i + 1].rows - t[i].rows);
    if (std::abs(rise) > .1 * t[i].p50 && (rise < 0 || rise > 1.5 * usual))
      found.emplace_back(-std::abs(rise - usual), t[i].rows + (t[i + 1].rows - t[i].rows) / 2);
  }
  std::sort(found.begin(), found.end());
  std::vector<std::uint32_t> rows;
  for (std::size_t i = 0; i < std::min(most, found.size()); ++i) rows.push_back(found[i].second);
  std::sort(rows.begin(), rows.end());
  return rows;
}

Built<LabelledResult> answer_labelled(const Model& model, const Tensor& rows, std::span<const std::int64_t> labels,
                                      std::string data) {
  LabelledResult result{std::move(data), labels.size(), 0};
  const auto count = rows.shape().rank() ? rows.shape()[0] : 0;
  if (count != static_cast<std::int64_t>(labels.size()) || labels.empty())
    return Problems(Code::bad_value, result.data,
                    "needs one label for each row, got " + std::to_string(count) + " rows and " +
                        std::to_string(labels.size()) + " labels");
  for (std::int64_t at = 0; at < count;) {
    const std::int64_t n = model.batched() ? std::min<std::int64_t>(32, count - at) : 1;
    const Shape row = rows.shape().without_first();
    const Tensor input = Tensor::view(rows.row(at).data(), rows.dtype(), model.batched() ? row.with_first(n) : row);
    Tensor output;
    if (Status called = model.run({&input, 1}, {&output, 1}); !called)
      return Problems(called.error().code(), result.data, std::string(called.error().what()));
    const std::int64_t wide = output.shape().elements() / n;
    if (output.dtype() != DType::float32 || wide < 1 || output.shape().elements() % n != 0)
      return Problems(Code::type_mismatch, result.data,
                      "the answer must be a score of float32 for each class, got " + std::string(name(output.dtype())) +
                          " " + name(output.shape()));
    const Tensor dense = output.contiguous() ? output : output.contiguous_copy();
    const float* scores = dense.as<float>().data();
    for (std::int64_t i = 0; i < n; ++i, scores += wide)
      result.right += std::max_element(scores, scores + wide) - scores == labels[static_cast<std::size_t>(at + i)];
    at += n;
  }
  return result;
}

}  // namespace tailrace
