#include "cli/digits.h"

#include <numeric>
#include <utility>

#include "cli/files.h"
#include "cli/rows.h"
#include "tailrace/core/random.h"

namespace tailrace::cli {

namespace {

constexpr std::size_t pixels = 64;

std::vector<std::size_t> fixed_permutation(std::size_t n) {
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  Random random(80);  // the data set's number
  for (std::size_t i = n; i > 1; --i) std::swap(order[i - 1], order[random.next() % i]);
  return order;
}

// FNV-1a.
std::uint64_t hash_of(std::string_view bytes) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

Problems check(const Rows& rows, const std::string& path) {
  if (rows.shape.elements() != pixels + 1)
    return {Code::bad_file, path,
            "has " + std::to_string(rows.shape.elements()) + " numbers a row, expected 64 pixels and a digit"};
  if (rows.count < 100)
    return {Code::bad_file, path, "has " + std::to_string(rows.count) + " rows, expected 100 or more"};
  for (std::size_t i = 0; i < rows.count; ++i) {
    const auto row = rows.row(i).as<float>();
    for (const float x : row.first(pixels))
      if (!(x >= 0 && x <= 16))
        return {Code::bad_value, path, "row " + std::to_string(i + 1) + " has a pixel that is not 0 to 16"};
    const float digit = row[pixels];
    if (!(digit >= 0 && digit <= 9) || digit != static_cast<float>(static_cast<int>(digit)))
      return {Code::bad_value, path, "row " + std::to_string(i + 1) + " does not end in a digit"};
  }
  return {};
}

void add(Images& images, std::span<const float> row) {
  images.pixels.insert(images.pixels.end(), row.begin(), row.begin() + pixels);
  images.labels.push_back(static_cast<std::int64_t>(row[pixels]));
}

}  // namespace

Tensor Images::image(std::size_t i) const {
  return Tensor::view(const_cast<float*>(pixels.data() + i * cli::pixels), DType::float32, {cli::pixels});
}

Built<Digits> read_digits(const std::string& path) {
  const auto text = read_file(path, std::size_t{64} << 20);
  if (!text) return text.error();
  const auto rows = parse_csv(*text);
  if (!rows) return Problems(rows.error().code(), path + ":" + rows.error().where(), rows.error().list().front().what);
  if (auto problems = check(*rows, path); !problems.empty()) return problems;
  Digits digits;
  digits.hash = hash_of(*text);
  const auto order = fixed_permutation(rows->count);
  for (std::size_t i = 0; i < order.size(); ++i) {
    auto& part = 10 * i < 6 * order.size() ? digits.train : 10 * i < 8 * order.size() ? digits.validation : digits.test;
    add(part, rows->row(order[i]).as<float>());
  }
  return digits;
}

}  // namespace tailrace::cli
