#include "rules.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <sstream>

namespace structure {
namespace {

constexpr int longest_file = 500, longest_public_header = 300, longest_function = 60;

// Layers: each folder with the folders it may include, itself among them.
using Layers = std::map<std::string, std::set<std::string>>;

bool starts_with(const std::string& text, const std::string& prefix) { return text.rfind(prefix, 0) == 0; }
bool ends_with(const std::string& text, const std::string& suffix) {
  return text.size() >= suffix.size() && text.compare(text.size() - suffix.size(), suffix.size(), suffix) == 0;
}
std::string first_part(const std::string& path) { return path.substr(0, path.find('/')); }
std::string file_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

Layers read_layers(const std::string& text, std::vector<std::string>& problems) {
  Layers layers;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream words(line);
    std::string folder;
    std::getline(words, folder, ':');
    std::set<std::string> allowed;
    for (std::string word; words >> word;) {
      if (layers.count(word) == 0)
        problems.push_back("layers.txt: " + folder + " names " + word + ", which is not above it");
      allowed.insert(word);
    }
    allowed.insert(folder);
    layers[folder] = allowed;
  }
  return layers;
}

// Where a file stands, and what it includes on one line.
struct Place {
  std::string path;
  std::string folder;  // the layer; empty for a file that is in none
  bool is_public = false;
};
struct Include {
  std::string target;
  bool quoted = false;
};

Place place_of(const std::string& path) {
  Place place;
  place.path = path;
  place.is_public = starts_with(path, "include/tailrace/");
  const auto inside =
      path.substr(place.is_public ? std::string("include/tailrace/").size() : std::string("lib/").size());
  if (inside.find('/') != std::string::npos) place.folder = first_part(inside);
  return place;
}

bool is_json_file(const std::string& path) {
  const auto name = file_name(path);
  return starts_with(name, "json.") || starts_with(name, "json_") ||
         (starts_with(path, "lib/cli/") && name.find("json") != std::string::npos);
}

// Where each library of others may be included. Empty: it is none of those we fence.
std::string heavy_problem(const Place& place, const std::string& library) {
  static const std::set<std::string> tbb = {"oneapi", "tbb"}, torch = {"torch", "ATen", "c10", "caffe2"},
                                     images = {"turbojpeg.h", "png.h", "jpeglib.h"},
                                     stores = {"lmdb", "lmdb.h", "hiredis", "hiredis.h"};
  const auto only = [&](bool allowed, const char* where) {
    return allowed ? std::string() : library + " may be included only in " + where;
  };
  if (tbb.count(library) != 0)
    return only(place.is_public ? place.path == "include/tailrace/exec/tbb.h" : place.folder == "exec",
                "lib/exec and include/tailrace/exec/tbb.h");
  if (torch.count(library) != 0)
    return only(!place.is_public && (place.folder == "torch" || place.path == "lib/cli/train.cc"),
                "lib/torch and lib/cli/train.cc");
  if (library == "openvino") return only(!place.is_public && place.folder == "openvino", "lib/openvino");
  if (library == "nlohmann") return only(!place.is_public && is_json_file(place.path), "json.cc and json_*.cc in lib");
  if (library == "CLI") return only(!place.is_public && place.folder == "cli", "lib/cli");
  if (library == "fmt") return only(!place.is_public, "lib");
  if (images.count(library) != 0) return only(!place.is_public && place.folder == "image", "lib/image");
  if (stores.count(library) != 0) return only(!place.is_public && place.folder == "store", "lib/store");
  return {};
}

std::string public_header_problem(const Place& place, const std::string& target, const Layers& layers) {
  const bool umbrella = place.path == "include/tailrace/tailrace.h";
  if (target == "tailrace/tailrace.h")
    return place.folder == "cli" ? "" : "the umbrella header is for users; include what is used";
  if (target == "tailrace/exec/tbb.h" && (place.is_public || (place.folder != "exec" && place.folder != "cli")))
    return "tailrace/exec/tbb.h includes oneTBB and may be included only in lib/exec and lib/cli";
  const auto folder = first_part(target.substr(std::string("tailrace/").size()));
  if (umbrella)
    return folder == "torch" || folder == "image" || folder == "openvino" || folder == "store"
               ? "the umbrella header may not include the leaf " + folder
               : "";
  return layers.at(place.folder).count(folder) != 0 ? "" : place.folder + " may not include " + folder;
}

// `own` is the set of paths of the tree.
std::string include_problem(const Place& place, const Include& include, const Layers& layers,
                            const std::set<std::string>& own) {
  const auto& target = include.target;
  const auto first = first_part(target);
  if (starts_with(target, ".") || target.find("/../") != std::string::npos)
    return "relative include of " + target + "; name it from include/ or lib/";
  if (first == "tailrace") return public_header_problem(place, target, layers);
  const bool ours = include.quoted && own.count("lib/" + target) != 0;
  if (!ours) {
    if (const auto problem = heavy_problem(place, first); !problem.empty()) return problem;
  }
  if (include.quoted && target.find('/') == std::string::npos)
    return "relative include of " + target + "; name it from include/ or lib/";
  if (!ours && layers.count(first) == 0) return {};
  if (!ours && !include.quoted && (first == "torch" || own.count("lib/" + target) == 0)) return {};
  if (place.is_public) return "a public header may not include the private header " + target;
  return first == place.folder ? "" : "private header of another folder: " + target;
}

void check_includes(const SourceFile& file, const Layers& layers, const std::set<std::string>& own,
                    std::vector<std::string>& problems) {
  static const std::regex include(R"re(^\s*#\s*include\s*([<"])([^>"]+)[>"])re");
  const Place place = place_of(file.path);
  if (file.path != "include/tailrace/tailrace.h" && layers.count(place.folder) == 0) {
    problems.push_back(file.path + ": its folder is not in layers.txt");
    return;
  }
  std::istringstream lines(file.text);
  int number = 0;
  std::smatch found;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (!std::regex_search(line, found, include)) continue;
    const auto problem = include_problem(place, {found[2].str(), found[1] == "\""}, layers, own);
    if (!problem.empty()) problems.push_back(file.path + ":" + std::to_string(number) + ": " + problem);
  }
}

void check_lengths(const SourceFile& file, bool functions, std::vector<std::string>& problems) {
  const auto lines = std::count(file.text.begin(), file.text.end(), '\n');
  const bool public_header = starts_with(file.path, "include/");
  const int most = public_header ? longest_public_header : longest_file;
  if (lines > most)
    problems.push_back(file.path + ": " + std::to_string(lines) + " lines, " + std::to_string(most) +
                       " at most; split it by meaning");
  if (!functions) return;
  for (const auto& function : functions_in(file.text)) {
    if (function.lines > longest_function)
      problems.push_back(file.path + ":" + std::to_string(function.first_line) + ": function " + function.name +
                         " has " + std::to_string(function.lines) + " lines, " + std::to_string(longest_function) +
                         " at most");
  }
}

}  // namespace

std::vector<SourceFile> read_tree(const std::string& root) {
  namespace fs = std::filesystem;
  static const std::set<std::string> kinds = {".h", ".cc", ".sh", ".cmake", ".txt"};
  std::vector<SourceFile> files;
  for (const char* top : {"include", "lib", "tests", "docs", "bench"}) {
    if (!fs::exists(fs::path(root) / top)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(fs::path(root) / top)) {
      const auto& path = entry.path();
      if (!entry.is_regular_file() || kinds.count(path.extension().string()) == 0) continue;
      if (path.extension() == ".txt" && path.filename() != "CMakeLists.txt") continue;
      std::ifstream in(path, std::ios::binary);
      files.push_back({fs::relative(path, root).generic_string(), std::string(std::istreambuf_iterator<char>(in), {})});
    }
  }
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
  return files;
}

std::vector<std::string> check_tree(const std::vector<SourceFile>& files, const std::string& layers_text) {
  std::vector<std::string> problems;
  const Layers layers = read_layers(layers_text, problems);
  std::set<std::string> own;
  for (const auto& file : files) own.insert(file.path);
  for (const auto& file : files) {
    const bool header = ends_with(file.path, ".h"), source = ends_with(file.path, ".cc");
    const bool library = starts_with(file.path, "include/") || starts_with(file.path, "lib/");
    check_lengths(file, library && (header || source), problems);
    if (library && (header || source)) check_includes(file, layers, own, problems);
    if (header && file.text.find("#pragma once\n") == std::string::npos)
      problems.push_back(file.path + ": a header needs #pragma once");
  }
  return problems;
}

}  // namespace structure
