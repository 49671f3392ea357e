// tailrace profile: what models take, measured.
#include "tailrace/exec/profile_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <optional>

#include "cli/cli.h"
#include "cli/files.h"
#include "cli/models.h"
#include "cli/progress.h"
#include "cli/rows.h"
#include "tailrace/core/random.h"
#include "tailrace/core/words.h"
#include "tailrace/model/device.h"
#include "tailrace/plan/models_file.h"
#include "tailrace/report/times_picture.h"

namespace tailrace::cli {

namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t most_batch = 65536;

// "12,13,14"; empty where it is something else.
template <class Number>
std::vector<Number> read_list(const std::string& text, Number most) {
  std::vector<Number> numbers;
  for (const char* at = text.data(); at <= text.data() + text.size(); ++at) {
    Number n{};
    const auto [end, error] = std::from_chars(at, text.data() + text.size(), n);
    if (error != std::errc() || n < 1 || n > most) return {};
    numbers.push_back(n);
    if (end != text.data() + text.size() && *end != ',') return {};
    at = end;
  }
  return numbers;
}

Built<std::vector<std::uint32_t>> read_batches(const std::string& text) {
  const auto refuse = [&] {
    return Problems(Code::bad_value, "--batches",
                    "takes numbers of rows such as 1..64 or 1,2,8, up to 65536; got '" + text.substr(0, 60) + "'");
  };
  if (text.starts_with("1..")) {
    const auto most = read_list<std::uint32_t>(text.substr(3), most_batch);
    if (most.size() != 1) return refuse();
    return batch_sizes(most.front());
  }
  auto list = read_list<std::uint32_t>(text, most_batch);
  std::sort(list.begin(), list.end());
  if (list.empty() || std::adjacent_find(list.begin(), list.end()) != list.end()) return refuse();
  return list;
}

// What models are called with, and what their answers should be.
struct Data {
  Tensor rows;
  std::vector<std::int64_t> labels;
  std::string name;
};

Tensor random_rows(const Shape& row) {
  Tensor rows = Tensor::zeros(DType::float32, row.with_first(16));
  Random random(1);
  for (float& value : rows.as<float>()) value = static_cast<float>(random.uniform());
  return rows;
}

Built<std::int64_t> label_of(float value, const std::string& where) {
  if (value >= 0 && value < 1e6f && value == std::floor(value)) return static_cast<std::int64_t>(value);
  return Problems(Code::bad_value, where,
                  fmt::format("a label must be the number of a class, from 0 on; got {}", value));
}

Problems read_labels(const ProfileOptions& o, const Rows& rows, Data& data) {
  const bool last = o.labels == "last";
  Rows file;
  if (!last) {
    auto read = read_rows(o.labels);
    if (!read) return read.error();
    file = *std::move(read);
    if (file.count != rows.count || file.shape.elements() != 1)
      return Problems(Code::bad_value, o.labels,
                      fmt::format("needs one label for each of {} rows, got {} of {} numbers", rows.count, file.count,
                                  file.shape.elements()));
  }
  const auto width = static_cast<std::size_t>(rows.shape.elements());
  for (std::size_t i = 0; i < rows.count; ++i) {
    const auto label = label_of(last ? rows.values[(i + 1) * width - 1] : file.values[i], fmt::format("row {}", i + 1));
    if (!label) return label.error();
    data.labels.push_back(*label);
  }
  return {};
}

Built<Data> read_data(const ProfileOptions& o) {
  Data data;
  Shape row;
  for (const auto extent : read_list<std::int64_t>(o.shape, std::int64_t{1} << 24)) row.push_back(extent);
  if (!o.shape.empty() && (row.rank() == 0 || row.rank() == Shape::max_rank || row.elements() > (1 << 28)))
    return Problems(Code::bad_value, "--shape",
                    "takes the extents of one row, such as 64 or 3,224,224; got '" + o.shape.substr(0, 60) + "'");
  if (o.data.empty()) {
    if (!o.labels.empty()) return Problems(Code::bad_value, "--labels", "are of the rows that --data names");
    if (o.shape.empty())
      return Problems(Code::bad_value, "profile",
                      "what are models to be called with? --data names rows, or --shape says what one looks like");
    data.rows = random_rows(row);
    return data;
  }
  auto rows = read_rows(o.data);
  if (!rows) return rows.error();
  if (!o.labels.empty())
    if (Problems wrong = read_labels(o, *rows, data); !wrong.empty()) return wrong;
  const auto width = static_cast<std::size_t>(rows->shape.elements());
  const std::size_t used = width - (o.labels == "last");
  if (o.shape.empty() && used == width) row = rows->shape;
  else if (o.shape.empty()) row = {static_cast<std::int64_t>(used)};
  if (static_cast<std::size_t>(row.elements()) != used || used == 0)
    return Problems(Code::bad_value, "--shape",
                    fmt::format("{} has {} numbers a row, not {}", name(row), row.elements(), used));
  data.name = fs::path(o.data).filename().string();
  data.rows = Tensor::zeros(DType::float32, row.with_first(static_cast<std::int64_t>(rows->count)));
  auto to = data.rows.as<float>().begin();
  for (std::size_t i = 0; i < rows->count; ++i)
    for (std::size_t k = 0; k < used; ++k) *to++ = static_cast<float>(rows->values[i * width + k] * o.scale);
  return data;
}

// One model to be measured.
struct Job {
  std::string model, path;
  ModelProfile known;  // its place, its file
};

Built<std::vector<Job>> jobs_of(const ProfileOptions& o) {
  std::vector<Job> jobs;
  Problems problems;
  for (const auto& given : o.models) {
    const auto equals = given.find('=');
    const std::string path = equals == given.npos ? given : given.substr(equals + 1);
    const auto begin = Clock::now();
    const auto bytes = read_file(path, std::size_t{64} << 30);
    if (!bytes) {
      problems.add(bytes.error());
      continue;
    }
    ModelProfile p;
    p.load.read = to_seconds(Clock::now() - begin);
    p.model = equals == given.npos ? fs::path(path).stem().string() : given.substr(0, equals);
    p.variant = fs::path(path).filename().string();
    std::error_code error;
    p.file = fs::relative(path, fs::absolute(o.out).parent_path(), error).string();
    if (error || p.file.empty()) p.file = fs::absolute(path).string();
    p.bytes = bytes->size();
    p.content = content_hash(*bytes);
    for (const auto& device : o.devices)
      for (const unsigned threads : o.threads) {
        p.threads = threads;
        const auto on = device_of(device);
        if (!on)
          problems.add(Code::unknown_name, "--devices",
                       "there is no device '" + device.substr(0, 60) + "'; expected cpu, cuda:0, …");
        else p.device = *on, jobs.push_back({p.model, path, p});
      }
  }
  if (!problems.empty()) return problems;
  return jobs;
}

std::string name_of(const ModelProfile& p) {
  return fmt::format("{}, {} on {}, {} thread{} a call", p.model, p.variant, name(p.device), p.threads,
                     p.threads == 1 ? "" : "s");
}

// Whether what is known of it is still true and all that is asked for.
bool measured(const ModelProfile* known, const Job& job, const Tensor& rows,
              const std::vector<std::uint32_t>& batches) {
  if (!known || known->content != job.known.content || !known->times.known()) return false;
  if (known->machine != this_machine()) return false;
  if (known->rows != std::vector<RowType>{{rows.dtype(), rows.shape().without_first()}}) return false;
  const auto has = [&](std::uint32_t n) {
    return std::any_of(known->times.times.begin(), known->times.times.end(),
                       [&](const auto& t) { return t.rows == n; });
  };
  return !known->error.empty() || std::all_of(batches.begin(), batches.end(), has);
}

void tell(const ModelProfile& p) {
  const auto& all = p.times.times;
  const auto best =
      std::min_element(all.begin(), all.end(), [](auto& a, auto& b) { return a.p50 / a.rows < b.p50 / b.rows; });
  const BatchFit fit = p.times.fit();
  std::string text = name_of(p) + "\n";
  text += fmt::format("  {} for a row alone; {} a row in batches of {}\n", time_in_words(all.front().p50),
                      time_in_words(best->p50 / best->rows), best->rows);
  if (all.size() > 1)
    text += fmt::format("  t(b) = {} {} {} b, at most {:.0f} % off\n",
                        fit.base < 0 ? "-" + time_in_words(-fit.base) : time_in_words(fit.base),
                        fit.per_row < 0 ? "-" : "+", time_in_words(std::abs(fit.per_row)), 100 * fit.worst);
  text += fmt::format("  loaded in {}, {:.1f} MB, at most {:.1f} MB\n",
                      time_in_words(p.load.read + p.load.prepare + p.load.warm_up),
                      static_cast<double>(p.memory.loaded) / 1e6, static_cast<double>(p.memory.peak) / 1e6);
  for (const auto& t : p.throughput)
    text += fmt::format("  {:.4g} rows a second by {} caller{}, {} rows a call\n", t.per_second, t.callers,
                        t.callers == 1 ? "" : "s", t.rows);
  if (p.accuracy)
    text += fmt::format("  {:.4g} of {} right on {}\n", p.accuracy->share(), p.accuracy->rows, p.accuracy->data);
  if (!p.error.empty()) text += fmt::format("  no more than {} rows: {}\n", all.back().rows, p.error);
  if (p.foreign > .01) text += fmt::format("  disturbed: others used {:.0f} % of the machine\n", 100 * p.foreign);
  else if (!p.steady()) text += "  disturbed: rounds differ much\n";
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
}

class Session {
 public:
  Session(const ProfileOptions& options, Data data, std::vector<std::uint32_t> batches, ModelProfiles known)
      : options_(options), data_(std::move(data)), batches_(std::move(batches)), all_(std::move(known)) {}

  Exit run(const std::vector<Job>& jobs) {
    for (const Job& job : jobs) {
      ModelProfile p;
      const ModelProfile* known = all_.find(job.known.model, job.known.variant, job.known.device, job.known.threads);
      if (!options_.again && measured(known, job, data_.rows, batches_)) {
        p = *known;
        std::fprintf(stderr, "%s: measured before, on %s (--again measures it anew)\n", name_of(p).c_str(),
                     p.date.c_str());
      } else {
        auto got = measure(job);
        if (!got) return complain(got.error());
        p = *std::move(got);
      }
      if (Problems wrong = judge(job, p); !wrong.empty()) return complain(wrong);
      tell(p);
      done_.push_back(p);
      all_.add(std::move(p));
      if (const auto wrong = save(); !wrong.empty()) return complain(wrong);  // what is measured stays measured
    }
    if (options_.picture.empty()) return Exit::fine;
    const auto drawn = write_file(options_.picture, report::times_picture(done_));
    return drawn ? Exit::fine : complain(drawn.error());
  }

 private:
  Built<ModelProfile> measure(const Job& job) {
    ProgressBar bar(name_of(job.known));
    ProfileModelOptions how;
    how.rows = batches_;
    how.budget = to_duration(options_.seconds);
    how.progress = [&](double done, Duration left) { bar.show(done, to_seconds(left)); };
    const auto open = [&] { return open_cold(job.path, job.model, cold(job.known)); };
    if (job.known.device == Device{}) how.served = [&] { return open_served(job.path, as_served(job.known)); };
    auto p = profile_model(open, {&data_.rows, 1}, how);
    if (!p) {
      Problems placed;
      for (const auto& wrong : p.error().list())
        placed.add(wrong.code, wrong.where == job.path ? job.path : job.path + ": " + wrong.where, wrong.what);
      return placed;
    }
    const ModelProfile& k = job.known;
    p->model = k.model, p->variant = k.variant, p->device = k.device, p->threads = k.threads;
    p->file = k.file, p->bytes = k.bytes, p->content = k.content;
    p->load.read = k.load.read;
    return p;
  }

  ColdOptions cold(const ModelProfile& p) const {
    return {p.device,
            p.threads,
            {data_.rows.dtype(), data_.rows.shape().without_first()},
            std::max(32u, *std::max_element(batches_.begin(), batches_.end()))};
  }

  ModelProfile as_served(ModelProfile p) const {
    p.rows = {cold(p).row};
    p.times.times.clear();
    for (const auto rows : batches_) p.times.times.push_back({.rows = rows});
    return p;
  }

  Problems judge(const Job& job, ModelProfile& p) const {
    if (data_.labels.empty() || (p.accuracy && p.accuracy->data == data_.name && !options_.again)) return {};
    const auto model = open_cold(job.path, job.model, cold(p));
    if (!model) return model.error();
    auto accuracy = answer_labelled(**model, data_.rows, data_.labels, data_.name);
    if (!accuracy) return accuracy.error();
    p.accuracy = *std::move(accuracy);
    return {};
  }

  Problems save() const {
    const auto text = write_models(all_);
    if (!text) return text.error();
    const auto written = write_file(options_.out, *text);
    return written ? Problems() : written.error();
  }

  const ProfileOptions& options_;
  const Data data_;
  const std::vector<std::uint32_t> batches_;
  ModelProfiles all_;
  std::vector<ModelProfile> done_;
};

}  // namespace

Exit profile_models(const ProfileOptions& options) {
  auto batches = read_batches(options.batches);
  if (!batches) return complain(batches.error());
  auto data = read_data(options);
  if (!data) return complain(data.error());
  const auto jobs = jobs_of(options);
  if (!jobs) return complain(jobs.error());
  ModelProfiles known;
  std::error_code error;
  if (fs::exists(options.out, error)) {
    auto read = read_models_file(options.out);
    if (!read) return complain(read.error());
    known = *std::move(read);
  }
  if (!have_torch()) return complain(no_torch, Exit::not_available);
  return Session(options, *std::move(data), *std::move(batches), std::move(known)).run(*jobs);
}

}  // namespace tailrace::cli
