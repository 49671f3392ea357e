#include <map>

#include "support/settings.h"

// The cases that an executor without threads of its own cannot run as they are written, and why. What such an executor
// promises instead stands in cases_tick.cc.
namespace tailrace::test {
namespace {

using Reasons = std::map<std::string, std::string>;

const std::string no_timer = "a deadline is seen at the next block, and the case holds a stage past one";
const std::string no_worker = "the case holds a stage that a thread of the executor would be running";

const std::string one_thread = "`run` does everything on its caller's thread";

const Reasons without_clock = {
    {"unknown blocks go to workers", one_thread},
    {"workers teach", one_thread},
    {"slow blocks go to workers", one_thread},
    {"outrunning is learned", one_thread},
    {"declared blocks need no learning", one_thread},
    {"one unknown stage hands over all", one_thread},
    {"tokens want short blocks", one_thread},
    {"arms run elsewhere", one_thread},
    {"callers are bounded", one_thread},
    {"callers may only wait", one_thread},
    {"memory of answered requests is bounded", no_timer},
    {"answered at the deadline", no_timer},
    {"stages are told of the deadline", no_timer},
    {"elements are told of the deadline", no_timer},
    {"the best answer goes out", no_timer},
    {"exit tests keep their answer", no_timer},
    {"no answer yet", no_timer},
    {"callbacks come once, on the executor", no_timer},
    {"quick stages that are not", "every stage is run by whoever waits, and its answer may be late"},
    {"handles wait and poll", "who waits for a while may run the stage that the case holds"},
    {"submit runs nothing on the caller", "whoever waits runs what is ready, and `run` everything"},
    {"a staged has no answer at the deadline", no_timer},
    {"a token that never stops", one_thread},
    {"a token cancels at once", "a caller of `run` may run the stage that the case holds"},
    {"waiting ends", no_worker},
    {"released once", no_worker},
    {"those who wait get in by a new plan", no_worker},
    {"nothing is lost while plans change", "callbacks fill the engine, and nobody lends it a thread for them"},
    {"stop answers everything",
     "a caller of `run` runs its stages itself, and is answered when the running one returns"},
};

const Reasons without_threads = {
    {"handles wait and poll", no_worker},
    {"destruction answers and waits", no_worker},
    {"drain waits for all", no_worker},
    {"drain names what runs", no_worker},
};

const std::string no_time = "stages take no time, and the case has one that takes some";

const Reasons on_virtual_time = {
    {"losers are not waited for", no_time},
    {"arms run at the same time", no_time},
    {"elements run at the same time", no_time},
    {"a stage serves several requests at once", no_time},
    {"drain names losers and callers", no_worker},
    {"new requests go to the new plan", no_worker},
    {"those who wait share a call", no_worker},
    {"a failed request takes no turn", no_worker},
    {"rows fail for themselves", no_worker},
    {"stopped rows are left out", no_worker},
    {"waiting elements leave at once", no_worker},
    {"the first of a batch is left out", no_worker},
    {"many threads, one batch stage", "the clock jumps to a deadline while threads that it does not know work"},
    {"all streams in use", no_worker},
    {"callers wait for room", no_worker},
    {"arms of a quorum are not waited for", no_time},
    {"arms of a quorum run at the same time", no_time},
    {"no callback inside request_stop", no_worker},
};

}  // namespace

std::string why_not(const Setting& setting, const std::string& name) {
  if (const auto r = without_clock.find(name); !setting.on_the_clock && r != without_clock.end()) return r->second;
  if (const auto r = without_threads.find(name); setting.meanwhile && r != without_threads.end()) return r->second;
  if (const auto r = on_virtual_time.find(name); setting.virtual_time && r != on_virtual_time.end()) return r->second;
  return "";
}

std::vector<std::pair<std::string, std::string>> exceptions() {
  std::vector<std::pair<std::string, std::string>> all(without_clock.begin(), without_clock.end());
  all.insert(all.end(), without_threads.begin(), without_threads.end());
  all.insert(all.end(), on_virtual_time.begin(), on_virtual_time.end());
  return all;
}

}  // namespace tailrace::test
