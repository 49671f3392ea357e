#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tailrace/plan/model_stage.h"

// Models by OpenVINO: ONNX files, and OpenVINO's own. Needs the target tailrace::openvino; includes nothing of
// OpenVINO.
namespace tailrace::openvino {

struct LoadOptions {
  // Whether the first dimension of every input and output counts rows; then any number may be given, whatever the file
  // says.
  bool batched = true;
  // Calls that compute at the same time, each on the thread that makes it; further ones wait. The network is compiled
  // once for each. 0: as many as this process may use processors.
  unsigned calls = 0;
  // Calls on zeros for every number of rows, before `open` returns. Inputs with open dimensions besides the first are
  // not called. 0: none.
  int warm_up = 3;
  std::vector<std::int64_t> batches = {1};
  // The model's name in plans and errors; empty: the file's name without its extension.
  std::string name = {};
};

// Loads an ONNX file (or .xml with its .bin beside it) and compiles it for the CPU, in float32.
//
//   auto model = tr::openvino::open("tiny.onnx");
//   if (!model) log(model.error().where(), model.error().what());
//
// Any threads may run the model at once. A call computes on the thread that makes it. Inputs that are row-major are not
// copied; outputs are copied out of OpenVINO's memory into their own. Outputs stand in the file's order; fewer may be
// wanted than there are. Nothing is printed. OpenVINO reads the file into memory.
// Errors: bad_file for what OpenVINO cannot read; unsupported for what it cannot compile; bad_value for options; and
// stage_failed with OpenVINO's message where a call fails.
Result<std::shared_ptr<const Model>> open(const std::string& path, const LoadOptions& options = {});

// What was found of OpenVINO in this process: its version and build.
std::string report();

// The same as a stage from In to Out, with conversions by row_traits.
//
//   auto tiny = tr::openvino::load<std::array<float, 64>, std::array<float, 10>>("tiny.onnx").value();
template <class In, class Out>
Result<ModelStage<In, Out>> load(const std::string& path, const LoadOptions& options = {},
                                 Conversion<In, Out> conversion = row_conversion<In, Out>()) {
  auto model = open(path, options);
  if (!model) return model.error();
  ModelUse use;
  use.name = options.name.empty() ? path : options.name;
  use.model = *std::move(model);
  return ModelStage<In, Out>(std::move(use), std::move(conversion));
}

}  // namespace tailrace::openvino
