#include "support/results.h"

#include <gnu/libc-version.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <thread>

#if TAILRACE_HAS_TBB
#include <oneapi/tbb/version.h>
#endif

namespace bench {
namespace {

using Json = nlohmann::ordered_json;

std::string cpu_model() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.rfind("model name", 0) == 0) return line.substr(line.find(':') + 2);
  return "unknown";
}
std::string commit() {
  if (const char* given = std::getenv("TAILRACE_COMMIT")) return given;
  std::array<char, 128> line{};
  if (FILE* git = popen("git describe --always --dirty 2>/dev/null", "r")) {
    if (!std::fgets(line.data(), line.size(), git)) line[0] = 0;
    pclose(git);
  }
  std::string name = line.data();
  while (!name.empty() && name.back() == '\n') name.pop_back();
  return name.empty() ? "unknown" : name;
}
std::string today() {
  std::array<char, 32> out{};
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  std::strftime(out.data(), out.size(), "%Y-%m-%d", gmtime_r(&now, &utc));
  return out.data();
}
std::string compiler() {
#if defined(__clang__)
  return "clang " __clang_version__;
#else
  return "g++ " __VERSION__;
#endif
}

Json taken() {
  Json libraries = {{"glibc", gnu_get_libc_version()}};
#if TAILRACE_HAS_TBB
  libraries["oneTBB"] = TBB_VERSION_STRING;
#endif
  return {{"date", today()},
          {"commit", commit()},
          {"tailrace", TAILRACE_VERSION},
          {"cpu", cpu_model()},
          {"cores", std::thread::hardware_concurrency()},
          {"compiler", compiler()},
          {"libraries", libraries}};
}

Json as_json(const Figure& f) {
  Json j = {{"name", f.name}, {"what", f.what}, {"value", f.value}, {"unit", f.unit}};
  j["limit"] = f.limit ? Json(*f.limit) : Json(nullptr);
  if (f.is_void) j["void"] = true;
  return j;
}
Json as_json(const Table& t) {
  return {{"title", t.title}, {"text", t.text}, {"columns", t.columns}, {"rows", t.rows}};
}
Json as_json(const Picture& p) {
  Json lines = Json::array();
  for (const auto& line : p.lines) lines.push_back({{"name", line.name}, {"points", line.points}});
  return {{"name", p.name}, {"title", p.title}, {"text", p.text},       {"x", p.x},
          {"y", p.y},       {"lines", lines},   {"highest", p.highest}, {"lowest", p.lowest}};
}
template <class List>
Json all(const List& list) {
  Json j = Json::array();
  for (const auto& x : list) j.push_back(as_json(x));
  return j;
}

void print(const Table& t) {
  std::vector<std::size_t> width;
  for (std::size_t c = 0; c < t.columns.size(); ++c) {
    width.push_back(t.columns[c].size());
    for (const auto& row : t.rows) width[c] = std::max(width[c], row[c].size());
  }
  const auto line = [&](const std::vector<std::string>& cells) {
    for (std::size_t c = 0; c < cells.size(); ++c) {
      const std::string gap(width[c] - cells[c].size(), ' ');
      std::cout << (c ? gap + cells[c] : cells[c] + gap) << (c + 1 < cells.size() ? "  " : "\n");
    }
  };
  std::cout << "\n" << t.title << "\n";
  line(t.columns);
  for (const auto& row : t.rows) line(row);
}

}  // namespace

std::string text(double value, int digits) {
  std::array<char, 64> out{};
  std::snprintf(out.data(), out.size(), "%.*f", digits, value);
  return out.data();
}

void write(const Results& r, const std::string& file) {
  std::ofstream out(file);
  Json j = {{"benchmark", r.benchmark},
            {"title", r.title},
            {"taken", taken()},
            {"figures", all(r.figures)},
            {"tables", all(r.tables)}};
  if (!r.pictures.empty()) j["pictures"] = all(r.pictures);
  out << j.dump(1) << "\n";
  if (!out) throw std::runtime_error("cannot write " + file);
}

void print(const Results& r) {
  for (const Table& t : r.tables) print(t);
  Table summary{"figures", "", {"figure", "value", "limit", ""}, {}};
  for (const Figure& f : r.figures) {
    const std::string verdict = !f.limit ? "" : f.value <= *f.limit ? "met" : "missed";
    summary.rows.push_back({f.name, text(f.value) + " " + f.unit, f.limit ? text(*f.limit) : "-",
                            verdict + (f.is_void ? " (void: others were at work)" : "")});
  }
  print(summary);
}

}  // namespace bench
