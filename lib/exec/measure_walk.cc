#include "exec/measure_walk.h"

#include <algorithm>
#include <cstring>
#include <exception>
#include <limits>
#include <new>
#include <utility>

#include "tailrace/core/clock.h"
#include "tailrace/core/tensor.h"

namespace tailrace::detail {

namespace {

// What looking at the clock twice takes by itself.
double least_clock_cost() {
  double least = 1;
  for (int i = 0; i < 1000; ++i) {
    const auto begin = Clock::now();
    least = std::min(least, seconds_between(begin, Clock::now()));
  }
  return least;
}

double bytes_of(const Type& type, const void* slot) {
  double bytes = type.size;
  if (!equal(type, type_of<Tensor>)) return bytes;
  const auto& tensor = in_slot<Tensor>(const_cast<void*>(slot));
  return bytes + static_cast<double>(tensor.shape().elements()) * static_cast<double>(size_of(tensor.dtype()));
}

bool lone_stage(const Graph& arm) {
  return arm.nodes.size() == 2 && arm.nodes[1].kind == Kind::then && arm.nodes[1].name.empty();
}

}  // namespace

struct Walk::Head {
  FrameHead head;
  Walk* self;
};

// ---- layout

Walk::Walk(const Graph& graph, const Registry& models) : next_(sizeof(Head)), clock_cost_(least_clock_cost()) {
  flag_ = reserve(sizeof(StopFlag), alignof(StopFlag));
  live_ = reserve(1, 1);
  top_ = lay_out(graph, models, {}, true);
  top_.whole = record({}, {});
  memory_ = static_cast<char*>(::operator new(next_, std::align_val_t(align_)));
  std::memset(memory_, 0, next_);
  auto* head = ::new (memory_) Head{};
  ::new (memory_ + flag_) StopFlag{};
  head->self = this;
  head->head.fail = [](const Instruction&, char* frame, const Error& error) noexcept {
    Walk& walk = *reinterpret_cast<Head*>(frame)->self;
    walk.returned_ = error;
    walk.failed_ = true;
  };
  head->head.begin = [](char* frame, std::uint32_t) noexcept { return reinterpret_cast<Head*>(frame)->self->begin(); };
}

Walk::~Walk() {
  for (const auto& [state, ops] : states_) ops->destroy(state);
  ::operator delete(memory_, std::align_val_t(align_));
}

std::uint32_t Walk::reserve(std::size_t size, std::size_t align) {
  next_ = (next_ + align - 1) / align * align;
  const auto at = next_;
  next_ += size;
  align_ = std::max(align_, align);
  if (next_ > std::numeric_limits<std::uint32_t>::max()) throw std::bad_alloc();
  return static_cast<std::uint32_t>(at);
}

Record* Walk::record(std::string where, std::string variant) {
  return &records_.emplace_back(std::move(where), std::move(variant));
}

Walk::Line Walk::lay_out(const Graph& graph, const Registry& models, const std::string& path, bool input_movable) {
  Line line;
  const auto count = graph.nodes.size();
  line.graph = &graph;
  line.moves = find_moves(graph, input_movable);
  line.input_movable = input_movable;
  line.gathers.resize(count);
  line.extra.resize(count);
  line.carries.resize(count);
  line.records.resize(count);
  line.alternatives.resize(count);
  line.arms.resize(count);
  line.values.resize(count);
  for (const Node& n : graph.nodes) line.slots.push_back(reserve(*n.type));
  if (graph.output == 0) line.identity = reserve(graph.input_type());
  for (std::size_t i = 1; i < count; ++i) lay_out_node(line, i, models, path_of(path, graph.nodes[i]));
  return line;
}

void Walk::lay_out_node(Line& line, std::size_t node, const Registry& models, const std::string& where) {
  const Node& n = line.graph->nodes[node];
  const ModelUse& use = n.stage.model;
  line.records[node] = record(where, use.variant);
  for (const Variant& v : models.variants(use.name))
    if (!use.name.empty() && v.model && v.name != use.variant && n.stage.bind)
      line.alternatives[node].push_back({n.stage.bind(n.stage.context.get(), v.model), record(where, v.name)});
  line.extra[node] = reserve(sizeof(void*), alignof(void*));
  for (const Arm& arm : n.arms)
    if (n.kind == Kind::staged) line.carries[node].push_back(arm.exit_ops ? reserve(*arm.exit_ops->carry) : 0);
  if (n.kind == Kind::each) line.gathers[node] = reserve(*n.each_out->gather);
  for (std::size_t k = 0; k < n.arms.size(); ++k) {
    // All arms look at one value. The last rung may still own it, and so may whoever cannot do without.
    const bool alone = n.kind == Kind::each || n.kind == Kind::cascade || !line.graph->at(n.inputs[0]).type->copy;
    const std::string path = arm_path(where, k);
    const bool carried = n.kind == Kind::staged && k > 0;
    Line arm = lay_out(*n.arms[k].graph, models, path, carried || (alone && line.moves.arm_input_movable[node][k]));
    arm.lone = lone_stage(*arm.graph);
    arm.whole = arm.lone ? arm.records[1] : record(path, {});
    line.arms[node].push_back(std::move(arm));
  }
}

// ---- walking

Walk::Value Walk::failed(Record& record, const Error& error) {
  record.fail(error.what());
  const Code code = error.code() == Code::none ? Code::stage_failed : error.code();
  return {0, 0, false, Error(code, record.where(), error.what())};
}

void Walk::run(const std::function<void(void* slot)>& make) {
  const auto in = top_.slots[0];
  try {
    make(memory_ + in);
  } catch (...) {
    failed(*top_.whole, thrown());
    return;
  }
  own(in, top_.graph->input_type());
  const Value v = evaluate(top_, in);
  if (v.there) top_.whole->add(v.seconds, bytes_of(top_.graph->output_type(), memory_ + v.slot));
  else top_.whole->fail("a stage failed");
  destroy_down_to(0);
}

void Walk::destroy_down_to(std::size_t mark) noexcept {
  for (; owned_.size() > mark; owned_.pop_back())
    if (const auto [slot, type] = owned_.back(); type->destroy) type->destroy(memory_ + slot);
}

void Walk::end_round() {
  for (Record& r : records_) r.end_round();
}
void Walk::forget() {
  for (Record& r : records_) r.forget();
}
std::vector<Cost> Walk::costs() {
  std::vector<Cost> costs;
  for (Record& r : records_)
    if (Cost cost = r.cost(); cost.time.known() || cost.failures) costs.push_back(std::move(cost));
  return costs;
}

Walk::Value Walk::evaluate(Line& line, std::uint32_t in) {
  const Graph& g = *line.graph;
  line.values.assign(g.nodes.size(), {});
  line.values[0] = {in, 0, true, {}};
  Value answer;
  bool broken = false;
  double seconds = 0;
  for (std::size_t i = 1; i < g.nodes.size(); ++i) {
    const auto& inputs = g.nodes[i].inputs;
    const bool ready = std::all_of(inputs.begin(), inputs.end(),
                                   [&](int k) { return line.values[static_cast<std::size_t>(k)].there; });
    if (!ready) continue;
    line.values[i] = node(line, i);
    seconds += line.values[i].seconds;
    if (!line.values[i].there && !std::exchange(broken, true)) answer = line.values[i];
  }
  if (g.output == 0 && &line != &top_) return give_input(line, in);
  if (!broken) answer = line.values[static_cast<std::size_t>(g.output)];
  answer.seconds = seconds;
  return answer;
}

// The answer of a graph that gives its input on is a value of its own.
Walk::Value Walk::give_input(Line& line, std::uint32_t in) {
  const Type& type = line.graph->input_type();
  Value v{line.identity, 0, true, {}};
  try {
    timed(v.seconds, [&] {
      if (type.copy) type.copy(memory_ + v.slot, memory_ + in);
      else type.move(memory_ + v.slot, memory_ + in);
    });
  } catch (...) {
    return failed(*line.whole, thrown());
  }
  own(v.slot, type);
  return v;
}

Walk::Value Walk::node(Line& line, std::size_t i) {
  const Node& n = line.graph->nodes[i];
  if (n.arms.empty()) return stage(line, i);
  const auto in = line.values[static_cast<std::size_t>(n.inputs[0])].slot;
  Value v;
  switch (n.kind) {
    case Kind::race: v = race(line, i, in); break;
    case Kind::quorum: v = quorum(line, i, in); break;
    case Kind::hedge: v = hedge(line, i, in); break;
    case Kind::cascade: v = cascade(line, i, in); break;
    case Kind::staged: v = staged(line, i, in); break;
    case Kind::choose: v = choose(line, i, in); break;
    case Kind::each: return each(line, i, in);
    case Kind::input:
    case Kind::then:
    case Kind::join: break;
  }
  if (v.there) line.records[i]->add(v.seconds, bytes_of(*n.type, memory_ + v.slot));
  return v;
}

// Runs an instruction and notes its time, or why it failed. One that leaves everything as it was is run until the clock
// is fine enough to see it.
Walk::Value Walk::call(const Instruction& i, Record& record, bool repeatable) {
  constexpr double visible = 4e-6;  // of which the clock's own steps are less than a hundredth
  constexpr int most = 64;
  failed_ = false;
  try {
    double took = 0;
    timed(took, [&] { run_step(i); });
    took = std::max(0., took - clock_cost_);
    const int times = took > 0 ? static_cast<int>(std::min(double{most}, visible / took)) : most;
    if (repeatable && times > 1 && !failed_) {
      double all = 0;
      timed(all, [&] {
        for (int k = 0; k < times && !failed_; ++k) i.run(i, memory_);
      });
      took = std::max(0., all - clock_cost_) / times;
    }
    if (failed_) return failed(record, returned_);
    record.add(took, bytes_of(*i.type, memory_ + i.out));
    return {i.out, took, true, {}};
  } catch (...) {
    return failed(record, thrown());
  }
}

Walk::Value Walk::stage(Line& line, std::size_t i) {
  const Node& n = line.graph->nodes[i];
  std::vector<std::uint32_t> inputs;
  for (int in : n.inputs) inputs.push_back(line.values[static_cast<std::size_t>(in)].slot);
  inputs.push_back(line.extra[i]);
  try {
    ready_state(line, i);
  } catch (...) {
    return failed(*line.records[i], thrown());
  }
  waits_ = n.stage.asynchronous;
  const bool take = line.moves.may_take[i] || !n.stage.leave;
  Instruction step{
      take ? n.stage.take : n.stage.leave, nullptr, inputs.data(), inputs[0], line.slots[i], live_, flag_, n.type};
  const bool remembers = n.stage.asynchronous || n.stage.station.state;
  const bool repeatable = step.run == n.stage.leave && !n.type->destroy && !remembers;
  for (const Alternative& other : line.alternatives[i]) {
    step.context = other.context.get();
    if (call(step, *other.record, repeatable).there && n.type->destroy) n.type->destroy(memory_ + step.out);
  }
  step.context = n.stage.context.get();
  const Value v = call(step, *line.records[i], repeatable);
  if (v.there) own(v.slot, *n.type);
  return v;
}

// Asks a test of the user's, whose time `v` takes. False where it throws: `v.why` says what, and the answer stays.
bool Walk::ask(const Test& test, std::uint32_t slot, Record& record, Value& v, std::size_t& answer) {
  try {
    answer = timed(v.seconds, [&] { return test.run(test.context.get(), memory_ + slot); });
    return true;
  } catch (...) {
    v.why = failed(record, thrown()).why;
    return false;
  }
}

// ---- combinators

// The combinator around this arm is gone through, and so many times the arm.
void Walk::enter(Line& arm, std::size_t times) {
  arm.whole->entered(times);
  if (arm.lone)
    for (const Alternative& other : arm.alternatives[1]) other.record->entered(times);
}

// All arms start together, so it takes as long as the valid arm that was ready first.
Walk::Value Walk::race(Line& line, std::size_t i, std::uint32_t in) {
  const Node& n = line.graph->nodes[i];
  Value first;
  double least = std::numeric_limits<double>::max();
  for (Line& arm : line.arms[i]) {
    Value v = evaluate(arm, in);
    if (!v.there) continue;
    if (!arm.lone) arm.whole->add(v.seconds, 0);
    std::size_t valid = !n.test;
    if (n.test) ask(n.test, v.slot, *line.records[i], v, valid);
    if (!valid) continue;
    least = std::min(least, v.seconds);
    if (!first.there) first = v;
  }
  if (!first.there) return failed(*line.records[i], {Code::all_arms_failed, "no arm gave a valid answer"});
  first.seconds = least;
  return first;
}

Walk::Value Walk::cascade(Line& line, std::size_t i, std::uint32_t in) {
  const Node& n = line.graph->nodes[i];
  Value best;
  double way = 0;
  bool left = false;
  for (std::size_t k = 0; k < n.arms.size(); ++k) {
    Line& rung = line.arms[i][k];
    enter(rung, !left);
    Value v = evaluate(rung, in);
    if (v.there && !rung.lone) rung.whole->add(v.seconds, 0);
    if (left) continue;
    const bool last = k + 1 == n.arms.size();
    std::size_t exits = last;
    if (v.there && !last) ask(n.arms[k].exit, v.slot, *line.records[i], v, exits);
    way += v.seconds;
    left = v.there && exits;
    if (v.there || (last && (!best.there || !n.fallback))) best = v;
  }
  best.seconds = way;
  if (!best.there) line.records[i]->fail("no rung gave an answer");
  return best;
}

Walk::Value Walk::choose(Line& line, std::size_t i, std::uint32_t in) {
  const Node& n = line.graph->nodes[i];
  const bool copyable = line.graph->at(n.inputs[0]).type->copy;
  std::size_t selected = n.arms.size();
  Value selector, chosen;
  if (!ask(n.test, in, *line.records[i], selector, selected)) return selector;
  for (std::size_t k = 0; k < n.arms.size(); ++k) {
    Line& arm = line.arms[i][k];
    enter(arm, k == selected);
    if (k != selected && !copyable) continue;  // there is only one value
    const Value v = evaluate(arm, in);
    if (v.there && !arm.lone) arm.whole->add(v.seconds, 0);
    if (k == selected) chosen = v;
  }
  if (selected >= n.arms.size())
    return failed(*line.records[i], {Code::bad_selection, "selected an arm that is not there"});
  chosen.seconds += selector.seconds;
  if (!chosen.there) line.records[i]->fail("the selected arm failed");
  return chosen;
}

// Runs every element; the first one that fails may fail the whole.
void Walk::elements(Line& line, std::size_t i, std::uint32_t in, Value& whole) {
  const Node& n = line.graph->nodes[i];
  Line& arm = line.arms[i][0];
  const auto gather = memory_ + line.gathers[i];
  const std::size_t count = n.each_in->size(memory_ + in), mark = owned_.size();
  enter(arm, count);
  whole.there = true;
  for (std::size_t k = 0; k < count; ++k) {
    timed(whole.seconds, [&] { n.each_in->take(memory_ + arm.slots[0], memory_ + in, k, line.moves.may_take[i]); });
    own(arm.slots[0], *n.each_in->element);
    const Value v = evaluate(arm, arm.slots[0]);
    whole.seconds += v.seconds;
    if (v.there && !arm.lone) arm.whole->add(v.seconds, 0);
    if (v.there) timed(whole.seconds, [&] { n.each_out->put(gather, k, memory_ + v.slot, nullptr); });
    else if (n.each_out->keeps_errors) n.each_out->put(gather, k, nullptr, &v.why);
    else if (std::exchange(whole.there, false)) whole.why = v.why;
    destroy_down_to(mark);
  }
}

// One element after another: the work that there is, whoever shares it.
Walk::Value Walk::each(Line& line, std::size_t i, std::uint32_t in) {
  const Node& n = line.graph->nodes[i];
  Record& record = *line.records[i];
  const auto gather = line.gathers[i];
  Value v{line.slots[i], 0, false, {}};
  const auto mark = owned_.size();
  try {
    const std::size_t count = n.each_in->size(memory_ + in);
    timed(v.seconds, [&] { n.each_out->start(memory_ + gather, count); });
    own(gather, *n.each_out->gather);
    elements(line, i, in, v);
    if (!v.there) return record.fail("an element failed"), v;
    v.there = false;
    timed(v.seconds, [&] { n.each_out->finish(memory_ + v.slot, memory_ + gather); });
    own(v.slot, *n.type);
    v.there = true;
    record.add(v.seconds, n.type->size + static_cast<double>(count) * n.each_out->element->size);
  } catch (...) {
    destroy_down_to(mark);
    return failed(record, thrown());
  }
  return v;
}

}  // namespace tailrace::detail
