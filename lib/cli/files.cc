#include "cli/files.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>

namespace tailrace::cli {

namespace {

Problems system_problem(const std::string& path, const char* what) {
  return Problems(Code::bad_file, path, std::string(what) + ": " + std::strerror(errno));
}

struct Close {
  void operator()(std::FILE* file) const {
    if (file != stdin) std::fclose(file);
  }
};
using File = std::unique_ptr<std::FILE, Close>;

}  // namespace

Built<std::string> read_file(const std::string& path, std::size_t most) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored))
    return Problems(Code::bad_file, path, "is a folder, expected a file");
  const File file(path == "-" ? stdin : std::fopen(path.c_str(), "rb"));
  if (!file) return system_problem(path, "cannot be opened");
  std::string text;
  char piece[1 << 16];
  while (const std::size_t n = std::fread(piece, 1, sizeof piece, file.get())) {
    text.append(piece, n);
    if (text.size() > most)
      return Problems(Code::bad_file, path, "is larger than " + std::to_string(most >> 20) + " MiB");
  }
  if (std::ferror(file.get())) return system_problem(path, "cannot be read");
  return text;
}

Built<bool> write_file(const std::string& path, const std::string& text) {
  const std::string part = path + ".part";
  std::FILE* file = std::fopen(part.c_str(), "wb");
  if (!file) return system_problem(path, "cannot be written");
  const bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  if (std::fclose(file) != 0 || !written || std::rename(part.c_str(), path.c_str()) != 0)
    return system_problem(path, "cannot be written");
  return true;
}

Built<std::vector<image::File>> read_photos(const std::vector<std::string>& paths) {
  std::vector<image::File> photos;
  Problems problems;
  for (const auto& path : paths) {
    auto bytes = read_file(path, std::size_t{256} << 20);
    if (bytes) photos.push_back({std::filesystem::path(path).filename().string(), *std::move(bytes)});
    else problems.add(bytes.error());
  }
  if (!problems.empty()) return problems;
  return photos;
}

}  // namespace tailrace::cli
