#pragma once
#include <string>
#include <string_view>

namespace tailrace::trace {

// The text as JSON has it, with its quotation marks; bytes that are no UTF-8 become replacement characters.
std::string quoted(std::string_view text);

}  // namespace tailrace::trace
