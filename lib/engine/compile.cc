#include <algorithm>
#include <map>

#include "engine/cut_off.h"
#include "engine/frame.h"
#include "engine/hedge.h"
#include "engine/layout.h"
#include "engine/program.h"
#include "engine/quorum.h"
#include "engine/runtime.h"
#include "engine/shed.h"
#include "engine/trace.h"
#include "tailrace/plan/branches.h"
#include "tailrace/plan/moves.h"

// A graph becomes blocks, regions and controls. Every graph (the flow's own and every arm's) is one region whose nodes
// run in order: neighbours of one group share a block, and a combinator ends a block. A join that is forked adds a
// region for each of its branches. While compiling, all places are numbers: see Draft.
namespace tailrace::detail {
namespace {

struct Slot {
  std::uint32_t at = 0;
  std::uint32_t live = 0;  // number of its live byte, from 1; 0: none needed
  const Type* type = nullptr;
};

class Compiler {
 public:
  Compiler(Program& p, Stations& stations, const std::string& flow, const CompileOptions& options)
      : p_(p), stations_(stations), flow_(flow), options_(options), traced_(options.traced) {}

  void compile(const Graph& graph, const GraphChoices& choices, const std::string& path, bool top) {
    top_ = top;
    const Slot in = new_slot(graph.input_type());
    p_.input = in.at;
    p_.input_live = in.live;
    region(graph, choices, path, in, true, {});
    for (Block& b : p_.blocks) b.toward = where_to(b);
    if (top && options_.sheds) find_sites(p_);
    p_.queues = !p_.stations.empty();
    for (const Control& c : p_.controls) {
      if (!c.element) continue;
      p_.queues = p_.queues || c.element->queues;
      d_.element_timers = d_.element_timers || c.element->timers;
    }
    p_.timers = p_.timers || d_.element_timers;
    lay_out(p_, d_, traced_, top);
    for (Control& c : p_.controls)
      if (c.kind == Kind::then && c.after->station) c.skip = nothing_of(*c.after);
  }

 private:
  // A block of the same region that does nothing. REQUIRES: it is laid out
  static std::unique_ptr<Block> nothing_of(const Block& b) {
    auto made = std::make_unique<Block>();
    made->first = made->last = b.first;
    made->state = b.state;
    made->region = b.region;
    made->number = b.number;
    return made;
  }

  // Where whoever runs the block is next, or may be: the next rung, or stage, behind a test.
  static const Block* block_behind(const Block& b) {
    if (b.end == End::hop) return b.next;
    const Region& r = *b.region;
    const bool tests = b.end == End::done && (r.role == Role::rung || r.role == Role::stage);
    return tests && r.arm + 1 < r.control->arms.size() ? r.control->arms[r.arm + 1]->entry : nullptr;
  }
  // The station with a policy that is asked for a turn first; marks may stand before it.
  static Station* where_to(const Block& b) {
    const Block* at = &b;
    for (int i = 0; i < 3 && at && !at->station; ++i) at = block_behind(*at);
    return at && at->station && at->station->asks() ? at->station : nullptr;
  }

  // Which arm of which control a region is.
  struct Place {
    Role role = Role::request;
    Control* control = nullptr;
    std::size_t arm = 0;
  };
  // One graph being compiled.
  struct Scope {
    const Graph& graph;
    const GraphChoices& choices;
    const std::string& path;
    bool input_movable;
    std::vector<Slot> slots;       // by node
    std::vector<Branch> home;      // by node
    std::vector<int> last_reader;  // by node; -1: its slot is never given up
  };
  // Nodes that run in order in one region: a graph's main line, or a branch of one of its joins.
  struct Line {
    Scope& scope;
    Region& region;
    Block* block = nullptr;
    int group = -1;                           // of the nodes in `block`; -1: none is in it yet; or `alone`
    std::multimap<std::uint32_t, Slot> free;  // slots of dead values, by size
  };

  // The group of a block that no node joins: a region's first mark, which the thread that starts the region passes.
  static constexpr int alone = -2;

  // ---- slots

  Slot new_slot(const Type& type) {
    d_.slots = round_up(d_.slots, type.align);
    p_.frame_align = std::max(p_.frame_align, type.align);
    const Slot slot{d_.slots, type.destroy ? ++d_.live_bytes : 0, &type};
    d_.slots += type.size;
    if (type.destroy) p_.owned.push_back({slot.at, slot.live, &type});
    return slot;
  }
  // Memory for a node's value: a dead value's, where the types allow it.
  Slot slot_for(Line& line, const Type& type) {
    for (auto [i, end] = line.free.equal_range(type.size); i != end; ++i) {
      const Slot dead = i->second;
      const bool same = dead.type == &type;
      const bool both_plain = !dead.live && !type.destroy && dead.at % type.align == 0;
      if (same || both_plain) return line.free.erase(i), dead;
    }
    return new_slot(type);
  }
  // Values that a combinator or another line reads stay: whoever lost may read them for as long as the frame lives.
  static std::vector<int> last_readers(const Graph& g, const std::vector<Branch>& home) {
    std::vector<int> last(g.nodes.size(), -1);
    std::vector<bool> stays(g.nodes.size());
    stays[0] = stays[static_cast<std::size_t>(g.output)] = true;
    for (std::size_t n = 1; n < g.nodes.size(); ++n) {
      const bool combinator = !g.nodes[n].arms.empty();
      if (combinator) stays[n] = true;
      for (int in : g.nodes[n].inputs) {
        const auto value = static_cast<std::size_t>(in);
        last[value] = static_cast<int>(n);
        if (combinator || home[value] != home[n]) stays[value] = true;
      }
    }
    for (std::size_t n = 0; n < g.nodes.size(); ++n)
      if (stays[n]) last[n] = -1;
    return last;
  }
  void give_up_dead(Line& line, int node) {
    const Scope& s = line.scope;
    auto inputs = s.graph.at(node).inputs;
    std::sort(inputs.begin(), inputs.end());
    inputs.erase(std::unique(inputs.begin(), inputs.end()), inputs.end());
    for (int in : inputs) {
      if (s.last_reader[static_cast<std::size_t>(in)] != node) continue;
      const Slot& dead = s.slots[static_cast<std::size_t>(in)];
      if (dead.live) emit_destroy(line, dead);
      line.free.emplace(dead.type->size, dead);
    }
  }

  // ---- code

  Block& new_block(Line& line, Station* station = nullptr) {
    Block& b = p_.blocks.emplace_back();
    b.region = &line.region;
    b.station = station;
    b.number = static_cast<std::uint16_t>(std::min<std::size_t>(p_.blocks.size(), 0xffff));
    d_.starts.push_back(narrow(p_.code.size()));
    d_.seconds.push_back(0);
    if (Block* before = line.block; before && before->control) {
      const_cast<Control*>(before->control)->after = &b;
    } else if (before) {
      before->end = before->station ? End::leave : station ? End::hop : End::next;
      before->next = &b;
    }
    line.group = -1;
    const Control* const control = line.block ? line.block->control : nullptr;
    line.block = &b;
    if (control && control->kind == Kind::then) mark(line, mark_completed, control->name);
    else if (!station) mark(line, mark_begin, line.scope.path);
    return b;
  }
  // For an observer that asks for stages.
  void mark(Line& line, Thunk tells, std::string stage) {
    const auto at = line.region.trace;
    if (traced_) emit(line, tells, {at}, {at, 0, nullptr}, std::move(stage));
  }
  Instruction& emit(Line& line, Thunk run, const std::vector<std::uint32_t>& inputs, const Slot& out,
                    std::string name) {
    const auto& table = p_.inputs.emplace_back(inputs);
    p_.names.push_back(std::move(name));
    return p_.code.emplace_back(
        Instruction{run, nullptr, table.data(), table[0], out.at, out.live, line.region.first, out.type});
  }
  void emit_destroy(Line& line, const Slot& dead) {
    emit(
        line,
        [](const Instruction& i, char* frame) {
          if (!frame[i.live]) return;
          frame[i.live] = 0;
          i.type->destroy(frame + i.out);
        },
        {dead.at}, dead, line.scope.path);
  }
  // A graph that gives its input back unchanged needs a value of its own, since others read the input as well.
  Slot emit_identity(Line& line, const Slot& in) {
    const Slot out = new_slot(*in.type);
    emit(
        line,
        [](const Instruction& i, char* frame) {
          if (i.type->copy) i.type->copy(frame + i.out, frame + i.in);
          else i.type->move(frame + i.out, frame + i.in);
          if (i.live) frame[i.live] = 1;
        },
        {in.at}, out, line.scope.path);
    return out;
  }

  void simple(Line& line, int node) {
    Scope& s = line.scope;
    const Node& n = s.graph.at(node);
    const int group = s.choices.group[static_cast<std::size_t>(node)];
    Station* const station = station_of(line, node);
    const bool fresh = line.block && !line.block->control && line.group == -1;
    const bool empty = fresh && line.block == &p_.blocks.back() && d_.starts.back() == p_.code.size();
    if (station && empty) line.block->station = station;  // one station behind another
    else if (station || !(fresh || (line.block && group == line.group))) new_block(line, station);
    line.group = group;
    const Slot out = slot_for(line, *n.type);
    s.slots[static_cast<std::size_t>(node)] = out;
    std::vector<std::uint32_t> inputs;
    for (int in : n.inputs) inputs.push_back(s.slots[static_cast<std::size_t>(in)].at);
    if (n.stage.station.state) inputs.push_back(line.block->memory = plain_slot<void*>());
    if (n.stage.asynchronous) inputs.push_back(0);  // the number of its control, once places are known
    const bool take = may_take(s.graph, node, s.input_movable) || !n.stage.leave;
    const bool batch = station && station->spec().batch;
    Instruction& i = emit(line, take ? n.stage.take : n.stage.leave, inputs, out, path_of(s.path, n));
    i.context = keep(n.stage.context);
    if (batch) i.run = [](const Instruction&, char*) {};  // called for the whole batch, not here
    expect(seconds_of(s, node));
    if (n.stage.asynchronous) park(line, node, out);
    else if (!batch) mark(line, mark_ran, path_of(s.path, n));
    if (station) new_block(line);
    give_up_dead(line, node);
  }
  // What a stage takes before anything was learned: what was measured or, where nothing was, next to nothing of one
  // that was declared quick. Below 0: unknown.
  static double seconds_of(const Scope& s, int node) {
    const auto n = static_cast<std::size_t>(node);
    const double measured = n < s.choices.seconds.size() ? s.choices.seconds[n] : -1;
    return measured < 0 && s.graph.nodes[n].stage.quick ? 0 : measured;
  }
  // Adds a stage to what the latest block is expected to take.
  void expect(double seconds) {
    double& all = d_.seconds.back();
    all = all < 0 || seconds < 0 ? -1 : all + seconds;
  }
  // Null: its calls wait for no turn.
  Station* station_of(Line& line, int node) {
    const Scope& s = line.scope;
    const Node& n = s.graph.at(node);
    const StationSpec spec = tailrace::station_of(n, s.choices, static_cast<std::size_t>(node));
    if (spec.limit == 0) return nullptr;
    line.region.turn = 1;
    const std::string path = path_of(s.path, n);
    const Device device = s.choices.device[static_cast<std::size_t>(node)];
    auto station = stations_.find_or_make({flow_, path, n.stage, spec, device}, options_.policies, *options_.memory);
    const auto known =
        std::find(p_.stations.begin(), p_.stations.end(), station);  // others of this program may be at it
    return known == p_.stations.end() ? p_.stations.emplace_back(std::move(station)).get() : known->get();
  }
  template <class T>
  std::uint32_t plain_slot() {
    d_.slots = round_up(d_.slots, alignof(T)) + narrow(sizeof(T));
    return d_.slots - narrow(sizeof(T));
  }
  // The flow goes on when the stage's Completion is used.
  void park(Line& line, int node, const Slot& out) {
    Station* const station = line.block->station;
    p_.parks = true;
    d_.parks.push_back({narrow(p_.code.size() - 1), narrow(p_.controls.size())});
    Control& c = end_with(line, Kind::then, node);
    c.out = out.at;
    c.live = out.live;
    c.station = station;
    if (!station) new_block(line);
  }
  const void* keep(const std::shared_ptr<const void>& context) {
    if (context) p_.contexts.push_back(context);
    return context.get();
  }

  // ---- combinators

  // Ends the line's block with a control.
  Control& end_with(Line& line, Kind kind, int node) {
    if (!line.block || line.block->control) new_block(line);
    Control& c = p_.controls.emplace_back();
    c.kind = kind;
    c.name = path_of(line.scope.path, line.scope.graph.at(node));
    c.around = &line.region;
    c.words = narrow(p_.controls.size() - 1);
    line.block->end = End::control;
    line.block->control = &c;
    line.group = -1;
    return c;
  }
  void combinator(Line& line, int node) {
    Scope& s = line.scope;
    const Node& n = s.graph.at(node);
    Control& c = end_with(line, n.kind, node);
    const Slot in = s.slots[static_cast<std::size_t>(n.inputs[0])], out = new_slot(*n.type);
    c.in = in.at;
    c.out = out.at;
    c.live = out.live;
    c.type = n.type;
    c.test = n.test;
    c.fallback = n.fallback;
    s.slots[static_cast<std::size_t>(node)] = out;
    if (top_ && is_anytime(n)) leave_early(s, node, c);
    if (n.kind == Kind::each) each(s, node, c);
    else if (n.kind == Kind::staged) stages(s, node, c, in);
    else arms(s, node, c, in);
    if (n.kind == Kind::quorum) ballot(n, c);
    if (n.kind == Kind::hedge) hedge(s, node, c);
    new_block(line);
  }
  // Runs the branches that lead to a join; the join itself stands behind.
  void fork(Line& line, int node) {
    std::vector<Branch> branches;
    for (int input = 0; input < static_cast<int>(line.scope.graph.at(node).inputs.size()); ++input) {
      const Branch b{node, input};
      if (std::find(line.scope.home.begin(), line.scope.home.end(), b) != line.scope.home.end()) branches.push_back(b);
    }
    if (branches.empty()) return;
    Control& c = end_with(line, Kind::join, node);
    for (const Branch& b : branches) {
      Region& r = new_region({Role::branch, &c, c.arms.size()});
      c.arms.push_back(&r);
      fill(line.scope, r, b);
    }
    new_block(line);
  }
  static Role role_of_arms(Kind kind) {
    return kind == Kind::race      ? Role::race_arm
           : kind == Kind::quorum  ? Role::voter
           : kind == Kind::hedge   ? Role::call
           : kind == Kind::cascade ? Role::rung
                                   : Role::choice;
  }
  // A quorum counts in a slot of its own.
  void ballot(const Node& n, Control& c) {
    c.agree = narrow(static_cast<std::size_t>(n.agree));
    c.equality = n.equality;
    d_.slots = round_up(d_.slots, alignof(Ballot));
    c.gather = d_.slots;
    d_.slots += Ballot::bytes(n.arms.size());
  }
  // One that a deadline or a cut-off may end early. Where its answer is the flow's, it can answer a deadline.
  void leave_early(Scope& s, int node, Control& c) {
    c.answers_request = c.around == &p_.regions.front() && node == s.graph.output;
    const auto reserve = reserve_of(s.graph.at(node), s.choices, static_cast<std::size_t>(node));
    if (c.answers_request) p_.anytime = &c;
    if (reserve) {
      c.reserve = *reserve;
      c.gather = plain_slot<CutWatch>();
      p_.timers = true;
    }
    if (!c.answers_request && !reserve) return;
    c.rungs = std::vector<Atomic<policy::RungTime>>(s.graph.at(node).arms.size());
    c.rung_began = plain_slot<TimePoint>();
  }
  void hedge(Scope& s, int node, Control& c) {
    c.gather = plain_slot<HedgeWatch>();
    const PolicyUse& use = policy_of(s.graph.at(node), s.choices, static_cast<std::size_t>(node));
    if (auto site = stations_.find_or_make_hedge(flow_, c.name, use, options_.policies)) {
      c.hedge = p_.hedges.emplace_back(std::move(site)).get();
      p_.timers = true;
    }
    for (const Block& b : p_.blocks)
      if (b.region == c.arms[1] && b.station && !b.station->spec().per_stream) c.station = b.station;
  }
  void arms(Scope& s, int node, Control& c, const Slot& in) {
    const Node& n = s.graph.at(node);
    const Role role = role_of_arms(n.kind);
    const std::size_t regions = n.kind == Kind::hedge ? 2 : n.arms.size();  // a hedge's last call is asked again
    for (std::size_t k = 0; k < regions; ++k) {
      const std::size_t arm = std::min(k, n.arms.size() - 1);
      const bool movable = arm_input_movable(s.graph, node, arm, s.input_movable);
      c.exits.push_back(n.arms[arm].exit);
      c.arms.push_back(region(*n.arms[arm].graph, s.choices.arms[static_cast<std::size_t>(node)][arm],
                              arm_path(c.name, arm), in, movable, {role, &c, k}));
    }
  }
  // Each stage of a staged has the carry of the one before it as its input, alone.
  void stages(Scope& s, int node, Control& c, Slot in) {
    const Node& n = s.graph.at(node);
    const Slot out{c.out, c.live, c.type};
    for (std::size_t arm = 0; arm < n.arms.size(); ++arm) {
      const bool movable = arm_input_movable(s.graph, node, arm, s.input_movable);
      c.arms.push_back(region(*n.arms[arm].graph, s.choices.arms[static_cast<std::size_t>(node)][arm],
                              arm_path(c.name, arm), in, movable, {Role::stage, &c, arm}));
      const ExitOps* ops = n.arms[arm].exit_ops;
      if (ops) in = new_slot(*ops->carry);
      const Slot answer = ops && !c.rungs.empty() ? new_slot(*ops->answer) : out;
      c.carries.push_back({ops, in.at, in.live, ops ? answer.at : c.arms.back()->answer, answer.live});
    }
  }
  void each(Scope& s, int node, Control& c) {
    const Node& n = s.graph.at(node);
    c.each_in = n.each_in;
    c.each_out = n.each_out;
    c.may_move = may_take(s.graph, node, s.input_movable);
    const Slot gather = new_slot(*n.each_out->gather);
    c.gather = gather.at;
    c.gather_live = gather.live;
    c.element_name = d_.slots;
    d_.slots += name_bytes;
    c.element = std::make_unique<Program>();
    Compiler(*c.element, stations_, flow_, options_)
        .compile(*n.arms[0].graph, s.choices.arms[static_cast<std::size_t>(node)][0], arm_path(c.name, 0), false);
  }
  // ---- regions

  Region& new_region(const Place& place) {
    const auto id = narrow(p_.regions.size());  // until lay_out(), every offset of a region is its number
    Region& r = p_.regions.emplace_back();
    r.state = r.text = r.task = r.first = id;
    r.role = place.role;
    r.control = place.control;
    r.arm = narrow(place.arm);
    if (traced_) r.trace = plain_slot<RegionTrace>();
    return r;
  }
  const Region* region(const Graph& g, const GraphChoices& choices, const std::string& path, const Slot& in,
                       bool input_movable, const Place& place) {
    Region& r = new_region(place);
    std::vector<Branch> home = find_branches(g, choices);
    std::vector<int> last = last_readers(g, home);
    Scope s{g, choices, path, input_movable, std::vector<Slot>(g.nodes.size()), std::move(home), std::move(last)};
    s.slots[0] = in;
    Line line = fill(s, r, {});
    const bool identity = g.output == 0 && place.role != Role::request;
    r.answer = identity ? emit_identity(line, in).at : s.slots[static_cast<std::size_t>(g.output)].at;
    return &r;
  }
  // Compiles the nodes of one line into a region.
  Line fill(Scope& s, Region& r, const Branch& home) {
    Line line{s, r, nullptr, -1, {}};
    const auto first_block = p_.blocks.size();
    if (traced_) new_block(line), line.group = alone;
    for (int node = 1; node < static_cast<int>(s.graph.nodes.size()); ++node) {
      const auto n = static_cast<std::size_t>(node);
      if (s.home[n] != home) continue;
      if (s.choices.fork[n]) fork(line, node);
      if (s.graph.nodes[n].arms.empty()) simple(line, node);
      else combinator(line, node);
    }
    if (!line.block) new_block(line);
    r.entry = &p_.blocks[first_block];
    r.last = narrow(p_.regions.size());
    return line;
  }

  Program& p_;
  Stations& stations_;
  const std::string& flow_;
  const CompileOptions& options_;
  const bool traced_;
  bool top_ = true;
  Draft d_;
};

}  // namespace

std::unique_ptr<Program> compile(const Graph& graph, const GraphChoices& choices, Stations& stations,
                                 const CompileOptions& options) {
  auto program = std::make_unique<Program>();
  Compiler(*program, stations, graph.name, options).compile(graph, choices, "", true);
  return program;
}

}  // namespace tailrace::detail
