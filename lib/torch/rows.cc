#include "torch/rows.h"

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "tailrace/core/random.h"

namespace tailrace::torch::detail {

namespace {

// What the parts look like one after another; not by fmt, of which LibTorch's headers have another version.
template <class... Parts>
std::string text(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return out.str();
}

Error refuse(const std::string& name, Code code, const std::string& what) { return {code, name, what}; }

Status check_input(const std::string& name, const LoadOptions& options, const Tensor& input, std::size_t i) {
  const Shape& shape = input.shape();
  const bool batched = options.batch_dim.has_value();
  if (input.device() != Device{})
    return refuse(name, Code::unsupported,
                  text("input ", i, " lies on ", tailrace::name(input.device()), ", the model on cpu"));
  if (batched && shape.rank() == 0)
    return refuse(name, Code::shape_mismatch, text("input ", i, " has no batch dimension"));
  if (input.empty() && shape.elements() != 0) return refuse(name, Code::bad_value, text("input ", i, " has no memory"));
  if (i >= options.rows.size()) return {};
  const Row& row = options.rows[i];
  if (input.dtype() != row.dtype)
    return refuse(name, Code::type_mismatch,
                  text("input ", i, " must be ", tailrace::name(row.dtype), ", got ", tailrace::name(input.dtype())));
  if (std::equal(shape.begin() + batched, shape.end(), row.shape.begin(), row.shape.end())) return {};
  return refuse(name, Code::shape_mismatch,
                text("input ", i, " must be ", batched ? "a batch of " : "", tailrace::name(row.shape), ", got ",
                     tailrace::name(shape)));
}

template <class T>
void fill(const Tensor& tensor, Random& random) {
  for (T& x : tensor.as<T>()) x = static_cast<T>(4 * random.uniform() - 2);
}

}  // namespace

std::string name_of(const std::string& path, const LoadOptions& options) {
  return options.name.empty() ? std::filesystem::path(path).stem().string() : options.name;
}

Status check_options(const std::string& name, const LoadOptions& options) {
  const auto bad = [&](const char* what) { return Error{Code::bad_value, name, what}; };
  if (options.batch_dim && *options.batch_dim != 0) return bad("batch_dim must be 0, or std::nullopt for none");
  if (options.warm_up < 0) return bad("warm_up must not be negative");
  if (options.threads < 1) return bad("threads must be 1 or more");
  for (const Row& row : options.rows) {
    if (std::ranges::any_of(row.shape, [](auto extent) { return extent < 0; }))
      return bad("rows must be of fixed shape; leave them out where it varies");
    if (options.batch_dim && row.shape.rank() == Shape::max_rank) return bad("rows may have 7 dimensions at most");
  }
  if (std::ranges::any_of(options.batches, [](auto n) { return n < 1; })) return bad("batches must be positive");
  return {};
}

Status check_file(const std::string& name, const std::string& path) {
  std::error_code failed;
  const auto status = std::filesystem::status(path, failed);
  if (!std::filesystem::exists(status)) return Error{Code::bad_file, name, "there is no file '" + path + "'"};
  if (!std::filesystem::is_regular_file(status)) return Error{Code::bad_file, name, "'" + path + "' is no file"};
  return {};
}

Status check_inputs(const std::string& name, const LoadOptions& options, std::span<const Tensor> inputs) {
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (Status fit = check_input(name, options, inputs[i], i); !fit) return fit;
  return {};
}

Status check_output(const std::string& name, const LoadOptions& options, std::span<const Tensor> inputs,
                    const Shape& output, std::size_t i) {
  if (!options.batch_dim || inputs.empty()) return {};
  const auto rows = inputs[0].shape()[0];
  if (output.rank() > 0 && output[0] == rows) return {};
  return refuse(name, Code::shape_mismatch,
                text("output ", i, " has shape ", tailrace::name(output), ": its first dimension must be ", rows,
                     ", as of the input"));
}

std::vector<std::int64_t> batches_of(const LoadOptions& options) {
  return options.batch_dim ? options.batches : std::vector<std::int64_t>{0};
}

std::vector<Tensor> inputs_of(const LoadOptions& options, std::int64_t n, bool random) {
  std::vector<Tensor> inputs;
  Random draws(17);
  for (const Row& row : options.rows) {
    const Tensor& input = inputs.emplace_back(Tensor::zeros(row.dtype, n == 0 ? row.shape : row.shape.with_first(n)));
    if (random && row.dtype == DType::float32) fill<float>(input, draws);
    if (random && row.dtype == DType::float64) fill<double>(input, draws);
  }
  return inputs;
}

Status warm_up(const std::string& name, const Model& model, const LoadOptions& options) {
  if (options.rows.empty()) return {};
  for (const auto n : batches_of(options)) {
    const auto inputs = inputs_of(options, n, false);
    Tensor output;
    for (int i = 0; i < options.warm_up; ++i) {
      const Status called = model.run(inputs, {&output, 1});
      if (called) continue;
      // What forward threw at rows of zeros is about what it was given.
      const Code code = called.error().code() == Code::stage_failed ? Code::shape_mismatch : called.error().code();
      return Error{code, name, "warm-up failed: " + std::string(called.error().what())};
    }
  }
  return {};
}

}  // namespace tailrace::torch::detail
