#pragma once
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "engine/hedge_site.h"
#include "engine/pool.h"
#include "engine/station.h"
#include "tailrace/plan/handles.h"
#include "tailrace/plan/stage.h"
#include "tailrace/policy/exit.h"
#include "tailrace/policy/inlining.h"

// What a plan is compiled to. Three words: a *block* is straight-line code that runs to its end on one thread; a
// *region* is what can be stopped or fail by itself (a request, an arm, a rung) and has one thread of control at a
// time; a *control* is what decides at the end of a block (race, quorum, hedge, cascade, staged, choose, each, a join
// that is forked, and `then` for a stage whose value comes later). Offsets count bytes from the frame's start.
namespace tailrace::detail {

struct Block;
struct Control;
struct Program;
class Stations;

enum class Role : std::uint8_t { request, race_arm, voter, call, rung, stage, choice, branch };

struct Region {
  std::uint32_t state = 0;            // RegionState
  std::uint32_t text = 0;             // the words of its error
  std::uint32_t task = 0;             // RegionTask
  std::uint32_t first = 0, last = 0;  // its own number, and one past its last descendant's
  Role role = Role::request;
  std::uint32_t arm = 0;  // which arm of `control` it is
  const Control* control = nullptr;
  const Block* entry = nullptr;
  bool needed = false;       // what follows it, or at least a better answer, has to wait for it
  std::uint32_t turn = 0;    // Turn; 0: no block of it stands behind a station
  std::uint32_t answer = 0;  // slot of its answer; a branch has none, its values are read where they stand
  std::uint32_t trace = 0;   // RegionTrace; 0: nobody asks for stages
};

// Where a stage of a staged puts what it carries on, and its answer: the control's slot, or one of its own where the
// staged may be left early.
struct Carry {
  const ExitOps* ops = nullptr;  // null: the last stage, whose answer stands where its region says
  std::uint32_t slot = 0, live = 0;
  std::uint32_t answer = 0, answer_live = 0;
};

struct Control {
  Kind kind = Kind::race;
  std::string name;                // path, for errors
  const Region* around = nullptr;  // the region it stands in
  std::uint32_t in = 0, out = 0;   // slots
  std::uint32_t live = 0;          // of `out`
  std::uint32_t words = 0;         // ControlWords
  const Type* type = nullptr;      // of `out`
  std::vector<const Region*> arms;
  std::vector<Test> exits;     // cascade
  std::vector<Carry> carries;  // staged
  Test test;                   // race: validity; choose: selector
  const Block* after = nullptr;
  std::unique_ptr<Block> skip;         // then: stands for `after` where that wants a turn and the region has failed
  std::uint32_t agree = 0;             // quorum
  const Equality* equality = nullptr;  // quorum
  Station* station = nullptr;          // then (an asynchronous stage): whose turn it keeps until it is completed;
                                       // hedge: where its copy may have to wait
  HedgeSite* hedge = nullptr;          // hedge: null where no copy is ever started
  bool fallback = true;
  // Of what is_anytime():
  Duration reserve{-1};          // so long before the deadline it is cut off; below 0: never
  bool answers_request = false;  // its answer is the request's, so that a deadline can be answered with it
  // Learned from requests with deadlines; empty: it is never left early. And where the running rung's begin stands.
  mutable std::vector<Atomic<policy::RungTime>> rungs;
  std::uint32_t rung_began = 0;
  // each
  const EachIn* each_in = nullptr;
  const EachOut* each_out = nullptr;
  std::uint32_t gather = 0, gather_live = 0;  // quorum: where its Ballot stands; hedge: its HedgeWatch;
                                              // cascade, staged: its CutWatch
  std::uint32_t element_name = 0;             // where the name of the element that failed stands
  bool may_move = false;                      // elements may be taken out of the vector
  std::unique_ptr<Program> element;
};

// hop: as next, but somebody must look whether the next block has its turn; leave: the same, and this one's is over.
enum class End : std::uint8_t { next, hop, leave, done, control };

struct Block {
  const Instruction* first = nullptr;
  const Instruction* last = nullptr;
  std::uint32_t state = 0;  // RegionState of its region
  const Region* region = nullptr;
  End end = End::done;
  std::uint16_t number = 0;  // from 1; the largest stands for all from there on
  const Block* next = nullptr;
  const Control* control = nullptr;
  Station* station = nullptr;                // which must give it a turn before it runs
  Station* toward = nullptr;                 // who runs it next waits there, where a policy sizes batches
  std::uint32_t memory = 0;                  // where the address of the station's state is put
  AdmitSite* site = nullptr;                 // where it is decided whether a request is worth the turn; null: nowhere
  std::uint32_t began = 0;                   // where the turn's begin stands for it
  mutable Atomic<policy::BlockCost> cost{};  // learned from requests with deadlines; all else stays
};

// A slot whose value must be destroyed with the frame, if its byte says that it exists.
struct Owned {
  std::uint32_t slot, live;
  const Type* type;
};

// A site that requests pass, and where each notes when.
struct AdmitUse {
  AdmitSite* site;
  std::uint32_t began;
};

// What compiling gives; immutable from then on.
struct Compiled {
  std::vector<Instruction> code;
  std::vector<std::string> names;  // of instructions; of marks, the stage's that they tell of
  std::deque<std::vector<std::uint32_t>> inputs;
  std::deque<Block> blocks;
  std::deque<Region> regions;  // the request's own first
  std::deque<Control> controls;
  std::vector<Owned> owned;
  std::vector<std::shared_ptr<const void>> contexts;  // keeps users' callables alive
  std::uint32_t states = 0, state_bytes = 0;          // what a new request finds zeroed
  std::uint32_t frame_bytes = 0, frame_align = 64;
  std::uint32_t input = 0, input_live = 0;
  std::uint32_t request_trace = 0;  // RequestTrace; 0: nobody asks for stages
  std::vector<std::shared_ptr<Station>> stations;
  std::vector<std::shared_ptr<HedgeSite>> hedges;
  std::unique_ptr<AdmitSite> entry_site;  // of requests that begin on a worker; elements have none
  std::vector<AdmitUse> sites;
  std::vector<const Block*> doors;   // blocks with stations that every request must pass one after another
  bool parks = false;                // some stage is asynchronous
  bool timers = false;               // some control of it or of its elements has one
  std::uint32_t element_timers = 0;  // where the first armed timer of its elements stands; 0: they have none
  bool queues = false;               // some stage of it or of its elements has a station
  const Control* anytime = nullptr;  // what answers the request, where it may be left early
};

// With its frames. An engine uses it again for another plan when the last frame is back.
struct Program : Compiled {
  FramePool pool;
  bool asks = false;               // run() has to ask whether it may hand something over and wait
  std::unique_ptr<Compiled> husk;  // where what is compiled goes in the end; made when the program is replaced
  Atomic<std::int32_t> spare{0};   // frames that losers may still take hold of
  Atomic<std::int32_t> extra{0};   // element frames beyond one per request
  Mutex timers_mutex;              // of the lists of armed timers of elements
};

struct CompileOptions {
  const PolicyCatalog* policies = nullptr;  // null: the library's own
  bool traced = false;                      // with marks, for an observer that asks for stages
  bool sheds = true;                        // with places where requests that would miss their deadline are refused
  std::pmr::memory_resource* memory = std::pmr::new_delete_resource();  // of stations that are new
};
// REQUIRES: verify(plan) and check_policies are empty.
std::unique_ptr<Program> compile(const Graph& graph, const GraphChoices& choices, Stations& stations,
                                 const CompileOptions& options = {});
// Policies that the catalog does not know, or not with these parameters.
Problems check_policies(const Graph& graph, const GraphChoices& choices, const PolicyCatalog& policies);

// Takes memory for `in_flight` requests and `losers` more, and for their elements.
void allocate_frames(Program& program, std::uint32_t in_flight, std::uint32_t losers, std::uint32_t width,
                     std::pmr::memory_resource& memory = *std::pmr::new_delete_resource());

}  // namespace tailrace::detail
