#pragma once
#include <cstddef>
#include <string>
#include <vector>

#include "tailrace/core/problems.h"
#include "tailrace/image/decode.h"

namespace tailrace::cli {

// The whole file, or of "-" what comes in on standard input; a problem for what cannot be read or is larger than
// `most`.
Built<std::string> read_file(const std::string& path, std::size_t most);

// Writes beside and renames, so that nobody ever reads half a file.
Built<bool> write_file(const std::string& path, const std::string& text);

// The bytes of so many pictures, by their names without folders; each that cannot be read is a problem.
Built<std::vector<image::File>> read_photos(const std::vector<std::string>& paths);

}  // namespace tailrace::cli
