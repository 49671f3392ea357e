#pragma once
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "exec/measure_record.h"
#include "tailrace/core/clock.h"
#include "tailrace/model/registry.h"
#include "tailrace/plan/graph.h"
#include "tailrace/plan/moves.h"

namespace tailrace::detail {

inline double seconds_between(TimePoint begin, TimePoint end) {
  return std::chrono::duration<double>(end - begin).count();
}

// Calls `f` and adds the time to `seconds`.
template <class F>
decltype(auto) timed(double& seconds, F f) {
  struct Stop {
    double& seconds;
    TimePoint begin = Clock::now();
    ~Stop() { seconds += seconds_between(begin, Clock::now()); }
  } stop{seconds};
  return f();
}

// Walks over a graph on one thread, as the engine's meaning says, but through every arm, and takes the time of each
// stage. All values of one request live in one piece of memory, as in the engine's frames.
class Walk {
 public:
  // REQUIRES: `graph` is sound, its models are resolved, and it outlives this.
  Walk(const Graph& graph, const Registry& models);
  ~Walk();
  Walk(const Walk&) = delete;
  Walk& operator=(const Walk&) = delete;

  // One request; `make` puts its input into the slot it is given.
  void run(const std::function<void(void* slot)>& make);
  void end_round();
  void forget();
  std::vector<Cost> costs();

 private:
  struct Head;
  // A value, or why there is none; and what it took to get it.
  struct Value {
    std::uint32_t slot = 0;
    double seconds = 0;
    bool there = false;
    Error why{};  // where it is not there
  };
  // One more variant of a stage's model.
  struct Alternative {
    std::shared_ptr<const void> context;
    Record* record;
  };
  // A graph laid out in memory, and what is known of its nodes; by node.
  struct Line {
    const Graph* graph = nullptr;
    Moves moves;
    bool input_movable = false;
    std::uint32_t identity = 0;                        // for a graph that gives its input on
    bool lone = false;                                 // an arm that is one function or model
    Record* whole = nullptr;                           // of an arm: its only stage's record, or one of its own
    std::vector<std::uint32_t> slots, gathers, extra;  // extra: where a stage finds its state
    std::vector<std::vector<std::uint32_t>> carries;   // of staged: by stage
    std::vector<Record*> records;
    std::vector<std::vector<Alternative>> alternatives;
    std::vector<std::vector<Line>> arms;
    std::vector<Value> values;
  };

  // ---- layout
  Line lay_out(const Graph& graph, const Registry& models, const std::string& path, bool input_movable);
  void lay_out_node(Line& line, std::size_t node, const Registry& models, const std::string& where);
  Record* record(std::string where, std::string variant);
  std::uint32_t reserve(const Type& type) { return reserve(type.size, type.align); }
  std::uint32_t reserve(std::size_t size, std::size_t align);

  // ---- walking
  Value evaluate(Line& line, std::uint32_t in);
  Value node(Line& line, std::size_t node);
  Value stage(Line& line, std::size_t node);
  Value race(Line& line, std::size_t node, std::uint32_t in);
  Value cascade(Line& line, std::size_t node, std::uint32_t in);
  Value quorum(Line& line, std::size_t node, std::uint32_t in);
  Value hedge(Line& line, std::size_t node, std::uint32_t in);
  Value staged(Line& line, std::size_t node, std::uint32_t in);
  Value choose(Line& line, std::size_t node, std::uint32_t in);
  Value each(Line& line, std::size_t node, std::uint32_t in);
  void elements(Line& line, std::size_t node, std::uint32_t in, Value& whole);
  Value give_input(Line& line, std::uint32_t in);
  static void enter(Line& arm, std::size_t times);
  Value call(const Instruction& i, Record& record, bool repeatable);
  Pending begin() noexcept;
  void run_step(const Instruction& i);
  void ready_state(const Line& line, std::size_t node);
  static Value failed(Record& record, const Error& error);
  bool ask(const Test& test, std::uint32_t slot, Record& record, Value& v, std::size_t& answer);
  void own(std::uint32_t slot, const Type& type) { owned_.push_back({slot, &type}); }
  void destroy_down_to(std::size_t mark) noexcept;

  std::deque<Record> records_;
  Line top_;
  char* memory_ = nullptr;
  std::size_t next_ = 0, align_ = 64;
  std::uint32_t flag_ = 0, live_ = 0;
  std::vector<std::pair<std::uint32_t, const Type*>> owned_;
  bool failed_ = false;  // the running thunk returned an error instead of a value:
  Error returned_;       // this
  struct Later;
  Later* later_ = nullptr;  // of the asynchronous stage that is running
  bool waits_ = false;      // the stage to be run is asynchronous
  std::vector<std::pair<void*, const StateOps*>> states_;
  double clock_cost_ = 0;
};

}  // namespace tailrace::detail
