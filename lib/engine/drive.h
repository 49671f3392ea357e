#pragma once
#include "engine/frame.h"

// Runs blocks and decides what comes next. A Step is a thread of control: it owns one reference on its frame.
namespace tailrace::detail {

struct Step {
  Frame* frame;        // null: the reference has gone elsewhere, too
  const Block* block;  // null: nothing more to do here
};

// Whose thread runs: a worker's, or one of a caller who must have its answer at the deadline or, `interruptible`, may
// have it at any moment, because of a stop token.
enum class Thread : std::uint8_t { worker, borrowed, interruptible };

// Whether the block ends with an asynchronous stage, for whose Completion the region then waits.
inline bool parks(const Block& b) noexcept { return b.end == End::control && b.control->kind == Kind::then; }

// Runs a block and those that come next, up to one that ends otherwise or to where somebody must look whether to go on;
// gives the last one. Stops early when an instruction fails or the region is stopped.
const Block& run_blocks(Frame& f, const Block& first) noexcept;
// For those who ask which stages run.
inline void enter_block(Frame& f, const Block& b) noexcept {
  f.at<RegionState>(b.state).at.store(b.number, std::memory_order_relaxed);
}
// Whether what stands around a frame (the request that it is an element of, or the engine) was stopped.
bool halted_outside(const Frame& f) noexcept;
// Whether the region that a control stands in, or what stands around the frame, was stopped or has failed.
inline bool is_stopped(Frame& f, const Control& c) noexcept {
  return f.region_state(*c.around).flag.halt.load(std::memory_order_acquire) != running || halted_outside(f);
}
// As halted_outside, and then stops its regions, and answers a request of an engine that is being stopped.
bool left_outside(Frame& f) noexcept;
// Tasks of any engine, and requests that it runs as their caller, that the calling thread is in, one inside the other.
inline thread_local unsigned tasks_running = 0;

// Runs from `block` on until the request is answered, handed over or waits for others. Takes the step's reference over.
void drive(Step step, Thread thread) noexcept;
// The same for a request that is timed: looks at the clock before every block and behind the last one, and learns what
// blocks take. When it last looked.
TimePoint drive_timed(Step step, Thread thread) noexcept;
// Has the executor drive a region from its block on. Takes the step's reference over.
void spawn(Step step) noexcept;
// Drives one that has waited for its turn, in a task of its engine's.
void drive_queued(Step step) noexcept;
void spawn_queued(Step step) noexcept;  // one that has been waiting for its turn, which for its times is one wait

// ---- what the controls offer to each other

inline Step enter(Frame& f, const Region& r) noexcept { return {&f, r.entry}; }
inline Step nothing(Frame& f) noexcept { return {&f, nullptr}; }
Step start_control(Frame& f, const Control& c, Thread thread) noexcept;
// A region has its answer.
Step region_done(Frame& f, const Region& r) noexcept;
// A region has failed, and its error stands in its state.
Step region_failed(Frame& f, const Region& r) noexcept;
// A thread has come to the end of what it ran for a region that had been stopped meanwhile.
void region_stopped(Frame& f, const Region& r) noexcept;
// Fails the region that a control stands in.
Step fail_control(Frame& f, const Control& c, Code code, const char* where, std::string_view text) noexcept;

// The region's answer becomes the control's, and its frame goes on behind it.
Step go_on(Frame& f, const Control& c, std::uint32_t answer) noexcept;

// In ControlWords::b of those whose arms run one after another, because the frame could not have its spare.
inline constexpr std::uint32_t in_order = 1u << 31;
// Starts all arms at once, or the first one where they run in order.
Step start_arms(Frame& f, const Control& c, Thread thread) noexcept;
// Appends to a text what there is room for, up to `end`.
void append(char* text, std::size_t& size, std::size_t end, std::string_view more) noexcept;

Step start_quorum(Frame& f, const Control& c, Thread thread) noexcept;
// An arm of a quorum has answered or failed.
Step voter_done(Frame& f, const Region& r) noexcept;

Step start_each(Frame& f, const Control& c) noexcept;
Step element_done(Frame& child, const Region& r) noexcept;
Step element_failed(Frame& child, const Region& r) noexcept;

}  // namespace tailrace::detail
