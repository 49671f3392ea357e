#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cli/cli.h"
#include "tailrace/image/decode.h"
#include "tailrace/model/registry.h"
#include "tailrace/plan/graph.h"
#include "tailrace/stages/top.h"

namespace tailrace::cli {

// What each network of a cascade says about one photograph, and what the cascade answers.
struct PhotoFigures {
  std::string name;
  std::vector<stages::Ranking> rungs;  // each network's, whether the cascade asked it or not
  int rung = -1;                       // whose answer it is
};

// One rung: the stages up to its network's scores.
struct RungFigures {
  std::string model;
  double ms = 0;       // of one photograph
  double reached = 0;  // share of the photographs
};

struct PhotosFigures {
  std::string flow, explanation;
  std::vector<PhotoFigures> photos;
  std::vector<RungFigures> rungs;
  double decode_ms = 0;                // everything in front of the cascade
  double cascade_ms = 0, last_ms = 0;  // a whole request, and one that only ever asks the last network
  std::optional<double> difference;    // the largest from the recorded answers, where there are any
};

// The flow with one rung of its only cascade in the cascade's place: what that network alone would answer.
Built<Graph> only_rung(const Graph& graph, std::size_t rung);

// Runs a flow from File to Ranking with a cascade over the photographs, and each of its rungs alone; times all of them.
// `seconds`: about how long the timing may take.
Built<PhotosFigures> look_at(const std::shared_ptr<const Graph>& graph, const Registry& models,
                             const std::vector<image::File>& photos, unsigned threads, double seconds);

// Recorded answers: by photograph, then by network.
using References = std::map<std::string, std::map<std::string, stages::Ranking>>;
// From JSON, as docs/models/export.py writes it; problems name the place.
Built<References> parse_references(std::string_view text);

// The largest difference of probabilities; infinite where classes differ, or there are more or fewer of them.
double difference(const stages::Ranking& got, const stages::Ranking& expected);
// Of all that each network said. A photograph or network that was not recorded is a problem.
Built<double> difference(const PhotosFigures& figures, const References& references);

std::string photos_text(const PhotosFigures& figures);
std::string photos_json(const PhotosFigures& figures);

}  // namespace tailrace::cli
