#pragma once
#include <memory>

namespace tailrace {

namespace detail {
class Stations;
}

// What outlives an engine's programs: the stations at which requests wait for stages that are serial, limited, stateful
// or batch, and so the states of stateful ones. Engines that are given one Runtime share the stations of stages that
// are the same in both: of one name in one flow, with one function (by its name in a Catalog, else one and the same
// object). Copies are handles of one runtime. From any thread.
//
// A station and its states go when the last engine that uses it does, so that code of a plug-in may be unloaded then.
class Runtime {
 public:
  Runtime();

  // For the engine.
  detail::Stations& stations() const noexcept { return *stations_; }

 private:
  std::shared_ptr<detail::Stations> stations_;
};

}  // namespace tailrace
