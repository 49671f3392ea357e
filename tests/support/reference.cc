#include "support/reference.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <new>
#include <optional>
#include <string>
#include <utility>

#include "support/reference_later.h"

namespace tailrace::test {
namespace {

using detail::Instruction;
using detail::StopFlag;

constexpr std::size_t memory_bytes = std::size_t{1} << 20;

// The deadline has come: the best answer so far, if there is one.
struct CutShort {
  std::uint32_t slot = 0;
  Facts facts;
};
struct TooLittleMemory {};  // the flow is too large for this reference

// What one step gave.
struct Value {
  std::uint32_t slot = 0;  // 0: an error
  Error error{};
  Facts facts{};
  explicit operator bool() const noexcept { return slot != 0; }
};

Value failure(Error error) {
  Value v;
  v.error = error;
  return v;
}

// Facts of two steps on the answer's path, the second one later.
Facts later(Facts first, const Facts& second) {
  if (second.rung >= 0) first.rung = second.rung;
  if (second.winner >= 0) first.winner = second.winner;
  first.fallback = first.fallback || second.fallback;
  first.anytime = first.anytime || second.anytime;
  return first;
}

// What a user's function threw, as the outcome says it.
Error caught(const std::string& where) {
  try {
    throw;
  } catch (const Error& e) {
    return {e.code() == Code::none ? Code::stage_failed : e.code(), where, e.what()};
  } catch (const std::bad_alloc&) {
    return {Code::out_of_memory, where, "there was not enough memory"};
  } catch (const std::exception& e) {
    return {Code::stage_failed, where, e.what()};
  } catch (const Stopped&) {
    return {Code::stage_failed, where, "left by a checkpoint although nobody had asked it to stop"};
  } catch (...) {
    return {Code::stage_failed, where, "threw something that is not a std::exception"};
  }
}

// A test that throws holds for nothing.
bool holds(const Test& test, void* slot) {
  try {
    return test.run(test.context.get(), slot) != 0;
  } catch (...) {
    return false;
  }
}

}  // namespace

struct Reference::State {
  // At the start of the memory that thunks work on.
  struct Head {
    detail::FrameHead head;
    State* self;
  };
  // A graph being walked.
  struct Walk {
    const Graph& graph;
    std::string path;
    bool may_take_input;
    std::vector<Value> values{};
    std::vector<int> readers{};
  };

  State(const Graph& g, ReferenceOptions o) : graph(g), options(std::move(o)) {
    memory = static_cast<char*>(std::aligned_alloc(4096, memory_bytes));
    auto* head = ::new (memory) Head{};
    head->self = this;
    head->head.fail = [](const Instruction&, char* frame, const Error& error) noexcept {
      reinterpret_cast<Head*>(frame)->self->failed = error;
    };
    head->head.begin = [](char* frame, std::uint32_t) noexcept {
      return detail::Pending{&later_ops, reinterpret_cast<Head*>(frame)->self->underway, nullptr};
    };
    next = sizeof(Head);
    live = reserve(1, 1);
    input = reserve(graph.input_type().size, graph.input_type().align);
  }
  ~State() {
    for (const auto& [state, destroy] : states) destroy(state);
    for (auto o = owned.rbegin(); o != owned.rend(); ++o)
      if (o->second->destroy) o->second->destroy(memory + o->first);
    std::free(memory);
  }

  std::size_t pick(std::size_t n) { return n > 1 && options.pick ? options.pick(n) : 0; }
  std::uint32_t reserve(std::size_t size, std::size_t align) {
    next = (next + align - 1) / align * align;
    const auto at = static_cast<std::uint32_t>(next);
    next += size;
    if (next > memory_bytes) throw TooLittleMemory{};
    return at;
  }
  std::uint32_t reserve(const Type& type) { return reserve(type.size, type.align); }
  void own(std::uint32_t slot, const Type& type) { owned.push_back({slot, &type}); }

  Value evaluate(const Graph& g, const std::string& path, std::uint32_t in, bool may_take_input);
  Value node(Walk& w, int i);
  Value simple(Walk& w, int i);
  void call(const Stage& stage, const Instruction& step);
  Value race(Walk& w, const Node& n, std::uint32_t in);
  Value quorum(Walk& w, const Node& n, std::uint32_t in);
  Value hedge(Walk& w, const Node& n, std::uint32_t in);
  Value cascade(Walk& w, const Node& n, std::uint32_t in);
  bool ends_early(const Walk& w, const Node& n, Value& best);
  Value staged(Walk& w, const Node& n, std::uint32_t in, bool may_take);
  Value choose(Walk& w, const Node& n, std::uint32_t in, bool may_take);
  Value each(Walk& w, const Node& n, std::uint32_t in, bool may_take);
  std::vector<Value> elements(Walk& w, const Node& n, std::uint32_t in, std::uint32_t gather, bool may_take);
  bool only_reader(const Walk& w, const Node& n) const;

  const Graph& graph;
  ReferenceOptions options;
  char* memory = nullptr;
  std::size_t next = 0;
  std::uint32_t live = 0, input = 0;
  std::vector<std::pair<std::uint32_t, const Type*>> owned;
  Later* underway = nullptr;                                       // the asynchronous stage that is running
  std::vector<std::pair<void*, void (*)(void*) noexcept>> states;  // of stateful stages
  bool in_element = false;                                         // of an each, where nothing is cut off
  std::optional<Error> failed;                                     // what the running thunk returned instead of a value
  Facts so_far;                                                    // of the flow's own steps
  Value outcome;
};

// Whether a stage may take its inputs apart: it reads them alone.
bool Reference::State::only_reader(const Walk& w, const Node& n) const {
  return std::all_of(n.inputs.begin(), n.inputs.end(), [&](int in) {
    return w.readers[static_cast<std::size_t>(in)] == 1 && (in != 0 || w.may_take_input);
  });
}

// Calls a stage, and where it is asynchronous waits for its value.
void Reference::State::call(const Stage& stage, const Instruction& step) {
  if (stage.station.state) {
    void* const made = stage.station.state->make(step.context);
    states.push_back({made, stage.station.state->destroy});
    *reinterpret_cast<void**>(memory + step.inputs[stage.takes.size()]) = made;
  }
  Later mine;
  mine.slot = memory + step.out;
  underway = &mine;
  try {
    step.run(step, memory);
  } catch (...) {
    if (stage.asynchronous) mine.wait();
    if (stage.asynchronous && !mine.error) own(step.out, *step.type);
    if (!stage.asynchronous || !mine.error || mine.dropped) throw;  // otherwise it failed before it threw
  }
  if (!stage.asynchronous) return;
  mine.wait();
  if (mine.error) failed = mine.error;
}

Value Reference::State::simple(Walk& w, int i) {
  const Node& n = w.graph.at(i);
  std::vector<std::uint32_t> inputs;
  for (int in : n.inputs) inputs.push_back(w.values[static_cast<std::size_t>(in)].slot);
  inputs.push_back(reserve(sizeof(void*), alignof(void*)));  // of its state, if it has one
  const bool take = only_reader(w, n) || !n.stage.leave;
  const auto out = reserve(*n.type), flag = reserve(sizeof(StopFlag), alignof(StopFlag));
  std::memset(memory + flag, 0, sizeof(StopFlag));
  const Instruction step{
      take ? n.stage.take : n.stage.leave, n.stage.context.get(), inputs.data(), inputs[0], out, live, flag, n.type};
  const std::string where = path_of(w.path, n);
  failed.reset();
  try {
    call(n.stage, step);
  } catch (...) {
    return failure(caught(where));
  }
  if (failed) {
    const Code code = failed->code() == Code::none ? Code::stage_failed : failed->code();
    return failure({code, where, failed->what()});
  }
  own(out, *n.type);
  Value v;
  v.slot = out;
  return v;
}

// One arm after another; any valid one may be the first to finish, so which is tried first is a pick.
Value Reference::State::race(Walk& w, const Node& n, std::uint32_t in) {
  const std::string where = path_of(w.path, n);
  std::vector<std::size_t> order;
  for (std::size_t arm = 0; arm < n.arms.size(); ++arm) order.push_back(arm);
  const auto first = static_cast<std::ptrdiff_t>(pick(order.size()));
  std::rotate(order.begin(), order.begin() + first, order.begin() + first + 1);
  std::vector<std::string> why(n.arms.size());
  for (auto arm : order) {
    Value v = evaluate(*n.arms[arm].graph, arm_path(where, arm), in, false);
    if (v && (!n.test || holds(n.test, memory + v.slot))) {
      v.facts.winner = static_cast<std::int16_t>(arm);
      return v;
    }
    why[arm] = v ? where + ": not a valid answer" : std::string(v.error.where()) + ": " + std::string(v.error.what());
  }
  std::string text;
  for (const auto& arm : why) text += (text.empty() ? "" : "; ") + arm;
  return failure({Code::all_arms_failed, where, text});
}

// Arms may be done in any order. Each that answers joins the first group whose first answer equals its own.
Value Reference::State::quorum(Walk& w, const Node& n, std::uint32_t in) {
  const std::string where = path_of(w.path, n);
  struct Answer {
    std::size_t arm;
    Value value;
  };
  std::vector<std::vector<Answer>> groups;
  std::vector<std::size_t> left;
  for (std::size_t arm = 0; arm < n.arms.size(); ++arm) left.push_back(arm);
  const auto most = [&] {
    std::size_t size = 0;
    for (const auto& g : groups) size = std::max(size, g.size());
    return size;
  };
  const auto wanted = static_cast<std::size_t>(n.agree);
  while (most() + left.size() >= wanted) {
    const auto chosen = left.begin() + static_cast<std::ptrdiff_t>(pick(left.size()));
    const std::size_t arm = *chosen;
    left.erase(chosen);
    const Value v = evaluate(*n.arms[arm].graph, arm_path(where, arm), in, false);
    if (!v) continue;
    auto group = std::find_if(groups.begin(), groups.end(), [&](const std::vector<Answer>& g) {
      try {
        return n.equality->equal(memory + g.front().value.slot, memory + v.slot);
      } catch (...) {
        return false;
      }
    });
    if (group == groups.end()) group = groups.emplace(group);
    group->push_back({arm, v});
    if (group->size() < wanted) continue;
    const auto first =
        std::min_element(group->begin(), group->end(), [](const Answer& a, const Answer& b) { return a.arm < b.arm; });
    first->value.facts.winner = static_cast<std::int16_t>(first->arm);
    return first->value;
  }
  return failure({Code::no_quorum, where, "too few arms agreed"});
}

// A call, and perhaps a second one, which may be the first to answer. Where both fail it is the first one's error.
Value Reference::State::hedge(Walk& w, const Node& n, std::uint32_t in) {
  const std::string where = path_of(w.path, n);
  const auto call = [&](std::size_t number) {
    const std::size_t arm = std::min(number, n.arms.size() - 1);
    Value v = evaluate(*n.arms[arm].graph, arm_path(where, arm), in, false);
    v.facts.winner = static_cast<std::int16_t>(number);
    return v;
  };
  if (n.policy.name != "never" && pick(2) == 1)
    if (Value second = call(1)) return second;
  return call(0);
}

// Whether a deadline may come now, and end the node with its best answer: the request's own, or at a cut-off.
bool Reference::State::ends_early(const Walk& w, const Node& n, Value& best) {
  const bool answers_request = &w.graph == &graph && &n == &graph.at(graph.output);
  if (!best || !options.deadline || !(answers_request || (n.reserve && !in_element)) || pick(2) == 0) return false;
  if (answers_request) throw CutShort{best.slot, best.facts};
  best.facts.anytime = true;
  return true;
}

Value Reference::State::cascade(Walk& w, const Node& n, std::uint32_t in) {
  const std::string where = path_of(w.path, n);
  Value best;
  for (std::size_t rung = 0; rung < n.arms.size(); ++rung) {
    const bool last = rung + 1 == n.arms.size();
    Value v = evaluate(*n.arms[rung].graph, arm_path(where, rung), in, false);
    v.facts.rung = static_cast<std::int16_t>(rung);
    if (v && (last || holds(n.arms[rung].exit, memory + v.slot))) return v;
    if (v) best = v;
    if (last && (!best || !n.fallback)) return failure(v.error);
    if (!last && ends_early(w, n, best)) return best;
  }
  best.facts.fallback = true;
  return best;
}

// Stage after stage, each with the former's carry, which nobody else reads.
Value Reference::State::staged(Walk& w, const Node& n, std::uint32_t in, bool may_take) {
  const std::string where = path_of(w.path, n);
  Facts facts;
  Value best;
  const auto taken = [&](void (*take)(void*, void*), const Type& type, char* whole) {
    const auto slot = reserve(type);
    take(memory + slot, whole);
    own(slot, type);
    return slot;
  };
  for (std::size_t stage = 0;; ++stage) {
    Value v = evaluate(*n.arms[stage].graph, arm_path(where, stage), in, may_take || stage > 0);
    if (!v) return v;
    facts = later(facts, v.facts);
    v.facts = facts;
    v.facts.rung = static_cast<std::int16_t>(stage);
    const ExitOps* ops = n.arms[stage].exit_ops;
    if (!ops) return v;
    char* const whole = memory + v.slot;
    if (ops->way(whole) == ExitOps::empty)
      return failure({Code::stage_failed, where, "a stage gave an Exit that neither leaves nor goes on"});
    const bool leaves = ops->way(whole) == ExitOps::leaves;
    if (!leaves && ops->has_answer && ops->has_answer(whole)) {
      try {
        Value answer = v;
        answer.slot = taken(ops->take_answer, *ops->answer, whole);
        best = answer;
      } catch (...) {  // then it has none
      }
    }
    try {
      in = leaves ? taken(ops->take_answer, *ops->answer, whole) : taken(ops->take_carry, *ops->carry, whole);
    } catch (...) {
      return failure(caught(where));
    }
    v.slot = in;
    if (leaves) return v;
    if (ends_early(w, n, best)) return best;
  }
}

Value Reference::State::choose(Walk& w, const Node& n, std::uint32_t in, bool may_take) {
  const std::string where = path_of(w.path, n);
  std::size_t arm;
  try {
    arm = n.test.run(n.test.context.get(), memory + in);
  } catch (...) {
    return failure(caught(where));
  }
  if (arm >= n.arms.size()) return failure({Code::bad_selection, where, "the selector gave a number that no arm has"});
  return evaluate(*n.arms[arm].graph, arm_path(where, arm), in, may_take);
}

// Puts every element's answer or error where it belongs; gives the errors that fail the request.
std::vector<Value> Reference::State::elements(Walk& w, const Node& n, std::uint32_t in, std::uint32_t gather,
                                              bool may_take) {
  const std::string where = path_of(w.path, n);
  const std::size_t count = n.each_in->size(memory + in);
  std::vector<Value> failures;
  for (std::size_t i = 0; i < count; ++i) {
    const auto element = reserve(*n.each_in->element);
    try {
      n.each_in->take(memory + element, memory + in, i, may_take);
      own(element, *n.each_in->element);
      const Value v = evaluate(*n.arms[0].graph, arm_path(where, i), element, true);
      if (!v && !n.each_out->keeps_errors) failures.push_back(v);
      else n.each_out->put(memory + gather, i, v ? memory + v.slot : nullptr, v ? nullptr : &v.error);
    } catch (const CutShort&) {
      throw;
    } catch (const TooLittleMemory&) {
      throw;
    } catch (...) {
      failures.push_back(failure(caught(where)));
    }
  }
  return failures;
}

Value Reference::State::each(Walk& w, const Node& n, std::uint32_t in, bool may_take) {
  const std::string where = path_of(w.path, n);
  const auto gather = reserve(*n.each_out->gather), whole = reserve(*n.type);
  try {
    n.each_out->start(memory + gather, n.each_in->size(memory + in));
    own(gather, *n.each_out->gather);
  } catch (...) {
    return failure(caught(where));
  }
  const bool around = std::exchange(in_element, true);
  const auto failures = elements(w, n, in, gather, may_take);
  in_element = around;
  if (!failures.empty()) return failures[pick(failures.size())];
  try {
    n.each_out->finish(memory + whole, memory + gather);
  } catch (...) {
    return failure(caught(where));
  }
  own(whole, *n.type);
  Value v;
  v.slot = whole;
  return v;
}

Value Reference::State::node(Walk& w, int i) {
  const Node& n = w.graph.at(i);
  if (n.kind == Kind::then || n.kind == Kind::join) return simple(w, i);
  const auto in = w.values[static_cast<std::size_t>(n.inputs[0])].slot;
  const bool may_take = only_reader(w, n);
  switch (n.kind) {
    case Kind::race: return race(w, n, in);
    case Kind::quorum: return quorum(w, n, in);
    case Kind::hedge: return hedge(w, n, in);
    case Kind::cascade: return cascade(w, n, in);
    case Kind::staged: return staged(w, n, in, may_take);
    case Kind::choose: return choose(w, n, in, may_take);
    case Kind::each: return each(w, n, in, may_take);
    case Kind::input:
    case Kind::then:
    case Kind::join: break;
  }
  return failure({Code::internal_error, "the reference met a node that it does not know"});
}

Value Reference::State::evaluate(const Graph& g, const std::string& path, std::uint32_t in, bool may_take_input) {
  Walk w{g, path, may_take_input};
  w.readers = std::vector<int>(g.nodes.size(), 0);
  for (const Node& n : g.nodes)
    for (int reads : n.inputs) ++w.readers[static_cast<std::size_t>(reads)];
  ++w.readers[static_cast<std::size_t>(g.output)];
  w.values.resize(g.nodes.size());
  w.values[0].slot = in;
  Facts facts;
  std::vector<Value> failures;  // of steps that do not depend on each other
  for (int i = 1; i < static_cast<int>(g.nodes.size()); ++i) {
    const auto& inputs = g.at(i).inputs;
    if (!std::all_of(inputs.begin(), inputs.end(), [&](int k) { return bool(w.values[static_cast<std::size_t>(k)]); }))
      continue;
    Value v = node(w, i);
    if (!v) failures.push_back(v);
    facts = later(facts, v.facts);
    if (&g == &graph) so_far = facts;
    w.values[static_cast<std::size_t>(i)] = std::move(v);
  }
  if (!failures.empty()) return failures[pick(failures.size())];
  Value answer;
  answer.slot = w.values[static_cast<std::size_t>(g.output)].slot;
  answer.facts = facts;
  if (g.output != 0 || &g == &graph) return answer;
  const Type& type = g.input_type();  // a graph that gives its input on: a value of its own
  const auto out = reserve(type);
  try {
    if (may_take_input || !type.copy) type.move(memory + out, memory + in);
    else type.copy(memory + out, memory + in);
  } catch (...) {
    return failure(caught(path));
  }
  own(out, type);
  answer.slot = out;
  return answer;
}

Reference::Reference(const Graph& graph, ReferenceOptions options)
    : state_(std::make_unique<State>(graph, std::move(options))) {}
Reference::~Reference() = default;

void* Reference::input() noexcept { return state_->memory + state_->input; }

void Reference::run() {
  State& s = *state_;
  s.own(s.input, s.graph.input_type());
  try {
    if (s.options.deadline && s.pick(2) == 1) throw CutShort{};
    s.outcome = s.evaluate(s.graph, "", s.input, true);
  } catch (const CutShort& cut) {
    s.outcome = {cut.slot, {Code::deadline_missed, "the deadline passed before there was an answer"}, {}};
    if (!cut.slot) return;
    s.outcome.facts = later(s.so_far, cut.facts);
    s.outcome.facts.anytime = true;
  }
}

void* Reference::answer() noexcept { return state_->outcome ? state_->memory + state_->outcome.slot : nullptr; }
const Error& Reference::error() const noexcept { return state_->outcome.error; }
Facts Reference::facts() const noexcept { return state_->outcome ? state_->outcome.facts : Facts{}; }

}  // namespace tailrace::test
