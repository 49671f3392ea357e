#include "cli/models.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "cli/files.h"
#include "tailrace/plan/json.h"
#include "tailrace/stages/stages.h"
#if TAILRACE_HAS_IMAGE
#include "tailrace/image/decode.h"
#endif
#if TAILRACE_HAS_OPENVINO
#include "tailrace/openvino/openvino.h"
#endif
#if TAILRACE_HAS_TORCH
#include "tailrace/torch/torch.h"
#endif

namespace tailrace::cli {

#if TAILRACE_HAS_IMAGE
bool have_images() noexcept { return true; }
#else
bool have_images() noexcept { return false; }
#endif

#if TAILRACE_HAS_TORCH
bool have_torch() noexcept { return true; }

namespace {

Built<std::shared_ptr<const Model>> open_with(const std::string& path, const torch::LoadOptions& options) {
  auto model = torch::open(path, options);
  if (model) return *std::move(model);
  return Problems(model.error().code(), path, std::string(model.error().what()));
}

}  // namespace

Built<std::shared_ptr<const Model>> open_model(const std::string& path, const std::string& name, const Shape* row) {
  torch::LoadOptions options;
  options.name = name;
  if (row) options.rows = {{DType::float32, *row}};
  return open_with(path, options);
}

Built<std::shared_ptr<const Model>> open_stateful(const std::string& path, const std::string& name) {
  return open_with(path, {.batch_dim = std::nullopt, .name = name});
}
#else
bool have_torch() noexcept { return false; }

Built<std::shared_ptr<const Model>> open_model(const std::string& path, const std::string&, const Shape*) {
  return Problems(Code::unsupported, path, no_torch);
}
Built<std::shared_ptr<const Model>> open_stateful(const std::string& path, const std::string&) {
  return Problems(Code::unsupported, path, no_torch);
}
#endif

#if TAILRACE_HAS_OPENVINO
bool have_openvino() noexcept { return true; }

Built<std::shared_ptr<const Model>> open_onnx(const std::string& path, const std::string& name, bool batched) {
  auto model = openvino::open(path, {.batched = batched, .name = name});
  if (model) return *std::move(model);
  return Problems(model.error().code(), path, std::string(model.error().what()));
}
#else
bool have_openvino() noexcept { return false; }

Built<std::shared_ptr<const Model>> open_onnx(const std::string& path, const std::string&, bool) {
  return Problems(Code::unsupported, path, no_openvino);
}
#endif

namespace {

// "imagenet" is docs/data/imagenet.txt, one label a line.
Built<std::shared_ptr<const stages::Labels>> labels_of(const std::string& name) {
  if (name != "imagenet")
    return Problems(Code::unknown_name, "top",
                    "there are no labels named '" + name.substr(0, 60) + "'" + nearest_hint(name, {"imagenet"}));
  const auto text = read_file(TAILRACE_DOCS "/data/imagenet.txt", std::size_t{1} << 20);
  if (!text) return text.error();
  auto labels = std::make_shared<stages::Labels>();
  std::istringstream lines(*text);
  for (std::string line; std::getline(lines, line);) labels->push_back(line);
  return std::shared_ptr<const stages::Labels>(std::move(labels));
}

}  // namespace

Catalog make_catalog() {
  Catalog catalog;
  add_stages(catalog, labels_of);
#if TAILRACE_HAS_IMAGE
  add_image_stages(catalog);
#endif
  catalog.default_model<Tensor, Tensor>();
  return catalog;
}

Built<std::shared_ptr<const Graph>> read_flow_file(const std::string& path, const Catalog& catalog) {
  const auto text = read_file(path, std::size_t{16} << 20);
  if (!text) return text.error();
  auto graph = read_graph(*text, catalog);
  if (graph) return graph;
  Problems placed;
  for (const auto& p : graph.error().list()) placed.add(p.code, path + (p.where.empty() ? "" : ":" + p.where), p.what);
  return placed;
}

Built<Profile> read_profile_file(const std::string& path) {
  if (path.empty()) return Profile{};
  const auto text = read_file(path, std::size_t{16} << 20);
  if (!text) return text.error();
  auto profile = read_profile(*text);
  if (profile) return profile;
  const Problem& p = profile.error().list().front();
  return Problems(p.code, path + (p.where.empty() ? "" : ":" + p.where), p.what);
}

namespace {

void collect_models(const Graph& graph, std::vector<std::string>& names) {
  for (const auto& node : graph.nodes) {
    const auto& name = node.stage.model.name;
    if (!name.empty() && std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    for (const auto& arm : node.arms) collect_models(*arm.graph, names);
  }
}

// The names of the .pt files in a folder, without their ending.
std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error))
    if (entry.path().extension() == ".pt") names.push_back(entry.path().stem().string());
  return names;
}

}  // namespace

std::optional<Exit> read_flow_and_rows(const std::string& flow, const std::string& input, std::size_t columns,
                                       const Catalog& catalog, std::shared_ptr<const Graph>& graph, Rows& rows) {
  auto read = read_flow_file(flow, catalog);
  if (!read) return complain(read.error());
  graph = *std::move(read);
  if (const Type& in = graph->input_type(); !equal(in, type_of<Tensor>))
    return complain(flow + ": takes " + catalog.type_name(in) + "; a row is a Tensor");
  auto from_file = read_rows(input);
  if (!from_file) return complain(from_file.error());
  rows = *std::move(from_file);
  const auto width = static_cast<std::size_t>(rows.shape.elements());
  if (columns > width)
    return complain(fmt::format("--columns {} asks for more numbers than rows have: {}", columns, width));
  return std::nullopt;
}

std::vector<std::string> models_of(const Graph& graph) {
  std::vector<std::string> names;
  collect_models(graph, names);
  return names;
}

Built<Registry> load_models(const Graph& graph, const std::string& folder) {
  Registry registry;
  Problems problems;
  std::error_code error;
  if (!std::filesystem::is_directory(folder, error))
    return Problems(Code::bad_file, folder,
                    "is not a folder; --models takes the folder that holds NAME.pt for every model of the flow");
  for (const auto& name : models_of(graph)) {
    const auto path = std::filesystem::path(folder) / (name + ".pt");
    if (name.find_first_of("/\\") != name.npos || name.find('\0') != name.npos) {
      problems.add(Code::unknown_name, folder, "model '" + name + "' is no plain file name");
    } else if (!std::filesystem::is_regular_file(path, error)) {
      problems.add(Code::unknown_name, path.string(),
                   "there is no such file for model '" + name + "'" + nearest_hint(name, names_in(folder)));
    } else if (auto model = open_model(path.string(), name, nullptr)) {
      registry.add(name, {.name = name + ".pt", .model = *std::move(model)});
    } else {
      problems.add(model.error());
    }
  }
  if (!problems.empty()) return problems;
  return registry;
}

std::optional<Exit> load_models_or_complain(const Graph& graph, const std::string& folder, Registry& registry) {
  if (models_of(graph).empty()) return std::nullopt;
  if (!have_torch()) return complain(no_torch, Exit::not_available);
  if (folder.empty()) return complain("the flow uses models: --models names the folder that holds NAME.pt for each");
  auto loaded = load_models(graph, folder);
  if (!loaded) return complain(loaded.error());
  registry = *std::move(loaded);
  return std::nullopt;
}

}  // namespace tailrace::cli
