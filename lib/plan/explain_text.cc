#include "plan/explain_text.h"

#include <fmt/format.h>

#include <algorithm>

namespace tailrace::detail {

namespace {
constexpr std::size_t columns = 99;

// How much of `text` fits into `room`: up to a space if there is one, else hard.
std::size_t fitting(std::string_view text, std::size_t room, std::size_t hang) {
  if (text.size() <= room) return text.size();
  const auto space = text.rfind(' ', room);
  return space == text.npos || space <= hang ? room : space;
}
}  // namespace

void Page::line(std::string text, std::size_t hang) {
  hang = std::min(hang, columns / 2);
  text.erase(text.find_last_not_of(' ') + 1);
  std::string_view rest = text;
  std::string indent;
  do {
    const auto room = columns - indent.size();
    const auto n = fitting(rest, room, indent.empty() ? hang : 0);
    text_ += indent;
    text_ += rest.substr(0, n);
    text_ += '\n';
    rest.remove_prefix(n);
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
    indent.assign(hang, ' ');
  } while (!rest.empty());
}

std::vector<std::size_t> Table::widths() const {
  std::vector<std::size_t> widths;
  for (const auto& [indent, cells] : rows_)
    for (std::size_t i = 0; i + 1 < cells.size(); ++i) {
      if (widths.size() <= i) widths.resize(i + 1);
      widths[i] = std::max(widths[i], std::min(cells[i].size() + (i == 0 ? indent : 0), widest));
    }
  return widths;
}

void Table::write(Page& page) const {
  const auto width = widths();
  for (const auto& [indent, cells] : rows_) {
    std::string text(indent, ' ');
    std::size_t column = 0;
    for (std::size_t i = 0; i + 1 < cells.size(); ++i) {
      text += cells[i];
      column += width[i] + 2;
      text.append(text.size() + 2 > column ? 2 : column - text.size(), ' ');
    }
    page.line(text + cells.back(), column + 2);
  }
}

std::string name_or(const std::string& name, std::string_view otherwise) {
  return name.empty() ? std::string(otherwise) : name;
}

std::string list_of(const std::vector<std::string>& items, std::string_view between) {
  return fmt::format("{}", fmt::join(items, between));
}

std::string number(double value) { return fmt::format("{}", value); }

namespace {
std::string in_words(const std::string& function, const Parameters& parameters, std::string_view otherwise) {
  std::vector<std::string> given;
  for (const auto& p : parameters.list())
    given.push_back(p.is_text ? fmt::format("{} = \"{}\"", p.name, p.text) : fmt::format("{} = {}", p.name, p.number));
  const auto name = name_or(function, otherwise);
  return given.empty() ? name : name + "(" + list_of(given, ", ") + ")";
}
}  // namespace

std::string in_words(const Stage& stage) {
  const ModelUse& use = stage.model;
  if (use.name.empty()) return in_words(stage.function, stage.parameters, "a function without a name");
  std::string text = "model " + use.name;
  if (use.need.accuracy > 0) text += ", accuracy at least " + number(use.need.accuracy);
  if (use.need.device) text += ", on " + name(*use.need.device);
  if (!use.variant.empty()) text += ", variant " + use.variant;
  return text;
}

std::string in_words(const PolicyUse& policy) { return in_words(policy.name, policy.parameters, "no policy"); }

std::string in_words(const Test& test, std::string_view otherwise) {
  return in_words(test.function, test.parameters, otherwise);
}

std::string ends_of(const Graph& graph) {
  return display_name(graph.input_type()) + " -> " + display_name(graph.output_type());
}

const Node* lone_stage(const Graph& arm) {
  const bool lone = arm.nodes.size() == 2 && arm.nodes[1].kind == Kind::then && arm.nodes[1].name.empty();
  return lone ? &arm.nodes[1] : nullptr;
}

}  // namespace tailrace::detail
