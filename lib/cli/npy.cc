#include <bit>
#include <charconv>
#include <cstring>
#include <optional>

#include "cli/rows.h"

namespace tailrace::cli {

namespace {

Problems wrong(std::size_t byte, std::string what) {
  return Problems(Code::bad_file, "byte " + std::to_string(byte), std::move(what));
}

struct Header {
  std::string descr;  // "<f4"
  bool fortran = false;
  std::vector<std::uint64_t> shape;
  std::size_t data = 0;  // where the elements begin
};

// Reads the header's text, a Python dictionary such as "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }".
class HeaderReader {
 public:
  HeaderReader(std::string_view text, std::size_t offset) : text_(text), offset_(offset) {}

  Built<Header> read() {
    expect("{");
    while (!failed_ && !take("}")) {
      const std::string key = quoted();
      expect(":");
      if (key == "descr") header_.descr = quoted();
      else if (key == "fortran_order") header_.fortran = truth();
      else if (key == "shape") shape();
      else fail("expected 'descr', 'fortran_order' or 'shape', got '" + key.substr(0, 40) + "'");
      seen_ += key.empty() ? 0 : 1;
      if (!take(",") && !peek("}")) fail("expected a comma");
    }
    if (!failed_ && seen_ != 3) fail("expected 'descr', 'fortran_order' and 'shape' once each");
    if (failed_) return *std::move(failed_);
    return std::move(header_);
  }

 private:
  void fail(std::string what) {
    if (!failed_) failed_ = wrong(offset_ + at_, "in the header: " + std::move(what));
  }
  void skip_blanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
  }
  bool peek(std::string_view word) {
    skip_blanks();
    return text_.substr(at_).starts_with(word);
  }
  bool take(std::string_view word) {
    if (failed_ || !peek(word)) return false;
    at_ += word.size();
    return true;
  }
  void expect(std::string_view word) {
    if (!take(word)) fail("expected '" + std::string(word) + "'");
  }
  std::string quoted() {
    const char quote = take("'") ? '\'' : take("\"") ? '"' : '\0';
    const auto end = quote ? text_.find(quote, at_) : text_.npos;
    if (end == text_.npos) return fail("expected a quoted word"), std::string();
    const std::string word(text_.substr(at_, end - at_));
    at_ = end + 1;
    return word;
  }
  bool truth() {
    if (take("True")) return true;
    if (!take("False")) fail("expected True or False");
    return false;
  }
  void shape() {
    expect("(");
    while (!failed_ && !take(")")) {
      skip_blanks();
      std::uint64_t extent = 0;
      const char* from = text_.data() + at_;
      const auto [end, error] = std::from_chars(from, text_.data() + text_.size(), extent);
      if (error != std::errc()) return fail("expected the extent of a dimension");
      at_ += static_cast<std::size_t>(end - from);
      take("L");  // as Python 2 wrote them
      header_.shape.push_back(extent);
      if (header_.shape.size() > Shape::max_rank) return fail("more than 8 dimensions");
      if (!take(",") && !peek(")")) fail("expected a comma");
    }
  }

  std::string_view text_;
  std::size_t offset_;
  std::size_t at_ = 0;
  int seen_ = 0;
  Header header_;
  std::optional<Problems> failed_;
};

constexpr std::string_view magic = "\x93NUMPY";

Built<Header> read_header(std::string_view bytes) {
  if (!bytes.starts_with(magic)) return wrong(0, "is not a .npy file");
  if (bytes.size() < 10) return wrong(bytes.size(), "ends inside the header");
  const auto byte = [&](std::size_t i) { return static_cast<std::size_t>(static_cast<unsigned char>(bytes[i])); };
  const std::size_t version = byte(6);
  if (version < 1 || version > 3)
    return wrong(6, "has version " + std::to_string(version) + " of the format, expected 1 to 3");
  const std::size_t from = version == 1 ? 10 : 12;
  if (bytes.size() < from) return wrong(bytes.size(), "ends inside the header");
  std::size_t length = byte(8) | byte(9) << 8;
  if (version > 1) length |= byte(10) << 16 | byte(11) << 24;
  if (length > bytes.size() - from) return wrong(bytes.size(), "ends inside the header");
  auto header = HeaderReader(bytes.substr(from, length), from).read();
  if (header) header->data = from + length;
  return header;
}

// ---- elements

template <class T>
float element(const char* at, bool swapped) {
  char raw[sizeof(T)];
  std::memcpy(raw, at, sizeof(T));
  if (swapped)
    for (std::size_t i = 0; i < sizeof(T) / 2; ++i) std::swap(raw[i], raw[sizeof(T) - 1 - i]);
  T value;
  std::memcpy(&value, raw, sizeof(T));
  return static_cast<float>(value);
}

struct ElementType {
  std::string_view name;
  std::size_t size;
  float (*read)(const char*, bool swapped);
};
constexpr ElementType element_types[] = {
    {"f4", 4, element<float>},         {"f8", 8, element<double>},        {"i1", 1, element<std::int8_t>},
    {"i2", 2, element<std::int16_t>},  {"i4", 4, element<std::int32_t>},  {"i8", 8, element<std::int64_t>},
    {"u1", 1, element<std::uint8_t>},  {"u2", 2, element<std::uint16_t>}, {"u4", 4, element<std::uint32_t>},
    {"u8", 8, element<std::uint64_t>}, {"b1", 1, element<std::uint8_t>},
};

// Of "<f4": the order of bytes and the type.
const ElementType* element_type(std::string_view descr, bool& swapped) {
  if (descr.size() < 2) return nullptr;
  const char order = descr[0];
  if (order != '<' && order != '>' && order != '|' && order != '=') return nullptr;
  swapped = order == (std::endian::native == std::endian::little ? '>' : '<');
  for (const auto& type : element_types)
    if (descr.substr(1) == type.name) return &type;
  return nullptr;
}

// The number of elements, or nothing where they cannot fit in `most` bytes.
std::optional<std::size_t> count_elements(const std::vector<std::uint64_t>& shape, std::size_t size, std::size_t most) {
  std::size_t count = 1;
  for (const auto extent : shape)
    if (extent == 0) return 0;
  for (const auto extent : shape) {
    if (extent > most / size / count) return std::nullopt;
    count *= extent;
  }
  return count;
}

// Copies to row-major order; `rank` counters run like those of an odometer.
void copy_elements(const char* data, const ElementType& type, bool swapped, const Header& header,
                   std::vector<float>& out) {
  const auto& shape = header.shape;
  std::vector<std::size_t> strides(shape.size(), 1), at(shape.size(), 0);
  if (header.fortran)
    for (std::size_t d = 1; d < shape.size(); ++d) strides[d] = strides[d - 1] * shape[d - 1];
  else
    for (std::size_t d = shape.size() - 1; d-- > 0;) strides[d] = strides[d + 1] * shape[d + 1];
  std::size_t from = 0;
  for (float& value : out) {
    value = type.read(data + from * type.size, swapped);
    for (std::size_t d = shape.size(); d-- > 0;) {
      from += strides[d];
      if (++at[d] < shape[d]) break;
      from -= strides[d] * shape[d];
      at[d] = 0;
    }
  }
}

}  // namespace

Built<Rows> parse_npy(std::string_view bytes) {
  const auto header = read_header(bytes);
  if (!header) return header.error();
  bool swapped = false;
  const ElementType* type = element_type(header->descr, swapped);
  if (!type)
    return wrong(10, "holds elements of type '" + header->descr.substr(0, 40) +
                         "', expected integers, booleans or floating point numbers of 32 or 64 bits");
  if (header->shape.size() < 2)
    return wrong(
        10, "holds an array of " + std::to_string(header->shape.size()) + " dimensions, expected rows: two or more");
  const std::size_t there = bytes.size() - header->data;
  const auto count = count_elements(header->shape, type->size, there);
  if (!count || *count * type->size != there)
    return wrong(header->data,
                 "holds " + std::to_string(there) + " bytes of elements, which is not what its shape asks for");
  Rows rows;
  for (std::size_t d = 1; d < header->shape.size(); ++d)
    rows.shape.push_back(static_cast<std::int64_t>(header->shape[d]));
  if (*count == 0) return wrong(header->data, "holds no elements");
  rows.count = header->shape[0];
  rows.values.resize(*count);
  copy_elements(bytes.data() + header->data, *type, swapped, *header, rows.values);
  return rows;
}

}  // namespace tailrace::cli
