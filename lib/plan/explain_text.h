#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "tailrace/plan/graph.h"

// How explain writes.
namespace tailrace::detail {

// Lines of text that stay under 100 columns: what does not fit goes on below, indented.
class Page {
 public:
  // One line; `hang` is the column at which it goes on where it is too long.
  void line(std::string text, std::size_t hang);
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

// Lines in columns: each column as wide as its widest cell, up to `widest`; the last one takes what is left.
class Table {
 public:
  void row(std::size_t indent, std::vector<std::string> cells) { rows_.push_back({indent, std::move(cells)}); }
  void write(Page& page) const;

 private:
  static constexpr std::size_t widest = 28;
  struct Row {
    std::size_t indent;
    std::vector<std::string> cells;
  };
  std::vector<std::size_t> widths() const;
  std::vector<Row> rows_;
};

// What stands where a thing was given no name.
std::string name_or(const std::string& name, std::string_view otherwise);
std::string list_of(const std::vector<std::string>& items, std::string_view between);
// A number in as few digits as say it: "0.9", "1e-05".
std::string number(double value);

// "scale(by = 0.0625)", "model digit, accuracy at least 0.9, variant tiny".
std::string in_words(const Stage& stage);
std::string in_words(const PolicyUse& policy);
std::string in_words(const Test& test, std::string_view otherwise);
// The two lines that every explanation starts with: "flow classify: Image -> Label", and the list of stages.
void write_flow_line(Page& page, const Graph& graph);
void write_stages(Page& page, const Graph& graph);
// "Image -> Label"
std::string ends_of(const Graph& graph);
// The one stage of an arm that is a function or a model; null where the arm is a flow.
const Node* lone_stage(const Graph& arm);

}  // namespace tailrace::detail
