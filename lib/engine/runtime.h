#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "engine/hedge_site.h"
#include "engine/station.h"
#include "tailrace/engine/runtime.h"

namespace tailrace::detail {

// A runtime's stations and hedges, by what makes them the same.
class Stations {
 public:
  // Whose station, and what it is like.
  struct Wanted {
    const std::string& flow;
    const std::string& path;
    const Stage& stage;
    const StationSpec& spec;
    Device device;
  };
  // The station of the stage at that path in the flow of that name: an engine's that runs already, or a new one. Stages
  // are the same when path, function and limits are; models that answer batches when the network, the device, the types
  // and the limits are, wherever they stand. A new one keeps its queue in `memory`. Throws std::bad_alloc. REQUIRES:
  // `policies`, or the library's own without, know the policy
  std::shared_ptr<Station> find_or_make(const Wanted& wanted, const PolicyCatalog* policies,
                                        std::pmr::memory_resource& memory);

  // The same for the hedge at `path` with that policy, out of `policies` or the library's own; null where the policy
  // never wants a copy. REQUIRES: the catalog knows it.
  std::shared_ptr<HedgeSite> find_or_make_hedge(const std::string& flow, const std::string& path, const PolicyUse& use,
                                                const PolicyCatalog* policies);

 private:
  std::mutex mutex_;
  std::map<std::string, std::weak_ptr<Station>> by_key_;
  std::map<std::string, std::weak_ptr<HedgeSite>> hedges_;
};

}  // namespace tailrace::detail
