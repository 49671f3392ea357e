#pragma once
#include <nlohmann/json.hpp>
#include <string>

namespace svg {

using Json = nlohmann::ordered_json;

// A picture of results (see Picture in support/results.h) as SVG: lines over a logarithmic axis.
std::string draw(const Json& picture);

}  // namespace svg
