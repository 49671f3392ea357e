#pragma once
#include <atomic>

#include "tailrace/engine/engine.h"

// What a plug-in with an engine of its own shows to its host.
namespace plugin {

class Service {
 public:
  virtual ~Service() = default;
  virtual tailrace::Handle<int> submit(int in, std::atomic<int>* released) = 0;
};

using Make = Service*();  // the caller's, to be deleted before the library goes

}  // namespace plugin
