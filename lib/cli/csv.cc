#include <charconv>
#include <optional>
#include <utility>

#include "cli/rows.h"

namespace tailrace::cli {

namespace {

std::string_view without_blanks(std::string_view field) {
  const auto from = field.find_first_not_of(" \t\r");
  if (from == field.npos) return {};
  return field.substr(from, field.find_last_not_of(" \t\r") - from + 1);
}

std::optional<float> number_in(std::string_view field) {
  float value = 0;
  if (field.starts_with('+')) field.remove_prefix(1);
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
  if (error != std::errc() || end != field.data() + field.size()) return std::nullopt;
  return value;
}

// One line at a time: `fields` of it, each with where it begins.
class Line {
 public:
  Line(std::string_view text, int number) : text_(text), number_(number) {}

  bool blank() const { return without_blanks(text_).empty(); }
  bool heading() const {
    bool any = false;
    each_field([&](std::string_view field, std::size_t) {
      any = any || number_in(field);
      return true;
    });
    return !any;
  }
  // Appends the numbers; a problem where a field is none.
  std::optional<Problems> append(std::vector<float>& values) const {
    std::optional<Problems> problem;
    each_field([&](std::string_view field, std::size_t at) {
      const auto value = number_in(field);
      if (value) values.push_back(*value);
      else problem = wrong(at, field);
      return value.has_value();
    });
    return problem;
  }
  std::string place(std::size_t at) const { return std::to_string(number_) + ":" + std::to_string(at + 1); }

 private:
  template <class Use>
  void each_field(Use use) const {
    for (std::size_t from = 0;;) {
      const auto comma = text_.find(',', from);
      if (!use(without_blanks(text_.substr(from, comma - from)), from) || comma == text_.npos) return;
      from = comma + 1;
    }
  }
  Problems wrong(std::size_t at, std::string_view field) const {
    if (field.empty()) return Problems(Code::bad_file, place(at), "a number is missing");
    return Problems(Code::bad_file, place(at),
                    "'" + std::string(field.substr(0, 40)) + "' is not a number that fits float32");
  }
  std::string_view text_;
  int number_;
};

std::string numbers(std::size_t n) { return std::to_string(n) + (n == 1 ? " number" : " numbers"); }

}  // namespace

Built<Rows> parse_csv(std::string_view text) {
  Rows rows;
  std::size_t width = 0;
  int first_line = 0, number = 0;
  bool first = true;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const Line line(text.substr(0, end), ++number);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    if (line.blank()) continue;
    if (std::exchange(first, false) && line.heading()) continue;
    const std::size_t before = rows.values.size();
    if (auto problem = line.append(rows.values)) return *std::move(problem);
    const std::size_t got = rows.values.size() - before;
    if (rows.count == 0) width = got, first_line = number;
    if (got != width)
      return Problems(
          Code::bad_file, line.place(0),
          "has " + numbers(got) + ", expected " + std::to_string(width) + " as in line " + std::to_string(first_line));
    ++rows.count;
  }
  rows.shape = {static_cast<std::int64_t>(width)};
  return rows;
}

}  // namespace tailrace::cli
