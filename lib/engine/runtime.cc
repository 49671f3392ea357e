#include "engine/runtime.h"

#include <sstream>

namespace tailrace {

Runtime::Runtime() : stations_(std::make_shared<detail::Stations>()) {}

}  // namespace tailrace

namespace tailrace::detail {
namespace {

void write(std::ostream& key, const Parameters& parameters) {
  for (const Parameter& p : parameters.list()) key << p.name << '=' << p.number << '"' << p.text << "\"\n";
}

// A function is known by its name and parameters in a Catalog or, where it has none, by its code and what it holds.
std::string function_key(const Stage& stage) {
  std::ostringstream key;
  key << stage.function << '\n';
  write(key, stage.parameters);
  if (stage.function.empty()) key << stage.context.get();
  key << '\n' << reinterpret_cast<const void*>(stage.leave) << ' ' << reinterpret_cast<const void*>(stage.take);
  return key.str();
}

// Those who wait for one network share its batches.
std::string model_key(const Stage& stage, const Device& device) {
  std::ostringstream key;
  key << stage.model.model.get() << ' ' << name(device) << ' ' << stage.model.conversion << ' '
      << reinterpret_cast<const void*>(stage.together);
  return key.str();
}

std::string key_of(const Stations::Wanted& w) {
  const StationSpec& s = w.spec;
  std::ostringstream key;
  key << s.limit << ' ' << s.per_stream << ' ' << s.max_streams << ' ' << s.max_batch << '\n' << s.policy.name << '\n';
  write(key, s.policy.parameters);
  if (s.batch && w.stage.together) return key.str() + model_key(w.stage, w.device);
  return w.flow + '\n' + w.path + '\n' + key.str() + function_key(w.stage);
}

// Seeds that do not depend on addresses or the order in which engines are started.
std::uint64_t hash_of(const std::string& text) noexcept {
  std::uint64_t h = 14695981039346656037ull;
  for (char c : text) h = (h ^ static_cast<unsigned char>(c)) * 1099511628211ull;
  return h;
}

}  // namespace

std::shared_ptr<HedgeSite> Stations::find_or_make_hedge(const std::string& flow, const std::string& path,
                                                        const PolicyUse& use, const PolicyCatalog* policies) {
  auto policy = (policies ? policies->hedge(use) : PolicyCatalog().hedge(use)).value();
  const HedgeBudget budget = policy->budget();
  if (budget.share <= 0 && budget.burst >= 0 && budget.burst < 1) return nullptr;
  std::ostringstream key;
  key << flow << '\n' << path << '\n' << use.name << '\n';
  write(key, use.parameters);
  const auto seed = hash_of(key.str());
  key << policy->type();
  const std::lock_guard lock(mutex_);
  std::erase_if(hedges_, [](const auto& entry) { return entry.second.expired(); });
  auto& known = hedges_[key.str()];
  if (auto site = known.lock()) return site;
  auto site = std::make_shared<HedgeSite>(std::move(policy), seed);
  known = site;
  return site;
}

std::shared_ptr<Station> Stations::find_or_make(const Wanted& wanted, const PolicyCatalog* policies,
                                                std::pmr::memory_resource& memory) {
  const PolicyUse& use = wanted.spec.policy;
  std::shared_ptr<const BatchPolicy> policy;
  std::string key = key_of(wanted);
  if (wanted.spec.batch && !use.name.empty()) {
    policy = (policies ? policies->batch(use) : PolicyCatalog().batch(use)).value();
    std::ostringstream type;
    type << '\n' << policy->type();
    key += type.str();
  }
  const std::lock_guard lock(mutex_);
  std::erase_if(by_key_, [](const auto& entry) { return entry.second.expired(); });
  auto& known = by_key_[key];
  if (auto station = known.lock()) return station;
  auto station = std::make_shared<Station>(wanted.spec, wanted.stage.context, std::move(policy), memory);
  known = station;
  return station;
}

}  // namespace tailrace::detail
