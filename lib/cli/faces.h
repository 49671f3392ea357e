#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cli/cli.h"
#include "tailrace/image/decode.h"
#include "tailrace/model/registry.h"
#include "tailrace/plan/graph.h"
#include "tailrace/stages/boxes.h"

namespace tailrace::cli {

// The faces of one photograph, the surest first.
struct FacesOf {
  std::string name;
  stages::Boxes faces;
};

struct FacesFigures {
  std::vector<std::string> flows;        // file names
  std::vector<std::string> explanation;  // of each flow
  std::vector<double> photo_ms;          // the median of one photograph by each flow
  std::vector<FacesOf> photos;           // what the first flow found
  double apart = 0;                      // the largest difference of another flow from it
  std::optional<double> difference;      // the largest from the recorded faces, where there are any
};

// The models of a flow from DIR/NAME.pt, or by OpenVINO from DIR/NAME.onnx. NAME_batches is the same network for
// tensors that are batches already, as cut_out makes them with "batch": no dimension is added in front.
Built<Registry> load_face_models(const Graph& graph, const std::string& folder, bool openvino);

// A flow from File to Boxes with its models.
struct FaceFlow {
  std::shared_ptr<const Graph> graph;
  Registry models;
};

// Runs flows that are to find the same faces over the photographs, and times them. `seconds`: about how long the timing
// may take.
Built<FacesFigures> find_faces(const std::vector<FaceFlow>& flows, const std::vector<image::File>& photos,
                               unsigned threads, double seconds);

// The largest difference of scores and places, in parts of the expected value where that is above 1; infinite where
// there are more or fewer faces or marks.
double difference(const stages::Boxes& got, const stages::Boxes& expected);

// Recorded faces by photograph, from JSON, as docs/models/export.py writes it; problems name the place.
using FaceReferences = std::map<std::string, stages::Boxes>;
Built<FaceReferences> parse_face_references(std::string_view text);
// Of all photographs. One that was not recorded is a problem.
Built<double> difference(const std::vector<FacesOf>& found, const FaceReferences& references);

std::string faces_text(const FacesFigures& figures);
std::string faces_json(const FacesFigures& figures);

}  // namespace tailrace::cli
