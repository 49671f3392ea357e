// Profiles of models as text.
#include "tailrace/plan/models_file.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "plan/json_fields.h"
#include "tailrace/model/device.h"

namespace tailrace {

namespace {

using detail::JsonValue;
using detail::longest_time;
using JsonKind = JsonValue::Kind;

constexpr std::size_t most_profiles = 4096, most_sizes = 4096, most_inputs = 64;
constexpr double most_rows = 1 << 30, most_threads = 1 << 20;
constexpr DType all_dtypes[] = {DType::float32, DType::float64, DType::float16, DType::bfloat16, DType::int8,
                                DType::int16,   DType::int32,   DType::int64,   DType::uint8,    DType::boolean};

// Reads profiles, and gives up at the first mistake.
class ModelsReader : detail::JsonFields {
 public:
  Built<ModelProfiles> read(const JsonValue& root) {
    ModelProfiles models;
    if (object(root, "a file of models", {"models"})) {
      if (!root.find("models")) refuse(root.at, "'models' is missing: the list of models");
      if (const auto* items = list(root, "models", most_profiles))
        for (const auto& item : *items) read(item, models);
    }
    if (failed()) return std::move(*this).problem();
    return models;
  }

 private:
  void read(const JsonValue& value, ModelProfiles& models) {
    ModelProfile p;
    if (failed() ||
        !object(value, "a model",
                {"model", "variant", "device", "threads", "file", "bytes", "content", "back_end", "measured", "rows",
                 "gives", "load", "memory", "accuracy", "times", "first_calls", "throughput", "error", "fit"}))
      return;
    text(value, "model", p.model);
    text(value, "file", p.file);
    p.variant = p.file;
    text(value, "variant", p.variant);
    if (!failed() && p.model.empty()) return refuse(value.at, "'model' is missing: the model's name");
    if (!failed() && p.variant.empty()) return refuse(value.at, "'variant' is missing, and 'file' too: one is needed");
    device(value, p.device);
    count(value, "threads", most_threads, p.threads);
    if (p.threads == 0) refuse(value.find("threads")->value.at, "'threads' must be at least 1");
    text(value, "error", p.error);
    count(value, "bytes", detail::most_counted, p.bytes);
    text(value, "content", p.content);
    text(value, "back_end", p.back_end);
    measured(value, p);
    if (const auto* items = list(value, "rows", most_inputs))
      for (const auto& item : *items) read(item, p.rows.emplace_back());
    if (const auto* items = list(value, "gives", most_inputs))
      for (const auto& item : *items) read(item, p.gives.emplace_back());
    costs(value, p);
    if (const auto* items = list(value, "times", most_sizes))
      for (const auto& item : *items) read(item, p.times.times);
    if (!failed() && models.find(p.model, p.variant, p.device, p.threads))
      return refuse(value.at, "the model '" + p.model + "', variant '" + p.variant + "', on " + name(p.device) +
                                  " with " + std::to_string(p.threads) + " threads is given twice");
    models.list.push_back(std::move(p));
  }

  void device(const JsonValue& value, Device& to) {
    std::string given = name(to);
    text(value, "device", given);
    const auto known = device_of(given);
    if (known) to = *known;
    else
      refuse(value.find("device")->value.at,
             "there is no device '" + given.substr(0, 60) + "'; expected 'cpu', 'cuda:0', …");
  }

  void measured(const JsonValue& value, ModelProfile& p) {
    const auto* m = member(value, "measured");
    if (!m || !object(*m, "'measured'", {"machine", "date", "foreign"})) return;
    text(*m, "machine", p.machine);
    text(*m, "date", p.date);
    number(*m, "foreign", 1, false, p.foreign);
  }

  void read(const JsonValue& value, RowType& row) {
    if (!object(value, "a row", {"dtype", "shape"})) return;
    std::string given(name(row.dtype));
    text(value, "dtype", given);
    const auto dtype =
        std::find_if(std::begin(all_dtypes), std::end(all_dtypes), [&](DType d) { return name(d) == given; });
    if (dtype == std::end(all_dtypes)) {
      std::vector<std::string> known;
      for (const DType d : all_dtypes) known.emplace_back(name(d));
      given.resize(std::min<std::size_t>(given.size(), 60));
      return refuse(value.find("dtype")->value.at,
                    "there is no element type '" + given + "'" + nearest_hint(given, known));
    }
    row.dtype = *dtype;
    const auto* extents = list(value, "shape", Shape::max_rank - 1);
    for (std::size_t i = 0; extents && i < extents->size(); ++i) {
      const JsonValue& e = (*extents)[i];
      if (!expect(e, JsonKind::number, "an extent")) return;
      if (!(e.number >= 0 && e.number <= most_rows &&
            e.number == static_cast<double>(static_cast<std::int64_t>(e.number))))
        return refuse(e.at, "an extent must be a whole number from 0 to 1073741824");
      row.shape.push_back(static_cast<std::int64_t>(e.number));
    }
  }

  void costs(const JsonValue& value, ModelProfile& p) {
    if (const auto* l = member(value, "load"); l && object(*l, "'load'", {"read", "prepare", "warm_up"})) {
      number(*l, "read", longest_time, false, p.load.read);
      number(*l, "prepare", longest_time, false, p.load.prepare);
      number(*l, "warm_up", longest_time, false, p.load.warm_up);
    }
    if (const auto* m = member(value, "memory"); m && object(*m, "'memory'", {"loaded", "peak"})) {
      count(*m, "loaded", detail::most_counted, p.memory.loaded);
      count(*m, "peak", detail::most_counted, p.memory.peak);
    }
    if (const auto* a = member(value, "accuracy"); a && object(*a, "'accuracy'", {"data", "rows", "right"})) {
      auto& got = p.accuracy.emplace();
      text(*a, "data", got.data);
      count(*a, "rows", detail::most_counted, got.rows);
      count(*a, "right", detail::most_counted, got.right);
      if (got.right > got.rows) refuse(a->at, "'right' is more than 'rows'");
    }
    if (const auto* items = list(value, "first_calls", most_sizes))
      for (const auto& item : *items) read(item, p.first_calls);
    if (const auto* items = list(value, "throughput", most_sizes))
      for (const auto& item : *items) read(item, p.throughput);
  }

  void read(const JsonValue& value, std::vector<FirstCalls>& calls) {
    FirstCalls c;
    if (!object(value, "a first call", {"rows", "first", "second"})) return;
    count(value, "rows", most_rows, c.rows);
    number(value, "first", longest_time, false, c.first);
    number(value, "second", longest_time, false, c.second);
    if (c.rows <= (calls.empty() ? 0 : calls.back().rows))
      refuse(value.at, "'rows' must grow from one to the next, from 1 on");
    calls.push_back(c);
  }

  void read(const JsonValue& value, std::vector<Throughput>& all) {
    Throughput t;
    if (!object(value, "a throughput", {"callers", "rows", "per_second"})) return;
    count(value, "callers", most_threads, t.callers);
    count(value, "rows", most_rows, t.rows);
    number(value, "per_second", 1e18, false, t.per_second);
    if (t.callers <= (all.empty() ? 0 : all.back().callers))
      refuse(value.at, "'callers' must grow from one to the next, from 1 on");
    all.push_back(t);
  }

  void read(const JsonValue& value, std::vector<BatchTime>& times) {
    BatchTime t;
    if (!object(value, "a time", {"rows", "calls", "min", "p50", "p99", "steady"})) return;
    count(value, "rows", most_rows, t.rows);
    count(value, "calls", detail::most_counted, t.calls);
    number(value, "min", longest_time, false, t.min);
    number(value, "p50", longest_time, false, t.p50);
    number(value, "p99", longest_time, false, t.p99);
    flag(value, "steady", t.steady);
    times.push_back(t);
    const Problems wrong = BatchTimes{times}.check();
    if (!wrong.empty()) refuse(value.at, wrong.list().front().where + ": " + wrong.list().front().what);
  }
};

// ---- writing

using Json = nlohmann::ordered_json;

Json in_json(const RowType& row) {
  return {{"dtype", std::string(name(row.dtype))},
          {"shape", std::vector<std::int64_t>(row.shape.begin(), row.shape.end())}};
}
Json in_json(const BatchTime& t) {
  Json json = {{"rows", t.rows}, {"calls", t.calls}, {"min", t.min}, {"p50", t.p50}, {"p99", t.p99}};
  if (!t.steady) json["steady"] = false;
  return json;
}

// One fact a line, and one time a line, so that two files can be compared by eye.
class ProfileText {
 public:
  explicit ProfileText(const ModelProfile& p) { write(p); }
  std::string take() && { return "    {" + std::move(text_) + "}"; }

 private:
  void write(const ModelProfile& p) {
    text_ = "\"model\": " + Json(p.model).dump() + ", \"variant\": " + Json(p.variant).dump() +
            ", \"device\": " + Json(name(p.device)).dump() + ", \"threads\": " + std::to_string(p.threads);
    if (!p.file.empty()) fact("file", p.file);
    if (p.bytes) fact("bytes", p.bytes);
    if (!p.content.empty()) fact("content", p.content);
    if (!p.back_end.empty()) fact("back_end", p.back_end);
    if (!p.machine.empty() || !p.date.empty() || p.foreign >= 0) fact("measured", measured(p));
    if (!p.rows.empty()) fact("rows", items(p.rows, [](const auto& r) { return in_json(r); }));
    if (!p.gives.empty()) fact("gives", items(p.gives, [](const auto& r) { return in_json(r); }));
    if (p.load != LoadTimes{})
      fact("load", {{"read", p.load.read}, {"prepare", p.load.prepare}, {"warm_up", p.load.warm_up}});
    if (p.memory != ModelMemory{}) fact("memory", {{"loaded", p.memory.loaded}, {"peak", p.memory.peak}});
    if (p.accuracy)
      fact("accuracy", {{"data", p.accuracy->data}, {"rows", p.accuracy->rows}, {"right", p.accuracy->right}});
    lines("times", p.times.times, [](const BatchTime& t) { return in_json(t); });
    if (p.times.known()) {
      const BatchFit fit = p.times.fit();
      fact("fit", {{"base", fit.base}, {"per_row", fit.per_row}, {"worst", fit.worst}});
    }
    if (!p.error.empty()) fact("error", p.error);
    lines("first_calls", p.first_calls, [](const FirstCalls& c) {
      return Json{{"rows", c.rows}, {"first", c.first}, {"second", c.second}};
    });
    lines("throughput", p.throughput, [](const Throughput& t) {
      return Json{{"callers", t.callers}, {"rows", t.rows}, {"per_second", t.per_second}};
    });
  }
  static Json measured(const ModelProfile& p) {
    Json json = Json::object();
    if (!p.machine.empty()) json["machine"] = p.machine;
    if (!p.date.empty()) json["date"] = p.date;
    if (p.foreign >= 0) json["foreign"] = p.foreign;
    return json;
  }
  template <class T, class F>
  static Json items(const std::vector<T>& all, F in_json) {
    Json json = Json::array();
    for (const T& t : all) json.push_back(in_json(t));
    return json;
  }
  void fact(const char* key, const Json& value) { text_ += ",\n     \"" + std::string(key) + "\": " + value.dump(); }
  template <class T, class F>
  void lines(const char* key, const std::vector<T>& all, F in_json) {
    if (all.empty()) return;
    text_ += ",\n     \"" + std::string(key) + "\": [";
    for (const T& t : all) text_ += (&t == all.data() ? "\n       " : ",\n       ") + in_json(t).dump();
    text_ += "]";
  }

  std::string text_;
};

}  // namespace

Built<ModelProfiles> read_models(std::string_view text) {
  const auto root = detail::parse_json(text, {.bytes = std::size_t{16} << 20, .depth = 8, .values = 2000000});
  if (!root) return root.error();
  return ModelsReader().read(*root);
}

Built<std::string> write_models(const ModelProfiles& models) {
  if (Problems wrong = models.check(); !wrong.empty()) return wrong;
  std::string text = "{ \"models\": [";
  try {
    for (const auto& p : models.list) text += (&p == models.list.data() ? "\n" : ",\n") + ProfileText(p).take();
  } catch (const nlohmann::json::exception&) {
    return Problems(Code::bad_value, "models", "a name in these profiles is not UTF-8");
  }
  text += "]}\n";
  const auto read = read_models(text);
  if (!read) return Problems(Code::bad_value, "models", "cannot be written: " + read.error().list().front().what);
  return text;
}

}  // namespace tailrace
