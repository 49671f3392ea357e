#include "tailrace/openvino/openvino.h"

#include <algorithm>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <openvino/openvino.hpp>
#include <optional>
#include <string_view>
#include <thread>

namespace tailrace::openvino {
namespace {

using ov::element::Type;
constexpr std::pair<DType, Type> types[] = {{DType::float32, ov::element::f32}, {DType::float64, ov::element::f64},
                                            {DType::float16, ov::element::f16}, {DType::bfloat16, ov::element::bf16},
                                            {DType::int8, ov::element::i8},     {DType::int16, ov::element::i16},
                                            {DType::int32, ov::element::i32},   {DType::int64, ov::element::i64},
                                            {DType::uint8, ov::element::u8},    {DType::boolean, ov::element::boolean}};
std::optional<DType> dtype_of(const Type& type) {
  for (const auto& [ours, theirs] : types)
    if (theirs == type) return ours;
  return std::nullopt;
}
Type element_type(DType dtype) {
  for (const auto& [ours, theirs] : types)
    if (ours == dtype) return theirs;
  return ov::element::dynamic;
}

// The line of OpenVINO's message that says what is wrong: the last one, behind where in its source it was found.
std::string_view gist(std::string_view message) {
  message = message.substr(0, message.find_last_not_of(" \n\r\t") + 1);
  return message.substr(message.rfind('\n') + 1);
}

// What the exception now being handled says. REQUIRES: inside a catch block.
Error caught(Code code, std::string_view where) noexcept {
  try {
    throw;
  } catch (const ov::Exception& e) {
    return {code, where, gist(e.what())};
  } catch (...) {
    return tailrace::detail::thrown();
  }
}

class OpenVinoModel final : public Model {
 public:
  // One network for each call at a time: only one with a single stream computes on the thread that calls it.
  OpenVinoModel(std::string name, std::string file, bool batched, std::vector<ov::CompiledModel> compiled)
      : name_(std::move(name)), file_(std::move(file)), batched_(batched), compiled_(compiled.front()) {
    for (auto& network : compiled) idle_.push_back(network.create_infer_request());
  }

  Status run(std::span<const Tensor> inputs, std::span<Tensor> outputs) const noexcept override {
    try {
      if (Status fit = check(inputs, outputs); !fit) return fit;
      const Taken taken(*this);
      ov::InferRequest request = taken.request;
      for (std::size_t i = 0; i < inputs.size(); ++i) request.set_input_tensor(i, lend(inputs[i]));
      request.infer();
      for (std::size_t i = 0; i < outputs.size(); ++i)
        if (Status copied = copy_out(request.get_output_tensor(i), i, outputs[i]); !copied) return copied;
      return {};
    } catch (...) {
      return caught(Code::stage_failed, name_);
    }
  }

  bool batched() const noexcept override { return batched_; }
  std::string describe() const override { return "OpenVINO model " + file_ + " on cpu"; }

  // Zeros of so many rows; empty where an input's shape is open.
  std::vector<Tensor> zeros(std::int64_t rows) const {
    std::vector<Tensor> tensors;
    for (const auto& input : compiled_.inputs()) {
      ov::PartialShape shape = input.get_partial_shape();
      if (batched_ && shape.rank().is_static() && shape.size() > 0) shape[0] = rows;
      const auto dtype = dtype_of(input.get_element_type());
      if (shape.is_dynamic() || !dtype || shape.size() > Shape::max_rank) return {};
      Shape ours;
      for (const auto& extent : shape) ours.push_back(extent.get_length());
      tensors.push_back(Tensor::zeros(*dtype, ours));
    }
    return tensors;
  }

 private:
  Error refuse(Code code, const std::string& what) const { return {code, name_, what}; }

  Status check(std::span<const Tensor> inputs, std::span<Tensor> outputs) const {
    if (inputs.size() != compiled_.inputs().size())
      return refuse(Code::bad_value, "takes " + std::to_string(compiled_.inputs().size()) + " inputs, got " +
                                         std::to_string(inputs.size()));
    if (outputs.size() > compiled_.outputs().size())
      return refuse(Code::bad_value, "gives " + std::to_string(compiled_.outputs().size()) + " tensors, " +
                                         std::to_string(outputs.size()) + " are wanted");
    for (std::size_t i = 0; i < inputs.size(); ++i)
      if (Status fit = check(inputs[i], i); !fit) return fit;
    return {};
  }

  Status check(const Tensor& input, std::size_t i) const {
    const auto& wanted = compiled_.inputs()[i];
    const std::string which = "input " + std::to_string(i);
    if (input.device() != Device{})
      return refuse(Code::unsupported, which + " lies on " + tailrace::name(input.device()) + ", the model on cpu");
    if (element_type(input.dtype()) != wanted.get_element_type())
      return refuse(Code::type_mismatch, which + " must be " + wanted.get_element_type().get_type_name() + ", got " +
                                             std::string(tailrace::name(input.dtype())));
    const ov::PartialShape given(std::vector<ov::Dimension>(input.shape().begin(), input.shape().end()));
    if (wanted.get_partial_shape().compatible(given)) return {};
    return refuse(Code::shape_mismatch, which + " must be " + wanted.get_partial_shape().to_string() + ", got " +
                                            tailrace::name(input.shape()));
  }

  // OpenVINO's view of a tensor's memory, which must outlive the call; of a copy where it has gaps.
  static ov::Tensor lend(const Tensor& input) {
    const ov::Shape shape(input.shape().begin(), input.shape().end());
    if (input.contiguous() && input.data()) return {element_type(input.dtype()), shape, input.data()};
    const Tensor dense = input.contiguous_copy();
    ov::Tensor copy(element_type(input.dtype()), shape);
    std::copy_n(static_cast<const char*>(dense.data()), copy.get_byte_size(), static_cast<char*>(copy.data()));
    return copy;
  }

  Status copy_out(const ov::Tensor& answer, std::size_t i, Tensor& output) const {
    const auto dtype = dtype_of(answer.get_element_type());
    if (!dtype || answer.get_shape().size() > Shape::max_rank)
      return refuse(Code::unsupported, "output " + std::to_string(i) + " is " +
                                           answer.get_element_type().get_type_name() + " of " +
                                           std::to_string(answer.get_shape().size()) + " dimensions");
    Shape shape;
    for (const auto extent : answer.get_shape()) shape.push_back(static_cast<std::int64_t>(extent));
    output = Tensor::zeros(*dtype, shape);
    std::copy_n(static_cast<const char*>(answer.data()), answer.get_byte_size(), static_cast<char*>(output.data()));
    return {};
  }

  // One of the networks, for the length of a call; waits until one is idle.
  struct Taken {
    explicit Taken(const OpenVinoModel& m) : model(m) {
      std::unique_lock lock(m.mutex_);
      m.given_back_.wait(lock, [&] { return !m.idle_.empty(); });
      request = m.idle_.back();
      m.idle_.pop_back();
    }
    ~Taken() {
      {
        const std::lock_guard lock(model.mutex_);
        model.idle_.push_back(request);  // its place is still there: nothing is allocated
      }
      model.given_back_.notify_one();
    }
    const OpenVinoModel& model;
    ov::InferRequest request;
  };

  std::string name_, file_;
  bool batched_;
  const ov::CompiledModel compiled_;  // any one of them
  mutable std::mutex mutex_;
  mutable std::condition_variable given_back_;
  mutable std::vector<ov::InferRequest> idle_;
};

std::vector<ov::CompiledModel> compile(ov::Core& core, const std::shared_ptr<ov::Model>& network,
                                       const LoadOptions& options) {
  if (options.batched) {
    std::map<ov::Output<ov::Node>, ov::PartialShape> shapes;
    for (const auto& input : network->inputs()) {
      ov::PartialShape shape = input.get_partial_shape();
      if (shape.rank().is_static() && shape.size() > 0) shape[0] = ov::Dimension::dynamic();
      shapes[input] = shape;
    }
    network->reshape(shapes);
  }
  std::vector<ov::CompiledModel> compiled;
  const unsigned calls = options.calls ? options.calls : std::max(1u, std::thread::hardware_concurrency());
  for (unsigned i = 0; i < calls; ++i)
    compiled.push_back(core.compile_model(network, "CPU", ov::num_streams(1), ov::inference_num_threads(1),
                                          ov::hint::inference_precision(ov::element::f32)));
  return compiled;
}

Status warm_up(const OpenVinoModel& model, const LoadOptions& options) {
  for (const auto rows : options.batched ? options.batches : std::vector<std::int64_t>{1}) {
    const std::vector<Tensor> inputs = model.zeros(rows);
    if (inputs.empty()) return {};
    Tensor output;
    for (int i = 0; i < options.warm_up; ++i)
      if (Status called = model.run(inputs, {&output, 1}); !called) return called;
  }
  return {};
}

Status check_options(const std::string& name, const LoadOptions& options, const std::string& path) {
  if (options.warm_up < 0) return Error{Code::bad_value, name, "warm_up must not be negative"};
  if (std::any_of(options.batches.begin(), options.batches.end(), [](auto n) { return n < 1; }))
    return Error{Code::bad_value, name, "batches must be positive"};
  std::error_code failed;
  if (!std::filesystem::is_regular_file(path, failed))
    return Error{Code::bad_file, name, "there is no file '" + path + "'"};
  return {};
}

}  // namespace

Result<std::shared_ptr<const Model>> open(const std::string& path, const LoadOptions& options) {
  const std::filesystem::path file(path);
  const std::string name = options.name.empty() ? file.stem().string() : options.name;
  if (Status fit = check_options(name, options, path); !fit) return fit.error();
  Code failing = Code::bad_file;
  try {
    ov::Core core;
    const auto network = core.read_model(path);
    failing = Code::unsupported;
    auto model = std::make_shared<const OpenVinoModel>(name, file.filename().string(), options.batched,
                                                       compile(core, network, options));
    if (Status warm = warm_up(*model, options); !warm)
      return Error{warm.error().code(), name, "warm-up failed: " + std::string(warm.error().what())};
    return std::shared_ptr<const Model>(std::move(model));
  } catch (...) {
    return caught(failing, name);
  }
}

std::string report() {
  const ov::Version version = ov::get_openvino_version();
  return std::string(version.description) + ", build " + version.buildNumber + "\n";
}

}  // namespace tailrace::openvino
