#pragma once
#include <memory>
#include <string>

#include "tailrace/torch/torch.h"

namespace tailrace::torch::detail {

// Whether a file is an AOTInductor package, by its name's end.
bool is_package(const std::string& path);
// Loads one. Errors as open().
Result<std::shared_ptr<const Model>> open_package(const std::string& path, const LoadOptions& options);

}  // namespace tailrace::torch::detail
