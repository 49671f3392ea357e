#include "cli/cascade.h"

#include "cli/files.h"
#include "cli/models.h"
#include "tailrace/plan/json.h"
#include "tailrace/stages/arg_max.h"
#include "tailrace/stages/margin.h"
#include "tailrace/stages/scale.h"

namespace tailrace::cli {

namespace {

constexpr stages::Scale to_unit{.by = 0.0625, .offset = 0};

ModelStage<Tensor, Tensor> stage_of(std::shared_ptr<const Model> model) {
  return {{.name = "digits", .need = {}, .variant = {}, .model = std::move(model)}, row_conversion<Tensor, Tensor>()};
}

Result<Tensor> scores_of(const ModelStage<Tensor, Tensor>& network, const Tensor& image) {
  const Result<Tensor> pixels = to_unit(image);
  if (!pixels) return pixels;
  return network(*pixels);
}

Result<std::int64_t> label_of(const Result<Tensor>& scores) {
  if (!scores) return scores.error();
  return stages::arg_max(*scores);
}

}  // namespace

ByHand::ByHand(std::shared_ptr<const Model> tiny, std::shared_ptr<const Model> large)
    : tiny_(stage_of(std::move(tiny))), large_(stage_of(std::move(large))) {}

Result<std::int64_t> ByHand::tiny(const Tensor& image) const { return label_of(scores_of(tiny_, image)); }
Result<std::int64_t> ByHand::large(const Tensor& image) const { return label_of(scores_of(large_, image)); }

Result<double> ByHand::margin(const Tensor& image) const {
  const Result<Tensor> scores = scores_of(tiny_, image);
  if (!scores) return scores.error();
  return stages::margin(*scores);
}

Result<ByHand::Answer> ByHand::cascade(const Tensor& image, double least_margin) const {
  const Result<Tensor> pixels = to_unit(image);
  if (!pixels) return pixels.error();
  Result<Tensor> scores = tiny_(*pixels);
  const bool exits = scores && stages::Margin{.least = least_margin}(*scores);
  if (!exits) scores = large_(*pixels);
  const auto label = label_of(scores);
  if (!label) return label.error();
  return Answer{*label, exits ? 0 : 1};
}

// ---- the threshold

namespace {

struct Seen {
  double margin;
  bool tiny_right, large_right;
};

Result<std::vector<Seen>> look_at(const ByHand& networks, const Images& images) {
  std::vector<Seen> seen;
  for (std::size_t i = 0; i < images.size(); ++i) {
    const Tensor image = images.image(i);
    const auto tiny = networks.tiny(image), large = networks.large(image);
    const auto margin = networks.margin(image);
    if (!tiny) return tiny.error();
    if (!large) return large.error();
    if (!margin) return margin.error();
    seen.push_back({*margin, *tiny == images.labels[i], *large == images.labels[i]});
  }
  return seen;
}

Threshold try_threshold(double least, const std::vector<Seen>& seen) {
  Threshold t;
  t.least = least;
  for (const auto& s : seen) {
    const bool exits = s.margin >= least;
    t.accuracy += exits ? s.tiny_right : s.large_right;
    t.tiny_accuracy += s.tiny_right;
    t.large_accuracy += s.large_right;
    t.share_large += !exits;
  }
  for (double* sum : {&t.accuracy, &t.tiny_accuracy, &t.large_accuracy, &t.share_large})
    *sum /= static_cast<double>(seen.size());
  return t;
}

}  // namespace

Result<Threshold> choose_threshold(const ByHand& networks, const Images& images, double most_large) {
  const auto seen = look_at(networks, images);
  if (!seen) return seen.error();
  Threshold chosen = try_threshold(0, *seen);
  for (int percent = 1; percent <= 100; ++percent) {
    const Threshold next = try_threshold(percent / 100.0, *seen);
    if (next.share_large > most_large) break;
    chosen = next;
  }
  return chosen;
}

Built<bool> write_threshold(const std::string& path, const std::string& copy, double least, const Catalog& catalog) {
  const auto graph = read_flow_file(path, catalog);
  if (!graph) return graph.error();
  Graph changed = **graph;
  bool found = false;
  for (auto& node : changed.nodes)
    for (auto& arm : node.arms)
      if (arm.exit.function == "margin") arm.exit.parameters = {{"least", least}}, found = true;
  if (!found) return Problems(Code::invalid_flow, path, "has no cascade with the exit test 'margin'");
  const auto text = write_flow(changed, catalog);
  if (!text) return text.error();
  return write_file(copy, *text);
}

}  // namespace tailrace::cli
