#include "cli/faces.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <limits>

#include "cli/files.h"
#include "cli/measure.h"
#include "cli/models.h"
#include "cli/networks.h"
#include "cli/progress.h"
#include "tailrace/exec/measure.h"
#include "tailrace/exec/start.h"
#if TAILRACE_HAS_IMAGE
#include "tailrace/image/encode.h"
#endif
#include "tailrace/plan/explain.h"

namespace tailrace::cli {

namespace {

using image::File;
using stages::Box;
using stages::Boxes;
using Finder = Engine<File, Boxes>;

Problems problem_of(const Error& error) {
  return Problems(error.code(), std::string(error.where()), std::string(error.what()));
}

constexpr std::string_view in_batches = "_batches";

}  // namespace

Built<Registry> load_face_models(const Graph& graph, const std::string& folder, bool openvino) {
  Registry registry;
  Problems problems;
  for (const std::string& name : models_of(graph)) {
    const bool batches = name.ends_with(in_batches);
    const std::string file =
        (batches ? name.substr(0, name.size() - in_batches.size()) : name) + (openvino ? ".onnx" : ".pt");
    const std::string path = folder + "/" + file;
    auto model = file.find_first_of("/\\") != file.npos ? Problems(Code::unknown_name, name, "is no plain file name")
                 : openvino                             ? open_onnx(path, name, !batches)
                 : batches                              ? open_stateful(path, name)
                                                        : open_model(path, name);
    if (model) registry.add(name, {.name = file, .model = *std::move(model)});
    else problems.add(model.error());
  }
  if (!problems.empty()) return problems;
  return registry;
}

// ---- running

namespace {

struct Started {
  std::string explanation;
  Finder engine;
};

Built<Started> start_flow(const FaceFlow& given, const std::vector<File>& photos, unsigned threads, double seconds) {
  if (!equal(given.graph->input_type(), type_of<File>) || !equal(given.graph->output_type(), type_of<Boxes>))
    return Problems(Code::type_mismatch, given.graph->name, "must lead from File to Boxes, as decode and suppress do");
  const Flow<File, Boxes> flow(given.graph);
  const auto profile = tailrace::measure(flow, photos, {.models = given.models, .budget = to_duration(seconds)});
  if (!profile) return profile.error();
  const auto plan = optimise(flow, {.profile = *profile, .models = given.models});
  if (!plan) return plan.error();
  auto engine = start(*plan, {.threads = threads});
  if (!engine) return engine.error();
  return Started{explain(*plan), *std::move(engine)};
}

Built<std::vector<FacesOf>> ask(Finder& engine, const std::vector<File>& photos) {
  std::vector<FacesOf> found;
  for (const File& photo : photos) {
    auto faces = engine.run(photo);
    if (!faces) return problem_of(faces.error());
    found.push_back({photo.name, *std::move(faces)});
  }
  return found;
}

void time_flows(FacesFigures& figures, std::vector<Started>& flows, const std::vector<File>& photos, double seconds) {
  std::vector<Contender> contenders;
  for (Started& flow : flows) contenders.push_back({.round = [&flow, &photos] { (void)ask(flow.engine, photos); }});
  measure(contenders, {.seconds = seconds, .least_rounds = 3});
  for (const Contender& c : contenders)
    figures.photo_ms.push_back(1e3 * median(c.round_seconds) / static_cast<double>(photos.size()));
}

}  // namespace

Built<FacesFigures> find_faces(const std::vector<FaceFlow>& flows, const std::vector<File>& photos, unsigned threads,
                               double seconds) {
  FacesFigures figures;
  std::vector<Started> started;
  for (const FaceFlow& flow : flows) {
    auto one = start_flow(flow, photos, threads, seconds);
    if (!one) return one.error();
    figures.explanation.push_back(one->explanation);
    started.push_back(*std::move(one));
    auto found = ask(started.back().engine, photos);
    if (!found) return found.error();
    if (started.size() == 1) figures.photos = *std::move(found);
    else
      for (std::size_t i = 0; i < photos.size(); ++i)
        figures.apart = std::max(figures.apart, difference((*found)[i].faces, figures.photos[i].faces));
  }
  time_flows(figures, started, photos, seconds);
  return figures;
}

// ---- recorded faces

double difference(const Boxes& got, const Boxes& expected) {
  constexpr double other = std::numeric_limits<double>::infinity();
  if (got.size() != expected.size()) return other;
  double largest = 0;
  const auto compare = [&](float a, float b) {
    const double apart = std::abs(static_cast<double>(a) - static_cast<double>(b));
    largest = apart >= 0 ? std::max(largest, apart / std::max(std::abs(static_cast<double>(b)), 1.)) : other;
  };
  for (std::size_t i = 0; i < got.size(); ++i) {
    const Box &g = got[i], &e = expected[i];
    if (g.marks.size() != e.marks.size()) return other;
    compare(g.left, e.left), compare(g.top, e.top), compare(g.right, e.right), compare(g.bottom, e.bottom);
    compare(g.score, e.score);
    for (std::size_t k = 0; k < g.marks.size(); ++k)
      compare(g.marks[k].x, e.marks[k].x), compare(g.marks[k].y, e.marks[k].y);
  }
  return largest;
}

Built<double> difference(const std::vector<FacesOf>& found, const FaceReferences& references) {
  double largest = 0;
  for (const FacesOf& photo : found) {
    const auto recorded = references.find(photo.name);
    if (recorded == references.end())
      return Problems(Code::unknown_name, photo.name, "there are no recorded faces of it");
    largest = std::max(largest, difference(photo.faces, recorded->second));
  }
  return largest;
}

// ---- text

std::string faces_text(const FacesFigures& figures) {
  std::string text = fmt::format("The plan made from {}:\n\n{}\nWhat was found\n\n", figures.flows.front(),
                                 figures.explanation.front());
  for (const FacesOf& photo : figures.photos) {
    text +=
        fmt::format("  {:<16}{} face{}\n", photo.name, photo.faces.empty() ? "no" : std::to_string(photo.faces.size()),
                    photo.faces.size() == 1 ? "" : "s");
    for (const Box& b : photo.faces)
      text += fmt::format("    {:>6.1f} % sure, {:.0f} x {:.0f} pixels at ({:.0f}, {:.0f})\n", 100 * b.score,
                          b.right - b.left, b.bottom - b.top, b.left, b.top);
  }
  text += "\n";
  for (std::size_t k = 0; k < figures.flows.size(); ++k)
    text += fmt::format("  {:.1f} ms a photograph: {}\n", figures.photo_ms[k], figures.flows[k]);
  if (figures.flows.size() > 1) text += fmt::format("  Their faces differ by {:.1e} at most.\n", figures.apart);
  if (figures.difference)
    text += fmt::format("  Faces differ from those of the Python original by {:.1e} at most, in parts of a value.\n",
                        *figures.difference);
  return text;
}

// ---- the command

namespace {

constexpr const char* how_to_export = "; python3 docs/models/export.py --only faces makes what the demo needs";

void add_pictures_of(const std::string& folder, std::vector<std::string>& paths) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) paths.push_back(entry.path().string());
}

// Fills in what was not given.
Problems prepare(FacesOptions& options) {
  if (options.flows.empty())
    options.flows = {TAILRACE_DOCS "/flows/faces.json", TAILRACE_DOCS "/flows/faces_batches.json"};
  if (options.references.empty() && options.photos.empty()) options.references = TAILRACE_DOCS "/models/faces.json";
  if (options.models.empty()) {
    auto folder = default_cache("models");
    if (!folder) return std::move(folder).error();
    options.models = *std::move(folder);
  }
  std::error_code error;
  const std::string first = options.openvino ? "pnet.onnx" : "pnet.pt";
  if (!std::filesystem::exists(options.models + "/" + first, error))
    return Problems(Code::bad_file, options.models, "holds no " + first + how_to_export);
  if (!options.photos.empty()) return {};
  add_pictures_of(options.models + "/photos", options.photos);
  add_pictures_of(options.models + "/faces", options.photos);
  std::sort(options.photos.begin(), options.photos.end());
  if (!options.photos.empty()) return {};
  return Problems(Code::bad_file, options.models + "/photos", std::string("holds no photographs") + how_to_export);
}

Built<std::vector<FaceFlow>> read_flows(const FacesOptions& options) {
  const Catalog catalog = make_catalog();
  std::vector<FaceFlow> flows;
  for (const auto& path : options.flows) {
    auto graph = read_flow_file(path, catalog);
    if (!graph) return graph.error();
    auto models = load_face_models(**graph, options.models, options.openvino);
    if (!models) return models.error();
    flows.push_back({*std::move(graph), *std::move(models)});
  }
  return flows;
}

Problems compare_with(const std::string& path, FacesFigures& figures) {
  const auto text = read_file(path, std::size_t{16} << 20);
  if (!text) return text.error();
  const auto references = parse_face_references(*text);
  if (!references) {
    const Problem& p = references.error().list().front();
    return Problems(p.code, path + (p.where.empty() ? "" : ":" + p.where), p.what);
  }
  const auto apart = difference(figures.photos, *references);
  if (!apart) return apart.error();
  figures.difference = *apart;
  return {};
}

#if TAILRACE_HAS_IMAGE
// Writes NAME_faces.png for each photograph.
Problems draw(const std::string& folder, const std::vector<File>& photos, const FacesFigures& figures) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  for (std::size_t i = 0; i < photos.size(); ++i) {
    const auto picture = image::decode(photos[i]);
    if (!picture) return problem_of(picture.error());
    const auto drawn = stages::DrawBoxes{}(*picture, figures.photos[i].faces);
    if (!drawn) return problem_of(drawn.error());
    const auto file = image::encode_png(*drawn);
    if (!file) return problem_of(file.error());
    const auto name = std::filesystem::path(photos[i].name).stem().string() + "_faces.png";
    const auto written = write_file((std::filesystem::path(folder) / name).string(), file->bytes);
    if (!written) return written.error();
  }
  return {};
}
#else
Problems draw(const std::string&, const std::vector<File>&, const FacesFigures&) { return {}; }
#endif

Built<FacesFigures> run_faces(const FacesOptions& options) {
  const auto photos = read_photos(options.photos);
  if (!photos) return photos.error();
  const auto flows = read_flows(options);
  if (!flows) return flows.error();
  const unsigned threads = options.threads ? options.threads : usable_processors();
  Built<FacesFigures> figures = [&] {
    const Progress progress(fmt::format("looking at {} photographs", photos->size()));
    return find_faces(*flows, *photos, threads, 2);
  }();
  if (!figures) return figures;
  figures->flows = options.flows;
  if (!options.out.empty())
    if (auto problems = draw(options.out, *photos, *figures); !problems.empty()) return problems;
  if (!options.references.empty())
    if (auto problems = compare_with(options.references, *figures); !problems.empty()) return problems;
  return figures;
}

}  // namespace

Exit demo_faces(const FacesOptions& given) {
  if (given.openvino && !have_openvino()) return complain(no_openvino, Exit::not_available);
  if (!given.openvino && !have_torch()) return complain(no_torch, Exit::not_available);
  if (!have_images()) return complain(no_images, Exit::not_available);
  FacesOptions options = given;
  if (const auto problems = prepare(options); !problems.empty()) return complain(problems);
  const auto figures = run_faces(options);
  if (!figures) return complain(figures.error());
  std::fputs((given.json ? faces_json(*figures) : faces_text(*figures)).c_str(), stdout);
  if (std::fflush(stdout) != 0) return complain("standard output cannot be written");
  if (!(figures->apart <= most_difference)) return complain("the flows found different faces", Exit::some_failed);
  if (figures->difference.value_or(0) <= most_difference) return Exit::fine;
  return complain(options.references + ": these faces are not the recorded ones", Exit::some_failed);
}

}  // namespace tailrace::cli
