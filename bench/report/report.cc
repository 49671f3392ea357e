// Makes docs/benchmarks.md from bench/results/*.json:
//   bench_report RESULTS_DIR PAGE.md
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "report/picture.h"

namespace {

namespace fs = std::filesystem;
using svg::Json;

const char* const introduction =
    "# Benchmarks\n\n"
    "Made by `bash bench/report.sh` from `bench/results/`; do not edit. Nanoseconds belong to the machine named with "
    "them, ratios travel. How figures are taken, and how to take them again: `bench/overhead/README.md`.\n";

std::string number(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  const double x = value.get<double>();
  std::ostringstream out;
  out.setf(std::ios::fixed);
  out.precision(x == std::floor(x) ? 0 : 2);
  out << x;
  return out.str();
}

void row(std::ostream& out, const std::vector<std::string>& cells) {
  out << "|";
  for (const auto& c : cells) out << " " << c << " |";
  out << "\n";
}
void head(std::ostream& out, const std::vector<std::string>& cells) {
  row(out, cells);
  row(out, std::vector<std::string>(cells.size(), "---"));
}

bool missed(const Json& f) {
  return !f.at("limit").is_null() && f.at("value").get<double>() > f.at("limit").get<double>();
}
std::string verdict(const Json& f) {
  if (f.value("void", false)) return "void: others used the machine";
  if (f.at("limit").is_null()) return "reported";
  return missed(f) ? "**missed**" : "met";
}

void figures(std::ostream& out, const Json& list, const Json& notes) {
  head(out, {"figure", "what", "measured", "at most", "verdict"});
  for (const Json& f : list) {
    const std::string unit = " " + f.at("unit").get<std::string>();
    row(out, {"`" + f.at("name").get<std::string>() + "`", f.at("what"), number(f.at("value")) + unit,
              f.at("limit").is_null() ? "–" : number(f.at("limit")) + unit, verdict(f)});
  }
  out << "\n";
  for (const Json& f : list)
    if (missed(f) && !f.value("void", false))
      out << "`" << f.at("name").get<std::string>()
          << "` is missed: " << notes.value(f.at("name").get<std::string>(), "nobody has said why yet.") << "\n\n";
}

void table(std::ostream& out, const Json& t) {
  out << "### " << t.at("title").get<std::string>() << "\n\n";
  if (const std::string text = t.value("text", ""); !text.empty()) out << text << "\n\n";
  head(out, t.at("columns").get<std::vector<std::string>>());
  for (const Json& r : t.at("rows")) {
    std::vector<std::string> cells;
    for (const Json& cell : r) cells.push_back(number(cell));
    row(out, cells);
  }
  out << "\n";
}

// Beside the page.
std::string picture_file(const Json& picture) { return "benchmarks_" + picture.at("name").get<std::string>() + ".svg"; }

void benchmark(std::ostream& out, const Json& b, const Json& notes) {
  const Json& taken = b.at("taken");
  out << "\n## " << b.at("title").get<std::string>() << "\n\n";
  out << taken.at("date").get<std::string>() << ", commit `" << taken.at("commit").get<std::string>() << "`, "
      << taken.at("cpu").get<std::string>() << ", " << taken.at("cores").get<int>() << " cores, "
      << taken.at("compiler").get<std::string>();
  for (const auto& library : taken.at("libraries").items())
    out << ", " << library.key() << " " << library.value().get<std::string>();
  out << ".\n\n";
  figures(out, b.at("figures"), notes);
  for (const Json& p : b.value("pictures", Json::array())) {
    out << "### " << p.at("title").get<std::string>() << "\n\n" << p.at("text").get<std::string>() << "\n\n";
    out << "![" << p.at("title").get<std::string>() << "](" << picture_file(p) << ")\n\n";
  }
  for (const Json& t : b.at("tables")) table(out, t);
}

std::string page(const std::vector<Json>& benchmarks, const Json& notes) {
  std::string text = introduction;
  for (const Json& b : benchmarks) {
    std::ostringstream out;
    benchmark(out, b, notes);
    text += out.str();
    while (text.ends_with("\n\n")) text.pop_back();
  }
  return text;
}

Json read(const fs::path& file) {
  std::ifstream in(file);
  Json j = Json::parse(in, nullptr, false);
  if (j.is_discarded()) throw std::runtime_error(file.filename().string() + " is not JSON");
  return j;
}

int report(const fs::path& results, const fs::path& target) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(results))
    if (entry.path().extension() == ".json" && entry.path().filename() != "notes.json") files.push_back(entry.path());
  const auto number = [](const fs::path& file) { return std::atoi(file.filename().c_str()); };
  std::sort(files.begin(), files.end(), [&](const auto& a, const auto& b) { return number(a) < number(b); });
  if (files.empty()) throw std::runtime_error("no results in " + results.string());
  std::vector<Json> benchmarks;
  for (const auto& file : files) benchmarks.push_back(read(file));
  const Json notes = fs::exists(results / "notes.json") ? read(results / "notes.json") : Json::object();
  std::ofstream out(target);
  out << page(benchmarks, notes);
  if (!out) throw std::runtime_error("cannot write " + target.string());
  for (const Json& b : benchmarks)
    for (const Json& p : b.value("pictures", Json::array())) {
      const fs::path file = target.parent_path() / picture_file(p);
      std::ofstream picture(file);
      picture << svg::draw(p);
      if (!picture) throw std::runtime_error("cannot write " + file.string());
    }
  return 0;
}

int smoke() {
  const Json example = Json::parse(R"({"title": "T", "taken": {"date": "D", "commit": "C", "cpu": "P", "cores": 2,
    "compiler": "G", "libraries": {"L": "1"}}, "figures": [
    {"name": "good", "what": "w", "value": 1, "unit": "x", "limit": 1.5},
    {"name": "bad", "what": "w", "value": 1.75, "unit": "x", "limit": 1.5},
    {"name": "loud", "what": "w", "value": 1, "unit": "x", "limit": 2, "void": true}],
    "pictures": [{"name": "n", "title": "V", "text": "v", "x": "size", "y": "ratio",
      "lines": [{"name": "one & two", "points": [[10, 1], [1000, 3]]}, {"name": "flat", "points": [[10, 1]]}]}],
    "tables": [{"title": "U", "text": "", "columns": ["a"], "rows": [["b"]]}]})");
  const std::string text = page({example}, Json{{"bad", "because."}});
  for (const char* expected :
       {"| `good` | w | 1 x | 1.50 x | met |", "1.75 x | 1.50 x | **missed** |", "void: ", "`bad` is missed: because.",
        "### U", "| b |", "L 1.", "### V", "![V](benchmarks_n.svg)"})
    if (text.find(expected) == std::string::npos) {
      std::cerr << "bench_report: the page lacks \"" << expected << "\"\n" << text;
      return 1;
    }
  const std::string picture = svg::draw(example.at("pictures").at(0));
  for (const char* expected :
       {"<svg ", "</svg>\n", ">one &amp; two</text>", ">1000</text>", "<polyline ", ">ratio</text>"})
    if (picture.find(expected) == std::string::npos) {
      std::cerr << "bench_report: the picture lacks \"" << expected << "\"\n" << picture;
      return 1;
    }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc == 2 && std::string(argv[1]) == "--smoke") return smoke();
    if (argc == 3) return report(argv[1], argv[2]);
    std::cerr << "bench_report RESULTS_DIR PAGE.md\n";
    return 2;
  } catch (const std::exception& e) {
    std::cerr << "bench_report: " << e.what() << "\n";
    return 1;
  }
}
