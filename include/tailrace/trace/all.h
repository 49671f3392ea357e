#pragma once
#include <memory>
#include <vector>

#include "tailrace/core/observer.h"

namespace tailrace::trace {

// Observers that see the same engine together, each as much as it asks for. Null ones are left out; null if none is
// left.
std::shared_ptr<Observer> all(std::vector<std::shared_ptr<Observer>> observers);

}  // namespace tailrace::trace
