#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/cli.h"
#include "cli/rows.h"
#include "tailrace/core/tensor.h"
#include "tailrace/model/device.h"
#include "tailrace/model/model_profile.h"
#include "tailrace/model/registry.h"
#include "tailrace/plan/catalog.h"
#include "tailrace/plan/graph.h"
#include "tailrace/plan/profile.h"

namespace tailrace::cli {

// Whether this build has LibTorch. Without it nothing below can open a model that is not ONNX.
bool have_torch() noexcept;
inline constexpr const char* no_torch = "this build of tailrace has no LibTorch: build with -DTAILRACE_TORCH=ON";

// Whether this build can decode pictures.
bool have_images() noexcept;
inline constexpr const char* no_images =
    "this build of tailrace decodes no pictures: install libturbojpeg0-dev and libpng-dev, and build it again";

// How a model is to be served.
struct ServeOptions {
  const Shape* row = nullptr;               // of float32, so that it is warm; null: unknown
  unsigned threads = 1;                     // that a call computes with
  std::vector<std::int64_t> batches = {1};  // sizes of calls that will come
};

// The model of a file: ONNX (.onnx) by OpenVINO, everything else by LibTorch.
Built<std::shared_ptr<const Model>> open_model(const std::string& path, const std::string& name,
                                               const ServeOptions& options = {});

// The same of a network that takes and gives its state: several inputs and outputs, as they are.
Built<std::shared_ptr<const Model>> open_stateful(const std::string& path, const std::string& name);

// As open_model, but without warming it up, to be measured: on that device, computing each call of at most `max_rows`
// such rows with so many threads.
struct ColdOptions {
  Device device;
  unsigned threads = 1;
  RowType row;
  std::uint32_t max_rows = 1;
};
Built<std::shared_ptr<const Model>> open_cold(const std::string& path, const std::string& name,
                                              const ColdOptions& options);

// The model of a file as a profile says that it is served: its row, its threads, the sizes that were measured.
Built<std::shared_ptr<const Model>> open_served(const std::string& path, const ModelProfile& profile);

// Whether this build has OpenVINO.
bool have_openvino() noexcept;
inline constexpr const char* no_openvino =
    "this build of tailrace has no OpenVINO: `bash docs/install.sh --with-openvino` fetches it, then build it again";

// The model of an ONNX file, by OpenVINO. `batched`: whether a row is given without its batch dimension.
Built<std::shared_ptr<const Model>> open_onnx(const std::string& path, const std::string& name, bool batched);

// What flows on the command line may name: the ready-made stages, with the labels "imagenet", and models from Tensor to
// Tensor.
Catalog make_catalog();

// A profile from a file; problems begin "FILE:line:column". No file: an empty one.
Built<Profile> read_profile_file(const std::string& path);

// A flow from a file; problems begin "FILE:line:column".
Built<std::shared_ptr<const Graph>> read_flow_file(const std::string& path, const Catalog& catalog);

// The same, and the rows that a command runs it over, from another file; `columns`: only so many numbers of each row.
// Says what is wrong, and gives the exit code, where they cannot be had or do not fit.
std::optional<Exit> read_flow_and_rows(const std::string& flow, const std::string& input, std::size_t columns,
                                       const Catalog& catalog, std::shared_ptr<const Graph>& graph, Rows& rows);

// The models that a flow asks for by name, each once.
std::vector<std::string> models_of(const Graph& graph);

// Those models from their files: FOLDER/NAME.pt, or, where a file of models is named (what tailrace profile writes),
// all their variants in it, with what is known of them. Of several profiles of one variant and device the one with the
// fewest threads a call is taken, since requests keep the others busy.
Built<Registry> load_models(const Graph& graph, const std::string& from);

// Profiles of models from a file; problems begin "FILE:line:column".
Built<ModelProfiles> read_models_file(const std::string& path);

// The same for a command: empty where the flow needs none; says what is wrong, and gives the exit code, where they are
// needed and cannot be had.
std::optional<Exit> load_models_or_complain(const Graph& graph, const std::string& from, Registry& registry);

// What `place` has to know of the devices beside the CPU that models of a registry are on: copies are timed. Where that
// fails they are unknown.
std::vector<DeviceFacts> facts_of_devices(const Registry& registry);

}  // namespace tailrace::cli
