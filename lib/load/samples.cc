#include "tailrace/load/samples.h"

#include <array>
#include <charconv>
#include <ostream>
#include <string>

namespace tailrace::load {
namespace {

constexpr std::string_view heading = "request,arrival_ns,latency_ns,code,rung,winner,anytime,fallback,late";
constexpr std::string_view answered = "answered";

template <class N>
bool read_number(std::string_view text, N& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}
// Empty: none.
bool read_place(std::string_view text, std::int16_t& place) { return text.empty() || read_number(text, place); }
bool read_flag(std::string_view text, bool& flag) {
  flag = text == "1";
  return flag || text == "0";
}
bool read_code(std::string_view text, Code& code) {
  if (text == answered) return true;
  for (int i = 1; i < 100; ++i)
    if (name(code = static_cast<Code>(i)) == text) return true;
  return false;
}

// False: it is not a line of samples.
bool read_line(std::string_view line, Sample& s) {
  std::array<std::string_view, 9> fields;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const auto end = line.find(',');
    if ((end == line.npos) != (i + 1 == fields.size())) return false;
    fields[i] = line.substr(0, end);
    line.remove_prefix(end == line.npos ? line.size() : end + 1);
  }
  Duration::rep arrival = 0, latency = 0;
  const bool read = read_number(fields[0], s.number) && read_number(fields[1], arrival) &&
                    read_number(fields[2], latency) && read_code(fields[3], s.code) &&
                    read_place(fields[4], s.facts.rung) && read_place(fields[5], s.facts.winner) &&
                    read_flag(fields[6], s.facts.anytime) && read_flag(fields[7], s.facts.fallback) &&
                    read_flag(fields[8], s.facts.late);
  s.arrival = Duration(arrival);
  s.latency = Duration(latency);
  return read;
}

}  // namespace

void write_samples(std::ostream& out, std::span<const Sample> samples) {
  const auto place = [&](int n) { out << (n < 0 ? "" : std::to_string(n)) << ','; };
  out << heading << '\n';
  for (const Sample& s : samples) {
    if (s.unanswered) continue;
    out << s.number << ',' << s.arrival.count() << ',' << s.latency.count() << ','
        << (s.code == Code::none ? answered : name(s.code)) << ',';
    place(s.facts.rung);
    place(s.facts.winner);
    out << s.facts.anytime << ',' << s.facts.fallback << ',' << s.facts.late << '\n';
  }
}

Built<std::vector<Sample>> read_samples(std::string_view text) {
  std::vector<Sample> samples;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const auto end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    if (number == 1 ? line == heading : read_line(line, samples.emplace_back())) continue;
    return Problems(Code::bad_file, "line " + std::to_string(number),
                    number == 1 ? "expected the line '" + std::string(heading) + "'"
                                : "expected a request's nine columns, got '" + std::string(line.substr(0, 100)) + "'");
  }
  return samples;
}

}  // namespace tailrace::load
