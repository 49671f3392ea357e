#pragma once
#include <memory>

#include "tailrace/core/problems.h"
#include "tailrace/engine/executor.h"

namespace tailrace {

// An executor without any thread, for hosts that lend one now and then: a frame loop, an event loop. Engines may share
// it; one that is started with `threads = 0` has one of its own.
//
//   auto executor = tr::tick_executor().value();
//   auto engine = tr::start(plan, {.executor = executor}).value();
//   auto handle = engine.submit(image);
//   while (!handle.ready()) executor->tick(2ms);  // or engine.tick(2ms)
//
// Work advances only inside `tick` and where somebody waits (Handle::get, destruction of an engine). `tick(budget)`
// runs ready tasks, oldest first, and due timers before them, on the calling thread. It never sleeps, takes no memory
// once as many timers as ever were armed before, and returns when nothing is ready any more or when the budget is used
// up and the running block has returned; it runs one piece even without a budget. One thread runs work at a time: a
// tick that meets another one, or a thread that waits, runs nothing and returns at once, and so does a tick inside a
// stage. Errors: out_of_memory.
Built<std::shared_ptr<Executor>> tick_executor();

}  // namespace tailrace
