#pragma once
#include <tailrace/tailrace.h>

#include "overhead/scenario.h"

// What our own side of several comparisons is made of.
namespace overhead {

// So many Steps one after another; with 0 the flow gives its input.
tailrace::Flow<Value, Value> chain(int length, const tailrace::StageOptions& options = {});
// The caller's thread runs everything; no other thread is there to disturb a count.
tailrace::EngineOptions one_thread();

}  // namespace overhead
