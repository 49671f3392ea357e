#pragma once
#include <cstdint>
#include <list>
#include <memory>
#include <memory_resource>
#include <unordered_map>
#include <vector>

#include "engine/admit_site.h"
#include "tailrace/core/atomic.h"
#include "tailrace/core/clock.h"
#include "tailrace/engine/executor.h"
#include "tailrace/plan/stage.h"
#include "tailrace/policy/catalog.h"
#include "tailrace/policy/order.h"

namespace tailrace::detail {

struct Batching;
struct Block;
struct Frame;
struct Lane;
class Station;
struct Turn;

// A right to one call of a station's stage, and what the call works on. Whoever holds it has it alone.
struct Slot {
  explicit Slot(std::pmr::memory_resource* memory) : rows(memory), batch(memory) {}
  Lane* lane = nullptr;
  void* state = nullptr;             // null: not made yet
  void* stale = nullptr;             // another stream's, to be destroyed first
  std::pmr::vector<Turn*> rows;      // batch stages: who is answered by this call; capacity max_batch
  std::pmr::vector<BatchRow> batch;  // the same, for the stage
  std::uint32_t padded = 0;          // as how many rows the call had better run; 0: as many as it has
  // A call whose time is simulated: it has begun, and its leader comes back when it is over.
  struct Call : Work {
    Turn* leader = nullptr;
    bool began = false;
    TimePoint at{};
  } call;
};

// A region's place in a station's queue; stands in its frame. Zero means "in no queue".
struct Turn {
  Frame* frame;
  const Block* block;
  policy::Place place;  // among those who wait
  TimePoint began;      // of the turn, where something is learned of it; before, of the wait for a batch policy
  std::uint64_t stream;
  bool granted;  // has been given `slot` by somebody else
  Slot* slot;
  Atomic<Station*> queue;  // the station it waits at
  // A pairing heap's links: first child, next sibling, and the one that points here.
  Turn *child, *next, *previous;
};

// Waiters in the order of their places.
class WaitQueue {
 public:
  bool empty() const noexcept { return !root_; }
  Turn* first() const noexcept { return root_; }  // null: empty
  // How many go before one of that rank who comes now.
  std::uint32_t before(std::int64_t rank) const noexcept;
  void push(Turn& w) noexcept;
  Turn* pop() noexcept;           // null: empty
  void remove(Turn& w) noexcept;  // REQUIRES: it is in this queue
  // Takes out all for which `gone` holds: gives them before `more`, linked by `next`.
  template <class P>
  Turn* take_if(P gone, Turn* more) noexcept;

 private:
  Turn* root_ = nullptr;
  std::uint32_t count_ = 0;
  std::int64_t latest_ = 0;  // no rank in it is larger
};

// What waits for one set of slots: all of a station's, or one stream's.
struct Lane {
  explicit Lane(std::pmr::memory_resource* memory) : free(memory) {}
  WaitQueue queue;
  std::pmr::vector<Slot*> free;
  std::uint64_t stream = 0;
  std::uint32_t busy = 0;                 // slots that are out
  std::pmr::list<Lane*>::iterator place;  // of a stream's lane, in idle_ or busy_
};

// Where requests wait for something of which there is a limited number: calls of a serial, limited, stateful or batch
// stage. Every member may be called from any thread; none calls user code.
class Station {
 public:
  // Without a policy, who gets a turn at a batch stage takes all who wait. Throws std::bad_alloc.
  Station(const StationSpec& spec, std::shared_ptr<const void> context, std::shared_ptr<const BatchPolicy> policy,
          std::pmr::memory_resource& memory);
  Station(const Station&) = delete;
  Station& operator=(const Station&) = delete;
  ~Station();

  enum class Entry : std::uint8_t { entered, waits, no_room, unwanted };
  // Gives the region a slot, or puts it in the queue, from which leave() takes it later: from then on the turn
  // belongs to whoever that is. `no_room`: too many streams are in use. `unwanted`: it would wait, and `may_wait` says
  // that nobody wants that; whoever stops wanting it looks into the queue afterwards, so that one of the two sees it.
  // `may_wait` also gives the rank in the queue: who need not wait is not asked for it.
  Entry enter(Turn& w, bool (*may_wait)(Turn&) noexcept) noexcept;
  // Gives a slot back. Whose turn it is now, and must be run, or null. With batches it stands for all of
  // slot->rows.
  Turn* leave(Slot& slot) noexcept;
  // ---- where a policy sizes batches: see batching.h

  // What it has decided: turns that begin calls, and turns that are refused, each linked by `next`.
  struct Decided {
    Turn* run = nullptr;
    Turn* refused = nullptr;
  };
  bool asks() const noexcept { return batching_ != nullptr; }
  // Whether the policy refuses who would miss his deadline.
  bool drops() const noexcept { return drops_; }
  // The same as enter() and leave(), after which calls are begun by a task. What was decided is to be carried out, by
  // the caller and without delay; a turn that is `entered` is not among it, and one that is refused has not entered.
  Entry enter_asking(Turn& w, bool (*may_wait)(Turn&) noexcept, Decided& decided) noexcept;
  void leave_asking(Slot& slot, TimePoint now) noexcept;
  void observe(const BatchSample& sample) noexcept;
  // Tasks that are here soon, or may be: they are ready for a thread, and what they come to next is a turn here, or a
  // test that may send them here. While there are some a call does not begin, since they would share it, but behind
  // them; or once that has taken as long as a call does.
  void count_coming(int by) noexcept { coming_.fetch_add(static_cast<std::uint32_t>(by), std::memory_order_relaxed); }

  // Takes one out of the queue. False: it was not there any more.
  bool remove(Turn& w) noexcept;
  // Takes all out of the queues for which `gone` holds: gives them linked by `next`, or null.
  Turn* remove_if(bool (*gone)(const Turn&, const void* of) noexcept, const void* of) noexcept;

  // How many turns end before one of that rank who comes now has his; 0: there is a free place. REQUIRES: it is not
  // per_stream
  std::uint32_t ahead_of(std::int64_t rank) noexcept;

  AdmitSite& site() noexcept { return site_; }
  const StationSpec& spec() const noexcept { return spec_; }
  // Calls under way and requests that wait for one. REQUIRES: it is not per_stream
  std::uint32_t taken() noexcept;
  std::uint32_t waiting() const noexcept { return waiting_.load(std::memory_order_relaxed); }
  const Atomic<std::uint32_t>& waiting_count() const noexcept { return waiting_; }

 private:
  Slot& new_slot();
  Lane* lane_of(const Turn& w) noexcept;
  Lane& new_lane(std::uint64_t stream);
  Lane* stream_lane(std::uint64_t stream);
  void grant(Turn& w, Slot& slot) noexcept;
  BatchAction ask(TimePoint now) noexcept;
  void decide(TimePoint now, Turn* mine, Decided& decided) noexcept;
  void spawn_starter(TimePoint now) noexcept;
  bool leaves_it_to_starter(TimePoint now) noexcept;
  static void run_starter(Task& task) noexcept;
  bool begin_call(const BatchAction& action, Turn* mine, Decided& decided) noexcept;
  void wait_until(TimePoint until) noexcept;
  void look_after_alarm() noexcept;
  static void ring(Timer& timer) noexcept;

  const StationSpec spec_;
  const std::shared_ptr<const void> context_;  // stations are told apart by it: no other may take its address
  AdmitSite site_;
  Mutex mutex_;
  std::pmr::list<Slot> slots_;
  Lane common_;
  std::pmr::unordered_map<std::uint64_t, Lane> streams_;
  std::pmr::list<Lane*> idle_, busy_;  // streams' lanes; of the idle ones that used longest ago first
  std::uint64_t arrivals_ = 0;
  Atomic<std::uint32_t> waiting_{0}, coming_{0};
  std::unique_ptr<Batching> batching_;
  bool drops_ = false;
};

}  // namespace tailrace::detail
