#include "tailrace/stages/resize.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "stages/pictures.h"

namespace tailrace::stages {

namespace {

constexpr int weight_bits = 22;

double radius(Filter filter) {
  switch (filter) {
    case Filter::bilinear: return 1;
    case Filter::bicubic: return 2;
  }
  return 0;
}

double bilinear(double x) { return std::max(0., 1 - std::abs(x)); }
double bicubic(double x) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

// Which inputs along one side an output is made of, and how much of each.
struct Blend {
  std::int64_t first = 0;
  std::size_t count = 0;
  std::size_t weights = 0;  // where its weights stand in Side::weights
};
struct Side {
  std::vector<Blend> blends;          // one an output
  std::vector<std::int32_t> weights;  // in units of 2^-weight_bits
};

void add_blend(Side& side, double centre, double stretch, std::int64_t inputs, Filter filter) {
  const double reach = radius(filter) * stretch;
  const auto first = std::max<std::int64_t>(0, static_cast<std::int64_t>(centre - reach + 0.5));
  const auto last = std::min(inputs, static_cast<std::int64_t>(centre + reach + 0.5));
  std::vector<double> weights;
  double sum = 0;
  for (auto i = first; i < last; ++i) {
    const double x = (static_cast<double>(i) - centre + 0.5) / stretch;
    weights.push_back(filter == Filter::bilinear ? bilinear(x) : bicubic(x));
    sum += weights.back();
  }
  side.blends.push_back({first, weights.size(), side.weights.size()});
  for (const double w : weights)
    side.weights.push_back(static_cast<std::int32_t>(std::round(w / sum * (1 << weight_bits))));
}

Side side_of(std::int64_t inputs, std::int64_t outputs, Filter filter) {
  Side side;
  const double scale = static_cast<double>(inputs) / static_cast<double>(outputs), stretch = std::max(scale, 1.);
  for (std::int64_t i = 0; i < outputs; ++i)
    add_blend(side, (static_cast<double>(i) + 0.5) * scale, stretch, inputs, filter);
  return side;
}

constexpr std::int32_t half = 1 << (weight_bits - 1);
std::uint8_t to_byte(std::int32_t sum) { return static_cast<std::uint8_t>(std::clamp(sum >> weight_bits, 0, 255)); }

// One row of pixels, to as many as the side has.
template <int Channels>
void along_row(const std::uint8_t* from, std::uint8_t* to, const Side& side) {
  for (const Blend& blend : side.blends) {
    std::int32_t sums[Channels];
    std::fill_n(sums, Channels, half);
    const std::uint8_t* pixel = from + blend.first * Channels;
    const std::int32_t* weights = side.weights.data() + blend.weights;
    for (std::size_t k = 0; k < blend.count; ++k, pixel += Channels)
      for (int c = 0; c < Channels; ++c) sums[c] += pixel[c] * weights[k];
    for (const std::int32_t sum : sums) *to++ = to_byte(sum);
  }
}

template <int Channels>
void along_rows(const Tensor& from, const Tensor& to, const Side& side) {
  const auto* in = static_cast<const std::uint8_t*>(from.data());
  auto* out = static_cast<std::uint8_t*>(to.data());
  for (std::int64_t y = 0; y < height_of(from); ++y)
    along_row<Channels>(in + y * width_of(from) * Channels, out + y * width_of(to) * Channels, side);
}

// REQUIRES: from is contiguous and has 1 to 4 channels.
Tensor change_width(const Tensor& from, std::int64_t width, Filter filter) {
  const Tensor to = Tensor::zeros(DType::uint8, {height_of(from), width, channels_of(from)});
  const Side side = side_of(width_of(from), width, filter);
  switch (channels_of(from)) {
    case 1: along_rows<1>(from, to, side); break;
    case 2: along_rows<2>(from, to, side); break;
    case 3: along_rows<3>(from, to, side); break;
    default: along_rows<4>(from, to, side); break;
  }
  return to;
}

// REQUIRES: from is contiguous.
Tensor change_height(const Tensor& from, std::int64_t height, Filter filter) {
  const Tensor to = Tensor::zeros(DType::uint8, {height, width_of(from), channels_of(from)});
  const Side side = side_of(height_of(from), height, filter);
  const auto width = static_cast<std::size_t>(width_of(from) * channels_of(from));
  const auto* in = static_cast<const std::uint8_t*>(from.data());
  auto* out = static_cast<std::uint8_t*>(to.data());
  std::vector<std::int32_t> sums(width);
  for (const Blend& blend : side.blends) {
    std::fill(sums.begin(), sums.end(), half);
    const std::uint8_t* row = in + static_cast<std::size_t>(blend.first) * width;
    for (std::size_t k = 0; k < blend.count; ++k, row += width) {
      const std::int32_t weight = side.weights[blend.weights + k];
      for (std::size_t x = 0; x < width; ++x) sums[x] += row[x] * weight;
    }
    for (const std::int32_t sum : sums) *out++ = to_byte(sum);
  }
  return to;
}

struct Size {
  std::int64_t height, width;
};

Result<Size> new_size(const Tensor& picture, const Resize& how) {
  Size size{how.height, how.width};
  if (how.shorter > 0) {
    const auto h = height_of(picture), w = width_of(picture);
    const auto longer =
        static_cast<double>(how.shorter) * static_cast<double>(std::max(h, w)) / static_cast<double>(std::min(h, w));
    size = {how.shorter, how.shorter};
    (h < w ? size.width : size.height) = static_cast<std::int64_t>(std::min(longer, 1e15));
  }
  if (size.height < 1 || size.width < 1)
    return Error(Code::bad_value, "resize", "needs 'shorter', or 'height' and 'width', above 0");
  if (size.height > most_pixels / size.width)
    return Error(Code::bad_value, "resize",
                 "would make " + size_in_words(size.height, size.width) + " pixels, " + std::to_string(most_pixels) +
                     " at most");
  return size;
}

}  // namespace

Result<Tensor> Resize::operator()(const Tensor& picture) const {
  if (Status fit = check_picture(picture, "resize"); !fit) return fit.error();
  const auto size = new_size(picture, *this);
  if (!size) return size.error();
  if (channels_of(picture) > 4)
    return Error(Code::shape_mismatch, "resize", "takes 1 to 4 channels, got " + std::to_string(channels_of(picture)));
  const Tensor from = picture.contiguous() ? picture : picture.contiguous_copy();
  const auto fewer_rows = height_of(from) - size->height, fewer_columns = width_of(from) - size->width;
  if (fewer_rows > 0 && fewer_rows > 2 * fewer_columns)
    return change_width(change_height(from, size->height, filter), size->width, filter);
  return change_height(change_width(from, size->width, filter), size->height, filter);
}

Wrapped<Resize> resize(Resize how) {
  Parameters given;
  if (how.shorter > 0) given.add({"shorter", how.shorter});
  else given.add({"height", how.height}), given.add({"width", how.width});
  if (how.filter == Filter::bilinear) given.add({"filter", "bilinear"});
  auto stage = named("resize", std::move(given), how);
  stage.options.replicable = true;
  return stage;
}

}  // namespace tailrace::stages
