#include "trace/json.h"

#include <nlohmann/json.hpp>

namespace tailrace::trace {

std::string quoted(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

}  // namespace tailrace::trace
