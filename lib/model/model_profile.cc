#include "tailrace/model/model_profile.h"

#include <algorithm>
#include <tuple>

namespace tailrace {

namespace {

std::string where_of(const ModelProfile& p) {
  return p.model + ", " + p.variant + " on " + name(p.device) + " with " + std::to_string(p.threads) +
         (p.threads == 1 ? " thread" : " threads");
}
std::uint64_t bytes_of(const RowType& row) {
  return static_cast<std::uint64_t>(row.shape.elements()) * size_of(row.dtype);
}
bool same_place(const ModelProfile& a, const ModelProfile& b) {
  return a.device == b.device && std::tie(a.model, a.variant, a.threads) == std::tie(b.model, b.variant, b.threads);
}

}  // namespace

bool ModelProfile::steady() const noexcept {
  constexpr double most_foreign = 0.01;  // as load/foreign.h says
  return foreign <= most_foreign &&
         std::all_of(times.times.begin(), times.times.end(), [](const BatchTime& t) { return t.steady; });
}

const ModelProfile* ModelProfiles::find(std::string_view model, std::string_view variant, Device device,
                                        unsigned threads) const noexcept {
  for (const auto& p : list)
    if (p.model == model && p.variant == variant && p.device == device && p.threads == threads) return &p;
  return nullptr;
}

void ModelProfiles::add(ModelProfile profile) {
  for (auto& p : list)
    if (same_place(p, profile)) return void(p = std::move(profile));
  list.push_back(std::move(profile));
}

Problems ModelProfiles::check() const {
  Problems problems;
  for (auto p = list.begin(); p != list.end(); ++p) {
    const std::string where = where_of(*p);
    if (p->model.empty() || p->variant.empty())
      problems.add(Code::bad_value, where, "a model and its variant must have names");
    if (p->threads == 0) problems.add(Code::bad_value, where, "a call computes with at least one thread");
    if (std::any_of(list.begin(), p, [&](const auto& before) { return same_place(before, *p); }))
      problems.add(Code::bad_value, where, "is there twice");
    const Problems of_times = p->times.check();
    for (const auto& t : of_times.list()) problems.add(t.code, where + ", " + t.where, t.what);
  }
  return problems;
}

Placed placed_of(const ModelProfile& profile, std::shared_ptr<const Model> model) {
  Placed placed;
  placed.device = profile.device;
  placed.model = std::move(model);
  placed.times = profile.times;
  placed.bytes = profile.memory.peak ? profile.memory.peak : profile.bytes;
  for (const auto& row : profile.rows) placed.row_in += bytes_of(row);
  for (const auto& row : profile.gives) placed.row_out += bytes_of(row);
  if (!profile.times.known()) return placed;
  placed.latency = std::max(Duration(1), to_duration(profile.times.seconds(1)));
  placed.measured = profile.date.empty() ? "an unknown day" : profile.date;
  return placed;
}

Variant variant_of(const ModelProfile& profile, std::shared_ptr<const Model> model) {
  const Placed placed = placed_of(profile, std::move(model));
  Variant v;
  v.name = profile.variant;
  v.model = placed.model;
  if (profile.accuracy) v.accuracy = profile.accuracy->share();
  v.latency = placed.latency;
  v.times = placed.times;
  v.device = placed.device;
  v.bytes = placed.bytes;
  v.row_in = placed.row_in;
  v.row_out = placed.row_out;
  v.measured = placed.measured;
  return v;
}

std::string content_hash(std::string_view content) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : content) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  std::string text(16, '0');
  for (auto digit = text.rbegin(); digit != text.rend(); ++digit, hash >>= 4) *digit = "0123456789abcdef"[hash & 15];
  return text;
}

}  // namespace tailrace
