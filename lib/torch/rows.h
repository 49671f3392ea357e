#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tailrace/torch/torch.h"

// What LoadOptions say, whichever kind of file is loaded.
namespace tailrace::torch::detail {

std::string name_of(const std::string& path, const LoadOptions& options);
Status check_options(const std::string& name, const LoadOptions& options);
Status check_file(const std::string& name, const std::string& path);

// Whether the inputs fit `rows`, as far as they are known.
Status check_inputs(const std::string& name, const LoadOptions& options, std::span<const Tensor> inputs);
// Whether output `i` has as many rows as the first input.
Status check_output(const std::string& name, const LoadOptions& options, std::span<const Tensor> inputs,
                    const Shape& output, std::size_t i);

// The batch sizes to make ready for; 0 alone where there is no batch dimension.
std::vector<std::int64_t> batches_of(const LoadOptions& options);
// Inputs of `n` rows, of zeros or, where `random` and the type has fractions, of numbers from -2 to 2 that are the same
// every time. 0: without a batch dimension.
std::vector<Tensor> inputs_of(const LoadOptions& options, std::int64_t n, bool random);

// Calls the model with every batch size, as often as the options say.
Status warm_up(const std::string& name, const Model& model, const LoadOptions& options);

}  // namespace tailrace::torch::detail
