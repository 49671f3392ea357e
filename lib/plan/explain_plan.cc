// How a plan runs, and why, as text.
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "plan/explain_text.h"
#include "tailrace/plan/explain.h"
#include "tailrace/plan/profile.h"
#include "tailrace/plan/verify.h"

namespace tailrace {

namespace detail {

namespace {

bool simple(const Node& node) { return node.kind == Kind::then || node.kind == Kind::join; }

// Blocks and what stands between them, numbered in the order in which they are written.
class BlockText {
 public:
  BlockText(Table& table, bool timed) : table_(table), timed_(timed) {}

  void graph(const Graph& graph, const GraphChoices& choices, std::size_t indent, const std::string& label) {
    for (std::size_t i = 1; i < graph.nodes.size();) {
      if (simple(graph.nodes[i])) i = block(graph, choices, i, indent, label);
      else control(graph.nodes[i], choices, i, indent), ++i;
    }
  }

 private:
  // Writes the block that begins at node i; gives the node behind it.
  std::size_t block(const Graph& graph, const GraphChoices& choices, std::size_t i, std::size_t indent,
                    const std::string& label) {
    std::vector<std::string> names;
    const auto first = i;
    double seconds = 0;
    for (; i < graph.nodes.size() && simple(graph.nodes[i]) && choices.group[i] == choices.group[first]; ++i) {
      names.push_back(in_block(graph.nodes[i], choices.fork[i]) + batches(graph.nodes[i], choices, i));
      const double more = seconds_of(choices, i);
      seconds = seconds < 0 || more < 0 ? -1 : seconds + more;
    }
    const std::string as_one = names.size() > 1 ? ", as one" : "";
    row(indent, label + fmt::format("block {}", ++blocks_), name(choices.device[first]), seconds,
        list_of(names, " + ") + as_one);
    return i;
  }
  static double seconds_of(const GraphChoices& choices, std::size_t i) {
    return choices.seconds.empty() ? -1 : choices.seconds[i];
  }
  // With a profile there is one column more; `seconds` without a value leave it empty.
  void row(std::size_t indent, std::string block, std::string on, std::optional<double> seconds, std::string what) {
    std::vector<std::string> cells{std::move(block), std::move(on)};
    if (timed_) cells.push_back(seconds ? time_in_words(*seconds) : "");
    cells.push_back(std::move(what));
    table_.row(indent, std::move(cells));
  }
  static std::string in_block(const Node& node, bool fork) {
    const ModelUse& use = node.stage.model;
    std::string model = use.name.empty() ? std::string() : "model " + use.name;
    if (!use.variant.empty()) model += ", variant " + use.variant;
    if (node.name.empty()) return model.empty() ? in_words(node.stage) : model;
    return node.name + (model.empty() ? "" : " (" + model + ")") + (fork ? " (its inputs at the same time)" : "");
  }

  static std::string batches(const Node& node, const GraphChoices& choices, std::size_t i) {
    if (choices.batch.empty() || choices.batch[i].use.max <= 1) return {};
    const StationSpec station = station_of(node, choices, i);
    const std::string calls = station.limit == 1 ? "one call at a time" : fmt::format("{} at a time", station.limit);
    const std::string by = station.policy.name.empty() ? "" : ", sized by " + in_words(station.policy);
    return fmt::format(" in batches of up to {}, {}{}", station.max_batch, calls, by);
  }
  static std::string policy(const Node& node, const GraphChoices& choices, std::size_t i) {
    if (node.kind != Kind::hedge) return {};
    return ", second call by " + in_words(policy_of(node, choices, i));
  }
  void control(const Node& node, const GraphChoices& choices, std::size_t i, std::size_t indent) {
    const auto& arms = choices.arms[i];
    row(indent, node.name, "", seconds_of(choices, i), std::string(name(node.kind)) + policy(node, choices, i));
    for (std::size_t k = 0; k < node.arms.size(); ++k) {
      const Graph& arm = *node.arms[k].graph;
      if (lone_stage(arm)) {
        graph(arm, arms[k], indent + 2, fmt::format("[{}] ", k));
      } else {
        row(indent + 2, fmt::format("[{}]", k), "", {},
            arm.nodes.size() > 1 ? "flow " + arm.name : "gives its input on");
        graph(arm, arms[k], indent + 4, "");
      }
    }
  }

  Table& table_;
  const bool timed_;
  int blocks_ = 0;
};

// REQUIRES: something is expected.
std::string expectation(const Decision& d) {
  if (d.source.empty()) return "unknown (no profile)";
  if (!(d.expected >= 0)) return fmt::format("unknown (not in the {})", d.source);
  if (d.unit == "s") return fmt::format("{} ({})", time_in_words(d.expected), d.source);
  return fmt::format("{:.4g} {} ({})", d.expected, d.unit, d.source);
}

void write_decision(Page& page, const Decision& d) {
  page.line(fmt::format("    {}: {}", name_or(d.where, "(no place)"), d.what), 8);
  page.line("      why: " + name_or(d.why, "no reason given"), 11);
  if (!d.unit.empty()) page.line("      expected: " + expectation(d), 16);
}

void write_pass(Page& page, const std::string& name, bool skipped, const std::vector<Decision>& all) {
  const auto mine = [&](const Decision& d) { return d.pass == name; };
  if (skipped) return page.line("  " + name + ": skipped, as asked", 4);
  if (std::none_of(all.begin(), all.end(), mine)) return page.line("  " + name + ": nothing to decide", 4);
  page.line("  " + name, 4);
  for (const auto& d : all)
    if (mine(d)) write_decision(page, d);
}

void write_decisions(Page& page, const Choices& choices) {
  std::vector<std::string> told;
  for (const auto& pass : choices.passes) {
    write_pass(page, pass.name, pass.skipped, choices.decisions);
    told.push_back(pass.name);
  }
  for (const auto& d : choices.decisions)
    if (std::find(told.begin(), told.end(), d.pass) == told.end()) {
      write_pass(page, d.pass, false, choices.decisions);
      told.push_back(d.pass);
    }
  if (told.empty()) page.line("  none: nothing has been optimised", 4);
}

void write_blocks(Page& page, const PlanData& plan) {
  if (plan.graph->nodes.size() == 1) return page.line("  nothing runs: the answer is the input", 4);
  Table table;
  const bool timed = !plan.choices.root.seconds.empty();
  if (timed) table.row(2, {"block", "on", "takes", "stages"});
  else table.row(2, {"block", "on", "stages"});
  BlockText(table, timed).graph(*plan.graph, plan.choices.root, 2, "");
  table.write(page);
}

bool fits(const Graph& graph, const GraphChoices& choices) {
  const auto count = graph.nodes.size();
  if (choices.group.size() != count || choices.device.size() != count || choices.fork.size() != count ||
      choices.arms.size() != count || (!choices.hedge.empty() && choices.hedge.size() != count) ||
      (!choices.batch.empty() && choices.batch.size() != count))
    return false;
  if (!choices.seconds.empty() && choices.seconds.size() != count) return false;
  for (std::size_t i = 0; i < count; ++i) {
    if (choices.arms[i].size() != graph.nodes[i].arms.size()) return false;
    for (std::size_t k = 0; k < choices.arms[i].size(); ++k)
      if (!fits(*graph.nodes[i].arms[k].graph, choices.arms[i][k])) return false;
  }
  return true;
}

}  // namespace

}  // namespace detail

std::string explain(const PlanData& plan) {
  if (!plan.graph || plan.graph->nodes.empty() || !within_bounds(*plan.graph))
    return "a plan whose flow is empty or too large to be explained\n";
  detail::Page page;
  detail::write_flow_line(page, *plan.graph);
  page.line("\nwhat it computes", 0);
  detail::write_stages(page, *plan.graph);
  page.line("\nhow it runs, from top to bottom (a block's stages run on one thread without a pause)", 0);
  if (detail::fits(*plan.graph, plan.choices.root)) detail::write_blocks(page, plan);
  else page.line("  unknown: its choices are for another graph", 4);
  page.line("\ndecisions", 0);
  detail::write_decisions(page, plan.choices);
  return page.take();
}

}  // namespace tailrace
