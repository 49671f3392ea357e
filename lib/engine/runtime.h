#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "engine/station.h"
#include "tailrace/engine/runtime.h"

namespace tailrace::detail {

// A runtime's stations, by what makes them the same.
class Stations {
 public:
  // The station of the stage at `path` in the flow of that name: an engine's that runs already, or a new one. Stages
  // are the same when path, function and limits are. Throws std::bad_alloc.
  std::shared_ptr<Station> find_or_make(const std::string& flow, const std::string& path, const Stage& stage);

 private:
  std::mutex mutex_;
  std::map<std::string, std::weak_ptr<Station>> by_key_;
};

}  // namespace tailrace::detail
