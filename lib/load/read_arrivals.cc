// Arrivals as text, and recorded times as files.
#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <optional>
#include <utility>

#include "tailrace/load/arrivals.h"

namespace tailrace::load {
namespace {

constexpr std::size_t most_times = 100'000'000;

std::string_view trimmed(std::string_view text) {
  const auto from = text.find_first_not_of(" \t\r");
  return from == text.npos ? std::string_view() : text.substr(from, text.find_last_not_of(" \t\r") - from + 1);
}

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  for (;;) {
    const auto end = text.find(at);
    parts.push_back(trimmed(text.substr(0, end)));
    if (end == text.npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::optional<double> number_in(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !(value >= -1e300 && value <= 1e300))
    return std::nullopt;
  return value;
}

std::string quoted(std::string_view text) { return "'" + std::string(text.substr(0, 100)) + "'"; }

// ---- one line of text

// Reads the parts of one text; the first that is wrong is the problem.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  double rate(std::string_view part) {
    const auto value = number_in(part);
    if (!value) wrong("expected a rate, in requests a second, and got " + quoted(part));
    return value.value_or(0);
  }
  Duration duration(std::string_view part) {
    const auto value = read_duration(part);
    if (!value) wrong(value.error().list().front().what);
    return value.value_or(Duration{});
  }
  unsigned count(std::string_view part) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), value);
    if (error != std::errc() || end != part.data() + part.size() || value == 0)
      wrong("expected a number of clients, and got " + quoted(part));
    return value;
  }
  void wrong(std::string what) {
    if (problems_.empty()) problems_.add(Code::bad_value, std::string(text_.substr(0, 100)), std::move(what));
  }
  Built<Arrivals> result(Arrivals arrivals) {
    const Problems found = problems_.empty() ? check(arrivals) : Problems();
    for (const Problem& p : found.list()) wrong(p.where + ": " + p.what);
    if (!problems_.empty()) return std::move(problems_);
    return arrivals;
  }

 private:
  std::string_view text_;
  Problems problems_;
};

Step read_steps(Reader& reader, std::string_view text) {
  Step steps;
  for (const auto part : split(text, ',')) {
    const auto at = part.find('@');
    if (at == part.npos) reader.wrong("expected rate@from, such as 500@10s, and got " + quoted(part));
    else steps.rates.push_back({reader.duration(part.substr(at + 1)), reader.rate(part.substr(0, at))});
  }
  return steps;
}

Built<Arrivals> read_file(std::string_view text) {
  const auto hash = text.rfind('#');
  const std::string_view column = hash == text.npos ? std::string_view() : text.substr(hash + 1);
  auto recorded = read_recorded(std::string(text.substr(0, hash)), column);
  if (!recorded) return std::move(recorded).error();
  return Arrivals(std::move(*recorded));
}

}  // namespace

Built<Duration> read_duration(std::string_view text) {
  struct Unit {
    std::string_view name;
    double seconds;
  };
  constexpr Unit units[] = {{"ns", 1e-9}, {"us", 1e-6}, {"ms", 1e-3}, {"s", 1}, {"min", 60}};
  const auto digits = text.find_last_of("0123456789.") + 1;
  const auto value = number_in(text.substr(0, digits));
  for (const Unit& unit : units)
    if (value && *value >= 0 && text.substr(digits) == unit.name) return to_duration(*value * unit.seconds);
  return Problems(Code::bad_value, std::string(text.substr(0, 100)),
                  "expected a duration, such as 1.5ms (ns, us, ms, s or min), and got " + quoted(text));
}

Built<Arrivals> read_arrivals(std::string_view text) {
  const auto colon = text.find(':');
  const std::string kind(trimmed(text.substr(0, colon)));
  const std::string_view rest = colon == text.npos ? std::string_view() : text.substr(colon + 1);
  const auto parts = split(rest, ',');
  Reader reader(text);
  const auto want = [&](std::size_t least, std::size_t most, const char* form) {
    if (parts.size() >= least && parts.size() <= most && colon != text.npos) return true;
    reader.wrong(std::string("expected ") + form);
    return false;
  };
  if (kind == "poisson") {
    if (!want(1, 1, "poisson:RATE")) return reader.result(Poisson{});
    return reader.result(Poisson{reader.rate(parts[0])});
  }
  if (kind == "mmpp") {
    if (!want(4, 4, "mmpp:RATE_HI,RATE_LO,DWELL_HI,DWELL_LO")) return reader.result(Mmpp{});
    return reader.result(
        Mmpp{reader.rate(parts[0]), reader.rate(parts[1]), reader.duration(parts[2]), reader.duration(parts[3])});
  }
  if (kind == "step") {
    if (!want(1, most_times, "step:RATE@FROM,RATE@FROM,...")) return reader.result(Step{});
    return reader.result(read_steps(reader, rest));
  }
  if (kind == "closed") {
    if (!want(1, 2, "closed:CLIENTS or closed:CLIENTS,THINK")) return reader.result(Closed{});
    const unsigned clients = reader.count(parts[0]);
    return reader.result(Closed{clients, parts.size() > 1 ? reader.duration(parts[1]) : Duration{}, false});
  }
  if (kind == "csv") {
    if (!trimmed(rest).empty()) return read_file(rest);
    reader.wrong("expected csv:FILE or csv:FILE#COLUMN");
    return reader.result(Recorded{});
  }
  return Problems(Code::unknown_name, std::string(text.substr(0, 100)),
                  "there are no arrivals of the kind " + quoted(kind) +
                      nearest_hint(kind, {"poisson", "mmpp", "step", "closed", "csv"}) +
                      "; expected poisson, mmpp, step, closed or csv, then a colon");
}

// ---- files

Built<Recorded> read_recorded(const std::string& file, std::string_view column) {
  std::ifstream in(file, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  if (!in.is_open() || in.bad()) return Problems(Code::bad_file, file, "the file cannot be read");
  return parse_recorded(text, file, column);
}

Built<Recorded> parse_recorded(std::string_view text, const std::string& file, std::string_view column) {
  Recorded recorded;
  std::size_t place = 0;
  bool first = true;
  double start = 0;
  for (std::size_t line = 1; !text.empty(); ++line) {
    const auto end = text.find('\n');
    const auto fields = split(text.substr(0, end), ',');
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    if (fields.size() == 1 && fields[0].empty()) continue;
    const auto wrong = [&](const std::string& what) {
      return Problems(Code::bad_file, file + ":" + std::to_string(line), what);
    };
    if (std::exchange(first, false)) {
      const std::vector<std::string> names(fields.begin(), fields.end());
      const std::string wanted(column.empty() ? "time" : column);
      const auto found = std::find(names.begin(), names.end(), wanted);
      if (found != names.end()) place = static_cast<std::size_t>(found - names.begin());
      else if (!column.empty())
        return wrong("there is no column " + quoted(column) + nearest_hint(wanted, names) +
                     "; expected it in the first line");
      if (!number_in(fields[place])) continue;  // a line of names
    }
    const auto value = place < fields.size() ? number_in(fields[place]) : std::nullopt;
    if (!value)
      return wrong("expected a time in seconds in column " + std::to_string(place + 1) + ", and got " +
                   (place < fields.size() ? quoted(fields[place]) : "a line of " + std::to_string(fields.size())));
    if (recorded.times.empty()) start = *value;
    const Duration time = to_duration(*value - start);
    if (!recorded.times.empty() && time < recorded.times.back())
      return wrong("times must not fall: " + quoted(fields[place]) + " is before the one above it");
    if (recorded.times.size() == most_times) return wrong("expected at most 100000000 times");
    recorded.times.push_back(time);
  }
  if (recorded.times.empty()) return Problems(Code::bad_file, file, "expected times in seconds, one a line; got none");
  return recorded;
}

}  // namespace tailrace::load
