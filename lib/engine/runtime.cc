#include "engine/runtime.h"

#include <sstream>

namespace tailrace {

Runtime::Runtime() : stations_(std::make_shared<detail::Stations>()) {}

}  // namespace tailrace

namespace tailrace::detail {
namespace {

// A function is known by its name and parameters in a Catalog or, where it has none, by its code and what it holds.
std::string function_key(const Stage& stage) {
  std::ostringstream key;
  key << stage.function << '\n';
  for (const Parameter& p : stage.parameters.list()) key << p.name << '=' << p.number << '"' << p.text << "\"\n";
  if (stage.function.empty()) key << stage.context.get();
  key << '\n' << reinterpret_cast<const void*>(stage.leave) << ' ' << reinterpret_cast<const void*>(stage.take);
  return key.str();
}

std::string key_of(const std::string& flow, const std::string& path, const Stage& stage) {
  const StationSpec& s = stage.station;
  std::ostringstream key;
  key << flow << '\n' << path << '\n' << s.limit << ' ' << s.per_stream << ' ' << s.max_streams << ' ' << s.max_batch;
  return key.str() + '\n' + function_key(stage);
}

}  // namespace

std::shared_ptr<Station> Stations::find_or_make(const std::string& flow, const std::string& path, const Stage& stage) {
  const std::lock_guard lock(mutex_);
  std::erase_if(by_key_, [](const auto& entry) { return entry.second.expired(); });
  auto& known = by_key_[key_of(flow, path, stage)];
  if (auto station = known.lock()) return station;
  auto station = std::make_shared<Station>(stage);
  known = station;
  return station;
}

}  // namespace tailrace::detail
