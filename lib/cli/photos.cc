#include "cli/photos.h"

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
#include "tailrace/plan/explain.h"

namespace tailrace::cli {

namespace {

using image::File;
using stages::Ranking;
using Classify = Engine<File, Ranking>;

Problems problem_of(const Error& error) {
  return Problems(error.code(), std::string(error.where()), std::string(error.what()));
}

// The number of the only cascade among a flow's stages; -1 where there is none, or a second one.
int find_cascade(const Graph& graph) {
  int found = -1;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (graph.nodes[i].kind != Kind::cascade) continue;
    if (found != -1) return -1;
    found = static_cast<int>(i);
  }
  return found;
}

// Adds the stages of an arm that reads node `input`; gives the number of the arm's last one.
int splice(Graph& graph, const Graph& arm, int input, const std::string& prefix) {
  std::vector<int> moved{input};
  for (std::size_t i = 1; i < arm.nodes.size(); ++i) {
    Node node = arm.nodes[i];
    for (int& in : node.inputs) in = moved[static_cast<std::size_t>(in)];
    node.name = path_of(prefix, node);
    graph.nodes.push_back(std::move(node));
    moved.push_back(static_cast<int>(graph.nodes.size()) - 1);
  }
  return moved[static_cast<std::size_t>(arm.output)];
}

}  // namespace

Built<Graph> only_rung(const Graph& graph, std::size_t rung) {
  const int cascade = find_cascade(graph);
  if (cascade == -1) return Problems(Code::invalid_flow, graph.name, "has not exactly one cascade");
  Graph alone;
  alone.name = graph.name;
  std::vector<int> moved;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    Node node = graph.nodes[i];
    for (int& in : node.inputs) in = moved[static_cast<std::size_t>(in)];
    if (static_cast<int>(i) == cascade) {
      moved.push_back(splice(alone, *node.arms.at(rung).graph, node.inputs.front(), node.name));
      continue;
    }
    alone.nodes.push_back(std::move(node));
    moved.push_back(static_cast<int>(alone.nodes.size()) - 1);
  }
  alone.output = moved[static_cast<std::size_t>(graph.output)];
  return alone;
}

namespace {

Built<Classify> start_flow(std::shared_ptr<const Graph> graph, const Registry& models, unsigned threads) {
  const auto plan = optimise(Flow<File, Ranking>(std::move(graph)), {.models = models});
  if (!plan) return plan.error();
  return start(*plan, {.threads = threads});
}

// The cascade, and each of its rungs alone.
struct Engines {
  std::vector<Classify> alone;
  std::optional<Classify> cascade;
};

Built<PhotoFigures> ask_rungs(std::vector<Classify>& rungs, const File& photo) {
  PhotoFigures figures{photo.name, {}, -1};
  for (auto& engine : rungs) {
    auto said = engine.run(photo);
    if (!said) return problem_of(said.error());
    figures.rungs.push_back(*std::move(said));
  }
  return figures;
}

// Its answer must be what one of the networks says alone.
Problems ask_cascade(Classify& cascade, const File& photo, PhotoFigures& figures) {
  const auto answer = cascade.run(photo);
  if (!answer) return problem_of(answer.error());
  figures.rung = answer.rung;
  if (answer.rung >= 0 && *answer == figures.rungs.at(static_cast<std::size_t>(answer.rung))) return {};
  return Problems(Code::internal_error, photo.name,
                  fmt::format("the cascade's answer, by rung {}, is not what that network says alone", answer.rung));
}

double in_ms(const Profile& profile, std::string_view where) {
  const Cost* cost = profile.find(where);
  return cost ? 1e3 * cost->time.expected() : 0;
}

void put_costs(PhotosFigures& figures, const Graph& graph, const Profile& profile) {
  const auto at = static_cast<std::size_t>(find_cascade(graph));
  const Node& cascade = graph.nodes[at];
  for (std::size_t i = 1; i < at; ++i) figures.decode_ms += in_ms(profile, graph.nodes[i].name);
  const auto all = static_cast<double>(figures.photos.size());
  for (std::size_t k = 0; k < cascade.arms.size(); ++k) {
    const auto models = models_of(*cascade.arms[k].graph);
    const auto reached = std::count_if(figures.photos.begin(), figures.photos.end(),
                                       [&](const PhotoFigures& p) { return p.rung >= static_cast<int>(k); });
    figures.rungs.push_back({models.empty() ? fmt::format("rung {}", k) : models.front(),
                             in_ms(profile, arm_path(cascade.name, k)), static_cast<double>(reached) / all});
  }
}

void time_requests(PhotosFigures& figures, Engines& engines, const std::vector<File>& photos, double seconds) {
  std::vector<Contender> contenders;
  for (Classify* engine : {&*engines.cascade, &engines.alone.back()})
    contenders.push_back({.round = [engine, &photos] {
      for (const File& photo : photos) (void)engine->run(photo);
    }});
  measure(contenders, {.seconds = seconds, .least_rounds = 3});
  const auto ms = [&](const Contender& c) {
    return 1e3 * median(c.round_seconds) / static_cast<double>(photos.size());
  };
  figures.cascade_ms = ms(contenders[0]);
  figures.last_ms = ms(contenders[1]);
}

}  // namespace

Built<PhotosFigures> look_at(const std::shared_ptr<const Graph>& graph, const Registry& models,
                             const std::vector<File>& photos, unsigned threads, double seconds) {
  if (!equal(graph->input_type(), type_of<File>) || !equal(graph->output_type(), type_of<Ranking>))
    return Problems(Code::type_mismatch, graph->name, "must lead from File to Ranking, as decode and top do");
  Engines engines;
  const int cascade = find_cascade(*graph);
  const std::size_t rungs = cascade == -1 ? 1 : graph->at(cascade).arms.size();
  for (std::size_t k = 0; k < rungs; ++k) {
    auto alone = only_rung(*graph, k);
    if (!alone) return alone.error();
    auto engine = start_flow(std::make_shared<const Graph>(*std::move(alone)), models, threads);
    if (!engine) return engine.error();
    engines.alone.push_back(*std::move(engine));
  }
  PhotosFigures figures;
  for (const File& photo : photos) {
    auto said = ask_rungs(engines.alone, photo);
    if (!said) return said.error();
    figures.photos.push_back(*std::move(said));
  }
  const Flow<File, Ranking> flow(graph);
  const auto profile = tailrace::measure(flow, photos, {.models = models, .budget = to_duration(seconds)});
  if (!profile) return profile.error();
  const auto plan = optimise(flow, {.profile = *profile, .models = models});
  if (!plan) return plan.error();
  auto engine = start(*plan, {.threads = threads});
  if (!engine) return engine.error();
  engines.cascade.emplace(*std::move(engine));

  figures.explanation = explain(*plan);
  for (std::size_t i = 0; i < photos.size(); ++i)
    if (auto problems = ask_cascade(*engines.cascade, photos[i], figures.photos[i]); !problems.empty()) return problems;
  put_costs(figures, *graph, *profile);
  time_requests(figures, engines, photos, seconds);
  return figures;
}

// ---- recorded answers

double difference(const Ranking& got, const Ranking& expected) {
  constexpr double other = std::numeric_limits<double>::infinity();
  if (got.size() != expected.size()) return other;
  double largest = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (got[i].index != expected[i].index || got[i].label != expected[i].label) return other;
    largest = std::max(largest, std::abs(got[i].score - expected[i].score));
  }
  return largest;
}

Built<double> difference(const PhotosFigures& figures, const References& references) {
  double largest = 0;
  for (const auto& photo : figures.photos) {
    const auto recorded = references.find(photo.name);
    for (std::size_t k = 0; k < photo.rungs.size(); ++k) {
      const std::string& model = figures.rungs[k].model;
      if (recorded == references.end() || !recorded->second.contains(model))
        return Problems(Code::unknown_name, photo.name, "there is no recorded answer of " + model);
      largest = std::max(largest, difference(photo.rungs[k], recorded->second.at(model)));
    }
  }
  return largest;
}

// ---- the command

namespace {

constexpr const char* how_to_export = "; python3 docs/models/export.py makes what the demo needs";

// Fills in what was not given.
Problems prepare(PhotosOptions& options) {
  if (options.flow.empty()) options.flow = TAILRACE_DOCS "/flows/photos.json";
  if (options.references.empty() && options.photos.empty()) options.references = TAILRACE_DOCS "/models/photos.json";
  if (options.models.empty()) {
    auto folder = default_cache("models");
    if (!folder) return std::move(folder).error();
    options.models = *std::move(folder);
  }
  std::error_code error;
  if (!std::filesystem::is_directory(options.models, error))
    return Problems(Code::bad_file, options.models, std::string("is not a folder") + how_to_export);
  if (!options.photos.empty()) return {};
  for (const auto& entry : std::filesystem::directory_iterator(options.models + "/photos", error))
    options.photos.push_back(entry.path().string());
  std::sort(options.photos.begin(), options.photos.end());
  if (!options.photos.empty()) return {};
  return Problems(Code::bad_file, options.models + "/photos", std::string("holds no photographs") + how_to_export);
}

Built<References> read_references(const std::string& path) {
  const auto text = read_file(path, std::size_t{16} << 20);
  if (!text) return text.error();
  auto references = parse_references(*text);
  if (references) return references;
  const Problem& p = references.error().list().front();
  return Problems(p.code, path + (p.where.empty() ? "" : ":" + p.where), p.what);
}

Built<PhotosFigures> run_photos(const PhotosOptions& options) {
  const auto photos = read_photos(options.photos);
  if (!photos) return photos.error();
  const auto graph = read_flow_file(options.flow, make_catalog());
  if (!graph) return graph.error();
  const auto models = load_models(**graph, options.models);
  if (!models) return models.error();
  const unsigned threads = options.threads ? options.threads : usable_processors();
  Built<PhotosFigures> figures = [&] {
    const Progress progress(fmt::format("looking at {} photographs", photos->size()));
    return look_at(*graph, *models, *photos, threads, 2);
  }();
  if (!figures) return figures;
  figures->flow = options.flow;
  if (options.references.empty()) return figures;
  const auto references = read_references(options.references);
  if (!references) return references.error();
  const auto apart = difference(*figures, *references);
  if (!apart) return apart.error();
  figures->difference = *apart;
  return figures;
}

}  // namespace

Exit demo_photos(const PhotosOptions& given) {
  if (!have_torch()) return complain(no_torch, Exit::not_available);
  if (!have_images()) return complain(no_images, Exit::not_available);
  PhotosOptions options = given;
  if (const auto problems = prepare(options); !problems.empty()) return complain(problems);
  const auto figures = run_photos(options);
  if (!figures)
    return complain(figures.error(),
                    figures.error().code() == Code::internal_error ? Exit::some_failed : Exit::bad_input);
  std::fputs((given.json ? photos_json(*figures) : photos_text(*figures)).c_str(), stdout);
  if (std::fflush(stdout) != 0) return complain("standard output cannot be written");
  if (figures->difference.value_or(0) <= most_difference) return Exit::fine;
  return complain(options.references + ": these answers are not the recorded ones", Exit::some_failed);
}

}  // namespace tailrace::cli
