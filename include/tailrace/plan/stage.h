#pragma once
#include <memory>
#include <string>
#include <vector>

#include "tailrace/core/batch.h"
#include "tailrace/core/completion.h"
#include "tailrace/core/context.h"
#include "tailrace/core/error.h"
#include "tailrace/core/parameters.h"
#include "tailrace/core/type.h"
#include "tailrace/model/batch_times.h"
#include "tailrace/model/model.h"
#include "tailrace/model/need.h"

namespace tailrace {

// A user's function as the plan knows it: untyped, as a function pointer (a thunk) and a context. The typed front end
// writes thunks, the engine calls them on frames: blocks of memory in which every value of one request has its slot.
namespace detail {

// One step of a compiled program: which thunk, on which slots. Offsets count bytes from the frame's start.
struct Instruction {
  void (*run)(const Instruction&, char* frame);
  const void* context;
  const std::uint32_t* inputs;  // slots of all inputs; behind them a state's slot or a number
  std::uint32_t in, out;        // slot of the first input, slot of the output
  std::uint32_t live;           // byte that says "the output exists"; only for types that need destroying
  std::uint32_t region;         // StopFlag of the region the step runs in
  const Type* type;             // of the output
};
using Thunk = void (*)(const Instruction&, char* frame);

// What stands at the start of every frame, whoever runs it.
struct FrameHead {
  RequestView request;
  // Notes that a step returned an error instead of a value.
  void (*fail)(const Instruction&, char* frame, const Error&) noexcept = nullptr;
  // Begins an asynchronous step; `number` stands behind the slots of its inputs. Its instruction ends without a value.
  Pending (*begin)(char* frame, std::uint32_t number) noexcept = nullptr;
};

inline FrameHead& head_of(char* frame) noexcept { return *reinterpret_cast<FrameHead*>(frame); }
inline Context context_of(const Instruction& i, char* frame) noexcept {
  return {*reinterpret_cast<const StopFlag*>(frame + i.region), head_of(frame).request};
}

// How to make and destroy what a stage keeps between calls.
struct StateOps {
  void* (*make)(const void* context);  // may throw
  void (*destroy)(void* state) noexcept;
};

// Calls a batch stage for rows that stand in different frames.
using BatchThunk = void (*)(const void* context, const BatchCall& call);
// What a call for so many rows takes, of stages whose time is simulated.
using BatchTimeThunk = Duration (*)(const void* context, std::uint32_t rows);

}  // namespace detail

// How many calls of a stage may run at the same time, and what it keeps between them. A stage that says anything of
// this has a *station*: a queue in which requests wait for their turn.
struct StationSpec {
  unsigned limit = 0;  // calls at the same time; 0: any number, and no station
  const detail::StateOps* state = nullptr;
  bool per_stream = false;   // one state, and one call at a time, for each `stream` of requests; else per replica
  unsigned max_streams = 0;  // states kept; past it the one used longest ago makes room
  detail::BatchThunk batch = nullptr;
  unsigned max_batch = 1;  // requests that one call answers
  PolicyUse policy{};      // who decides how many; without a name whoever gets the turn takes all who wait
  BatchTimes times{};      // of calls by their number of rows; empty: unknown
  detail::BatchTimeThunk takes = nullptr;  // null: its calls take what they take
};

// No call answers more requests.
inline constexpr unsigned most_batch_rows = 1024;

// What a flow says of batches of one stage, by hand; what it leaves out is decided by passes, or as it always was.
struct BatchUse {
  unsigned max = 0;       // requests that one call may answer; 0: not said. 1: none but its own
  unsigned replicas = 0;  // calls at a time; 0: not said
  PolicyUse policy{};
  bool said() const noexcept { return max != 0; }
  bool operator==(const BatchUse&) const = default;
};

// Which model a stage runs: by name and need, and once resolved the model itself.
struct ModelUse {
  std::string name;
  Need need;
  std::string variant;                 // chosen variant; empty until resolved
  std::shared_ptr<const Model> model;  // null until resolved
  // What makes rows of values, and values of rows: it is known by its address alone. Places of one model, one
  // conversion and one type share their batches.
  const void* conversion = nullptr;
};

// A stage without its C++ types. Plain data; made and copied out of line, so that users' files compile quickly.
struct Stage {
  Stage();
  Stage(const Stage& other);
  Stage(Stage&& other) noexcept;
  Stage& operator=(const Stage& other);
  Stage& operator=(Stage&& other) noexcept;
  ~Stage();

  std::vector<const Type*> takes;
  const Type* gives = nullptr;
  detail::Thunk take = nullptr;   // may take its inputs apart
  detail::Thunk leave = nullptr;  // leaves its inputs whole; null: impossible, an input is move-only
  std::shared_ptr<const void> context;
  std::string function;  // its name in a Catalog; empty where it has none
  Parameters parameters;
  bool replicable = false;    // may be asked twice for one request
  bool quick = false;         // returns within microseconds: may run on the caller's thread under a deadline
  bool asynchronous = false;  // its value comes later, by a Completion
  StationSpec station;
  BatchUse batching;
  detail::BatchThunk together = nullptr;  // of models: answers rows of several requests; null: it cannot
  ModelUse model;                         // name empty: not a model
  // For models: the context with `model` in place of what it had.
  std::shared_ptr<const void> (*bind)(const void* context, std::shared_ptr<const Model> model) = nullptr;
  detail::Thunk later = nullptr;  // for models that start their calls: in place of take and leave, asynchronously
};

// The station of a stage that answers batches as `use` says, where its own says nothing else.
StationSpec with_batches(const Stage& stage, const BatchUse& use, const BatchTimes& times);
// Whether a stage can share a block with others: its call neither waits for a turn nor for its value.
bool joins_blocks(const Stage& stage) noexcept;

// A user's question about one value: an exit test, a validity test (answers 0 or 1) or a selector (an arm's number).
struct Test {
  Test();
  Test(const Test& other);
  Test(Test&& other) noexcept;
  Test& operator=(const Test& other);
  Test& operator=(Test&& other) noexcept;
  ~Test();

  std::size_t (*run)(const void* context, void* slot) = nullptr;  // null: no test
  std::shared_ptr<const void> context;
  const Type* takes = nullptr;
  std::string function;
  Parameters parameters;
  explicit operator bool() const noexcept { return run != nullptr; }
};

// How `each` takes a vector apart, by its element type, and puts answers together, by theirs.
struct EachIn {
  const Type* whole;
  const Type* element;
  std::size_t (*size)(const void* whole_slot);
  void (*take)(void* element_slot, void* whole_slot, std::size_t i, bool may_move);
};
struct EachOut {
  const Type* element;
  const Type* whole;
  const Type* gather;  // where answers stand until the last one is in
  bool keeps_errors;   // the answer is a vector of Result
  void (*start)(void* gather_slot, std::size_t n);
  // Different elements may be put at the same time. `error` is null for a value.
  void (*put)(void* gather_slot, std::size_t i, void* element_slot, const Error* error);
  void (*finish)(void* whole_slot, void* gather_slot);
};

// Whether two answers are equal, for `quorum`. May throw what their operator== throws.
struct Equality {
  const Type* takes;
  bool (*equal)(const void* a_slot, const void* b_slot);
};

// How `staged` takes apart what one of its stages gives, an Exit or an AnytimeExit<Answer, Carry>.
struct ExitOps {
  enum Way : std::uint8_t { leaves, goes_on, empty };
  const Type* whole;
  const Type* answer;
  const Type* carry;
  Way (*way)(const void* whole_slot);
  bool (*has_answer)(const void* whole_slot);  // null for an Exit, which has one only where it leaves
  // Move one that is there into a slot of its own.
  void (*take_answer)(void* answer_slot, void* whole_slot);
  void (*take_carry)(void* carry_slot, void* whole_slot);
};

}  // namespace tailrace
