#include "cli/wav.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

namespace tailrace::cli {

namespace {

std::uint32_t little_endian(std::string_view bytes) {
  std::uint32_t x = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) x = x << 8 | static_cast<unsigned char>(bytes[i]);
  return x;
}

// Fine where the format is the expected one.
Problems check_format(std::string_view format) {
  if (format.size() < 16) return Problems(Code::bad_file, "", "its format is cut short");
  const auto kind = little_endian(format.substr(0, 2)), channels = little_endian(format.substr(2, 2)),
             rate = little_endian(format.substr(4, 4)), bits = little_endian(format.substr(14, 2));
  if (kind == 1 && channels == 1 && rate == 16000 && bits == 16) return {};
  return Problems(Code::unsupported, "",
                  fmt::format("has {} channels at {} Hz, {} bits of kind {}; expected 1 at 16000 Hz, 16 bits of kind 1",
                              channels, rate, bits, kind));
}

}  // namespace

Built<std::vector<float>> parse_wav(std::string_view bytes) {
  if (bytes.size() < 12 || bytes.substr(0, 4) != "RIFF" || bytes.substr(8, 4) != "WAVE")
    return Problems(Code::bad_file, "", "not a WAV file");
  bool format_seen = false;
  for (std::size_t at = 12; bytes.size() - at >= 8;) {
    const auto name = bytes.substr(at, 4);
    const std::size_t size = little_endian(bytes.substr(at + 4, 4));
    at += 8;
    if (size > bytes.size() - at) return Problems(Code::bad_file, "", "ends early");
    const auto part = bytes.substr(at, size);
    if (name == "fmt ") {
      if (auto problems = check_format(part); !problems.empty()) return problems;
      format_seen = true;
    } else if (name == "data") {
      if (!format_seen) return Problems(Code::bad_file, "", "has samples before their format");
      std::vector<float> samples;
      for (std::size_t i = 0; i + 2 <= part.size(); i += 2)
        samples.push_back(static_cast<float>(static_cast<std::int16_t>(little_endian(part.substr(i, 2)))) / 32768);
      return samples;
    }
    at += std::min(size + size % 2, bytes.size() - at);  // parts begin at even places
  }
  return Problems(Code::bad_file, "", "holds no samples");
}

}  // namespace tailrace::cli
