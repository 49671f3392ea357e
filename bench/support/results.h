#pragma once
#include <optional>
#include <string>
#include <utility>
#include <vector>

// What a benchmark found, as JSON that bench_report makes a page of.
namespace bench {

// One number that has a target.
struct Figure {
  std::string name;  // "m1.hop_time"
  std::string what;  // a line for people
  double value = 0;
  std::optional<double> limit;  // the most it may be; none: reported only
  std::string unit;
  bool is_void = false;  // taken while others were at work
};

// A table of details; cells are text.
struct Table {
  std::string title, text;
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;
};

// Lines over one axis, drawn by bench_report beside the page. The axis of x is logarithmic: x is above 0.
struct Picture {
  std::string name;  // of its file
  std::string title, text, x, y;
  struct Line {
    std::string name;
    std::vector<std::pair<double, double>> points;
  };
  std::vector<Line> lines;
  double highest = 0;  // of y: what is above is drawn at the edge; 0: everything fits
  double lowest = 0;   // of y: where the axis begins; nothing is below
};

struct Results {
  std::string benchmark;  // also the order on the page
  std::string title;
  std::vector<Figure> figures;
  std::vector<Table> tables;
  std::vector<Picture> pictures;
};

// With machine, date, commit (TAILRACE_COMMIT, else what git says), compiler and library versions. Throws
// std::runtime_error.
void write(const Results& results, const std::string& file);
// For the terminal.
void print(const Results& results);

std::string text(double value, int digits = 2);

}  // namespace bench
