#include "engine/running.h"

#include <algorithm>

#include "engine/frame.h"
#include "engine/park.h"

namespace tailrace::detail {
namespace {

// "decode, scale": the stages of a block, without what only destroys values.
std::string name_of(const Program& p, const Block& b) {
  std::string name;
  for (const Instruction* i = b.first; i != b.last; ++i) {
    const std::string& stage = p.names[static_cast<std::size_t>(i - p.code.data())];
    if (i->in == i->out || stage.empty()) continue;
    if (!name.empty()) name += ", ";
    name += stage;
  }
  return name;
}

void add(std::vector<std::string>& names, std::string name) {
  if (!name.empty() && std::find(names.begin(), names.end(), name) == names.end()) names.push_back(std::move(name));
}

}  // namespace

void add_running_stages(const Program& p, std::vector<std::string>& names) {
  for (std::uint32_t i = 0; i < p.pool.count(); ++i) {
    Frame& f = *p.pool.at(i);
    if (!(f.refs.load() & refs_mask)) continue;
    for (const Control& c : p.controls)
      if (is_outstanding(f, c)) add(names, c.name);
    for (const Region& r : p.regions) {
      const std::size_t at = f.region_state(r).at.load(std::memory_order_relaxed);
      if (at && at <= p.blocks.size()) add(names, name_of(p, p.blocks[at - 1]));
    }
  }
  for (const Control& c : p.controls)
    if (c.element) add_running_stages(*c.element, names);
}

}  // namespace tailrace::detail
