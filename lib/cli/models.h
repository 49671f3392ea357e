#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/cli.h"
#include "cli/rows.h"
#include "tailrace/core/tensor.h"
#include "tailrace/model/registry.h"
#include "tailrace/plan/catalog.h"
#include "tailrace/plan/graph.h"
#include "tailrace/plan/profile.h"

namespace tailrace::cli {

// Whether this build has LibTorch. Without it nothing below can open a model.
bool have_torch() noexcept;
inline constexpr const char* no_torch = "this build of tailrace has no LibTorch: build with -DTAILRACE_TORCH=ON";

// Whether this build can decode pictures.
bool have_images() noexcept;
inline constexpr const char* no_images =
    "this build of tailrace decodes no pictures: install libturbojpeg0-dev and libpng-dev, and build it again";

// The model of a TorchScript file. `row`: the shape of one row of float32, so that it is warm; empty: unknown.
Built<std::shared_ptr<const Model>> open_model(const std::string& path, const std::string& name, const Shape* row);

// The same of a network that takes and gives its state: several inputs and outputs, as they are.
Built<std::shared_ptr<const Model>> open_stateful(const std::string& path, const std::string& name);

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

// Those models from their files, FOLDER/NAME.pt.
Built<Registry> load_models(const Graph& graph, const std::string& folder);

// The same for a command: empty where the flow needs none; says what is wrong, and gives the exit code, where they are
// needed and cannot be had.
std::optional<Exit> load_models_or_complain(const Graph& graph, const std::string& folder, Registry& registry);

}  // namespace tailrace::cli
