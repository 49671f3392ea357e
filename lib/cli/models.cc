#include "cli/models.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "cli/files.h"
#include "tailrace/plan/json.h"
#include "tailrace/plan/models_file.h"
#include "tailrace/stages/stages.h"
#if TAILRACE_HAS_IMAGE
#include "tailrace/image/decode.h"
#endif
#if TAILRACE_HAS_OPENVINO
#include "tailrace/openvino/openvino.h"
#endif
#if TAILRACE_HAS_TORCH
#include "tailrace/exec/stream_model.h"
#include "tailrace/torch/cuda.h"
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

Built<std::shared_ptr<const Model>> open_stateful(const std::string& path, const std::string& name) {
  return open_with(path, {.batch_dim = std::nullopt, .name = name});
}

namespace {

Built<std::shared_ptr<const Model>> open_on_cuda(const std::string& path, const std::string& name,
                                                 const ColdOptions& options) {
  const auto placed = [&](const Error& e) { return Problems(e.code(), path, std::string(e.what())); };
  auto gpu = torch::cuda(options.device.index);
  if (!gpu) return placed(gpu.error());
  auto network = torch::open_on(**gpu, path, name);
  if (!network) return placed(network.error());
  auto model = stream_model(*gpu, *network, {.row = options.row, .max_rows = options.max_rows});
  if (!model) return model.error();
  return std::shared_ptr<const Model>(*std::move(model));
}

}  // namespace

namespace {

Built<std::shared_ptr<const Model>> open_torch(const std::string& path, const std::string& name,
                                               const ServeOptions& options) {
  torch::LoadOptions served;
  served.name = name;
  if (options.row) served.rows = {{DType::float32, *options.row}};
  served.threads = options.threads;
  served.batches = options.batches;
  return open_with(path, served);
}

Built<std::shared_ptr<const Model>> open_torch_cold(const std::string& path, const std::string& name,
                                                    const ColdOptions& options) {
  if (options.device != Device{}) return open_on_cuda(path, name, options);
  torch::LoadOptions cold;
  cold.name = name;
  cold.warm_up = 0;
  cold.threads = options.threads;
  return open_with(path, cold);
}

}  // namespace

std::vector<DeviceFacts> facts_of_devices(const Registry& registry) {
  std::vector<DeviceFacts> facts;
  for (const auto& name : registry.names())
    for (const auto& variant : registry.variants(name))
      for (const auto& placed : variant.elsewhere) {
        if (std::any_of(facts.begin(), facts.end(), [&](const auto& f) { return f.device == placed.device; })) continue;
        const auto gpu = torch::cuda(placed.device.index);
        if (!gpu) continue;
        if (const auto known = measure_copies(**gpu)) facts.push_back(*known);
      }
  return facts;
}
#else
bool have_torch() noexcept { return false; }

std::vector<DeviceFacts> facts_of_devices(const Registry&) { return {}; }
Built<std::shared_ptr<const Model>> open_stateful(const std::string& path, const std::string&) {
  return Problems(Code::unsupported, path, no_torch);
}

namespace {
Built<std::shared_ptr<const Model>> open_torch(const std::string& path, const std::string&, const ServeOptions&) {
  return Problems(Code::unsupported, path, no_torch);
}
Built<std::shared_ptr<const Model>> open_torch_cold(const std::string& path, const std::string&, const ColdOptions&) {
  return Problems(Code::unsupported, path, no_torch);
}
}  // namespace
#endif

#if TAILRACE_HAS_OPENVINO
bool have_openvino() noexcept { return true; }

namespace {
Built<std::shared_ptr<const Model>> open_by_openvino(const std::string& path, const openvino::LoadOptions& options) {
  auto model = openvino::open(path, options);
  if (model) return *std::move(model);
  return Problems(model.error().code(), path, std::string(model.error().what()));
}
}  // namespace

Built<std::shared_ptr<const Model>> open_onnx(const std::string& path, const std::string& name, bool batched) {
  return open_by_openvino(path, {.batched = batched, .name = name});
}

namespace {
Built<std::shared_ptr<const Model>> open_onnx(const std::string& path, const std::string& name, unsigned threads,
                                              const std::vector<std::int64_t>& batches) {
  if (threads != 1)
    return Problems(Code::unsupported, path,
                    "OpenVINO computes each call with one thread here, not " + std::to_string(threads));
  return open_by_openvino(path, {.warm_up = batches.empty() ? 0 : 3, .batches = batches, .name = name});
}
}  // namespace
#else
bool have_openvino() noexcept { return false; }

Built<std::shared_ptr<const Model>> open_onnx(const std::string& path, const std::string&, bool) {
  return Problems(Code::unsupported, path, no_openvino);
}

namespace {
Built<std::shared_ptr<const Model>> open_onnx(const std::string& path, const std::string&, unsigned,
                                              const std::vector<std::int64_t>&) {
  return Problems(Code::unsupported, path, no_openvino);
}
}  // namespace
#endif

namespace {
bool is_onnx(const std::string& path) { return std::filesystem::path(path).extension() == ".onnx"; }
}  // namespace

Built<std::shared_ptr<const Model>> open_model(const std::string& path, const std::string& name,
                                               const ServeOptions& options) {
  return is_onnx(path) ? open_onnx(path, name, options.threads, options.batches) : open_torch(path, name, options);
}

Built<std::shared_ptr<const Model>> open_cold(const std::string& path, const std::string& name,
                                              const ColdOptions& options) {
  if (!is_onnx(path)) return open_torch_cold(path, name, options);
  if (options.device != Device{})
    return Problems(Code::unsupported, path, "ONNX files run on the CPU, not on " + tailrace::name(options.device));
  return open_onnx(path, name, options.threads, {});
}

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

// The names of the models in a folder, without their endings.
std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error))
    if (const auto ending = entry.path().extension(); ending == ".pt" || ending == ".onnx")
      names.push_back(entry.path().stem().string());
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

Built<std::shared_ptr<const Model>> open_served(const std::string& path, const ModelProfile& p) {
  ServeOptions served;
  if (p.rows.size() == 1 && p.rows[0].dtype == DType::float32) served.row = &p.rows[0].shape;
  served.threads = p.threads;
  if (p.times.known()) served.batches.clear();
  for (const BatchTime& t : p.times.times) served.batches.push_back(t.rows);
  return open_model(path, p.model, served);
}

namespace {

Built<Registry> load_folder(const Graph& graph, const std::string& folder) {
  Registry registry;
  Problems problems;
  std::error_code error;
  for (const auto& name : models_of(graph)) {
    auto path = std::filesystem::path(folder) / (name + ".pt");
    if (const auto onnx = std::filesystem::path(folder) / (name + ".onnx");
        !std::filesystem::is_regular_file(path, error) && std::filesystem::is_regular_file(onnx, error))
      path = onnx;
    if (name.find_first_of("/\\") != name.npos || name.find('\0') != name.npos) {
      problems.add(Code::unknown_name, folder, "model '" + name + "' is no plain file name");
    } else if (!std::filesystem::is_regular_file(path, error)) {
      problems.add(Code::unknown_name, path.string(),
                   "there is no such file for model '" + name + "'" + nearest_hint(name, names_in(folder)));
    } else if (auto model = open_model(path.string(), name)) {
      registry.add(name, {.name = path.filename().string(), .model = *std::move(model)});
    } else {
      problems.add(model.error());
    }
  }
  if (!problems.empty()) return problems;
  return registry;
}

// What one profile says can be loaded: its network, for calls of the sizes that were measured, warm where its rows are
// known.
Built<std::shared_ptr<const Model>> open_profiled(const ModelProfile& p, const std::filesystem::path& folder) {
  const auto path = (folder / p.file).string();
  if (p.file.empty())
    return Problems(Code::bad_file, p.model, "the variant '" + p.variant + "' has no 'file' to load it from");
  return open_served(path, p);
}

// The same network on the devices that it was measured on and that are here.
std::vector<Placed> elsewhere_of(const ModelProfile& here, const std::vector<ModelProfile>& all,
                                 const std::filesystem::path& folder, Problems& problems) {
  std::vector<Placed> found;
  std::optional<Devices> devices;
  for (const auto& p : all) {
    if (p.model != here.model || p.variant != here.variant || p.device == here.device || p.rows.size() != 1) continue;
    if (!devices) devices = Devices::detect();
    if (!devices->has(p.device)) continue;
    auto model = open_cold((folder / p.file).string(), p.model,
                           {p.device, p.threads, p.rows[0], std::max(1u, p.times.largest())});
    if (model) found.push_back(placed_of(p, *std::move(model)));
    else problems.add(model.error());
  }
  return found;
}

Built<Registry> load_listed(const Graph& graph, const std::string& path) {
  const auto models = read_models_file(path);
  if (!models) return models.error();
  const auto folder = std::filesystem::path(path).parent_path();
  std::vector<std::string> known;
  for (const auto& p : models->list) known.push_back(p.model);
  Registry registry;
  Problems problems;
  for (const auto& name : models_of(graph)) {
    if (std::find(known.begin(), known.end(), name) == known.end())
      problems.add(Code::unknown_name, path, "there is no model '" + name + "' in it" + nearest_hint(name, known));
    for (const auto& p : models->list) {
      const auto better = [&](const ModelProfile& other) {
        return other.model == p.model && other.variant == p.variant && other.threads < p.threads;
      };
      if (p.model != name || p.device != Device{} || std::any_of(models->list.begin(), models->list.end(), better))
        continue;
      auto model = open_profiled(p, folder);
      if (!model) {
        problems.add(model.error());
        continue;
      }
      Variant variant = variant_of(p, *std::move(model));
      variant.elsewhere = elsewhere_of(p, models->list, folder, problems);
      registry.add(name, std::move(variant));
    }
  }
  if (!problems.empty()) return problems;
  return registry;
}

}  // namespace

Built<ModelProfiles> read_models_file(const std::string& path) {
  const auto text = read_file(path, std::size_t{16} << 20);
  if (!text) return text.error();
  auto models = read_models(*text);
  if (models) return models;
  const Problem& p = models.error().list().front();
  return Problems(p.code, path + (p.where.empty() ? "" : ":" + p.where), p.what);
}

Built<Registry> load_models(const Graph& graph, const std::string& from) {
  std::error_code error;
  if (std::filesystem::is_directory(from, error)) return load_folder(graph, from);
  if (std::filesystem::is_regular_file(from, error)) return load_listed(graph, from);
  return Problems(Code::bad_file, from,
                  "is not a folder; --models takes the folder that holds NAME.pt or NAME.onnx for every model of the "
                  "flow, or a file of models that tailrace profile wrote");
}

namespace {

// A list of models says of each what opens it; in a folder all must be ONNX files.
bool does_without_torch(const Graph& graph, const std::string& from) {
  std::error_code error;
  const auto names = models_of(graph);
  return have_openvino() &&
         (std::filesystem::is_regular_file(from, error) ||
          std::all_of(names.begin(), names.end(), [&](const auto& name) {
            return std::filesystem::is_regular_file(std::filesystem::path(from) / (name + ".onnx"), error);
          }));
}

}  // namespace

std::optional<Exit> load_models_or_complain(const Graph& graph, const std::string& from, Registry& registry) {
  if (models_of(graph).empty()) return std::nullopt;
  if (!have_torch() && !does_without_torch(graph, from)) return complain(no_torch, Exit::not_available);
  if (from.empty())
    return complain("the flow uses models: --models names the folder that holds NAME.pt or NAME.onnx for each");
  auto loaded = load_models(graph, from);
  if (!loaded) return complain(loaded.error());
  registry = *std::move(loaded);
  return std::nullopt;
}

}  // namespace tailrace::cli
