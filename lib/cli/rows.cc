#include "cli/rows.h"

#include "cli/files.h"

namespace tailrace::cli {

Tensor Rows::row(std::size_t i) const {
  const auto width = static_cast<std::size_t>(shape.elements());
  return Tensor::view(const_cast<float*>(values.data() + i * width), DType::float32, shape);
}

Tensor Rows::row(std::size_t i, std::size_t columns) const {
  const Tensor whole = row(i);
  if (columns == 0) return whole;
  return Tensor::view(whole.data(), whole.dtype(), {static_cast<std::int64_t>(columns)});
}

Built<Rows> read_rows(const std::string& path) {
  const auto text = read_file(path, std::size_t{1} << 30);
  if (!text) return text.error();
  auto rows = text->starts_with("\x93NUMPY") ? parse_npy(*text) : parse_csv(*text);
  if (rows && rows->count > 0) return rows;
  if (rows) return Problems(Code::bad_file, path, "holds no rows");
  Problems placed;
  for (const auto& p : rows.error().list()) placed.add(p.code, path + ":" + p.where, p.what);
  return placed;
}

}  // namespace tailrace::cli
