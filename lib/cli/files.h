#pragma once
#include <cstddef>
#include <string>

#include "tailrace/core/problems.h"

namespace tailrace::cli {

// The whole file, or of "-" what comes in on standard input; a problem for what cannot be read or is larger than
// `most`.
Built<std::string> read_file(const std::string& path, std::size_t most);

// Writes beside and renames, so that nobody ever reads half a file.
Built<bool> write_file(const std::string& path, const std::string& text);

}  // namespace tailrace::cli
