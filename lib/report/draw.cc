#include "report/draw.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tailrace/core/words.h"

namespace tailrace::report {
namespace {

// The bytes of the character that text begins with; 0 where they are no UTF-8.
std::size_t character(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const std::size_t size = lead < 0x80 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead >= 0xf5 || (lead >= 0x80 && lead < 0xc2) || size > text.size()) return 0;
  for (std::size_t i = 1; i < size; ++i)
    if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80) return 0;
  return size;
}

std::string with_unit(std::int64_t ns, std::int64_t unit, int digits, const char* name) {
  std::string text = fmt::format("{}.{:0{}}", ns / unit, ns % unit, digits);
  text.resize(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text + " " + name;
}

}  // namespace

std::string shortened(std::string_view text, std::size_t most) {
  std::string out;
  for (std::size_t n = 0; !text.empty(); ++n) {
    const std::size_t size = character(text);
    if (n + 1 == most && size < text.size()) return out + "…";
    const unsigned char c = size == 0 ? '?' : static_cast<unsigned char>(text[0]);
    if (c == '&') out += "&amp;";
    else if (c == '<') out += "&lt;";
    else if (c == '>') out += "&gt;";
    else if (c == '"') out += "&quot;";
    else if (size == 0 || (c < 0x20 && c != '\n') || c == 0x7f) out += '?';
    else out += text.substr(0, size);
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
  return out;
}
std::string escaped(std::string_view text) { return shortened(text, ~std::size_t{0}); }

std::string exact(Duration time) {
  const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(time).count();
  if (ns < 0) return "-" + exact(-time);
  if (ns < 1000) return fmt::format("{} ns", ns);
  if (ns < 1'000'000) return with_unit(ns, 1000, 3, "us");
  if (ns < 1'000'000'000) return with_unit(ns, 1'000'000, 6, "ms");
  return with_unit(ns, 1'000'000'000, 9, "s");
}

std::string grouped(std::uint64_t n) {
  std::string text = std::to_string(n);
  for (auto at = static_cast<std::ptrdiff_t>(text.size()) - 3; at > 0; at -= 3)
    text.insert(static_cast<std::size_t>(at), "\u202f");
  return text;
}
std::string plain(double value) { return fmt::format("{}", value); }

// ---- pictures

std::string text_at(double x, double y, std::string_view text, std::string_view css, std::string_view anchor) {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\"{}{}>{}</text>", x, y,
                     css.empty() ? std::string() : fmt::format(" class=\"{}\"", css),
                     anchor.empty() ? std::string() : fmt::format(" text-anchor=\"{}\"", anchor), text);
}
std::string line(double x1, double y1, double x2, double y2, std::string_view css) {
  return fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" class=\"{}\"/>", x1, y1, x2, y2,
                     css);
}
std::string rectangle(double x, double y, double width, double height, std::string_view css, std::string_view title) {
  const std::string shape =
      fmt::format("<rect x=\"{:.2f}\" y=\"{:.2f}\" width=\"{:.2f}\" height=\"{:.2f}\" class=\"{}\"", x, y,
                  std::max(0., width), std::max(0., height), css);
  if (title.empty()) return shape + "/>";
  return fmt::format("{}><title>{}</title></rect>", shape, escaped(title));
}
std::string figure(std::string_view heading, std::string_view note, double height, const std::string& content,
                   std::string_view described) {
  return fmt::format(
      "<figure><h3>{}</h3><svg viewBox=\"0 0 {:.0f} {:.0f}\" role=\"img\" aria-label=\"{}\">{}</svg>"
      "<figcaption>{}</figcaption></figure>\n",
      heading, chart_width, height, escaped(described), content, note);
}

TimeAxis::TimeAxis(Duration least, Duration most, double left, double right) : left_(left), right_(right) {
  const double low = std::max(1e-9, to_seconds(least)), high = std::max(low, to_seconds(most));
  low_ = std::log10(low / 1.1);
  high_ = std::log10(high * 1.1);
}
double TimeAxis::at(double seconds) const {
  return left_ + (right_ - left_) * std::clamp((std::log10(std::max(1e-9, seconds)) - low_) / (high_ - low_), 0., 1.);
}
double TimeAxis::time(double share) const { return std::pow(10., low_ + share * (high_ - low_)); }

std::string TimeAxis::drawn(double y) const {
  std::string text = line(left_, y, right_, y, "axis");
  const bool wide = high_ - low_ > 2.6;  // decades: 1 alone, or 1, 2 and 5
  double free = left_;
  for (int decade = static_cast<int>(std::floor(low_)); decade <= static_cast<int>(std::ceil(high_)); ++decade)
    for (const double step : {1., 2., 5.}) {
      const double seconds = step * std::pow(10., decade), log = std::log10(seconds);
      if (log < low_ || log > high_ || (wide && step != 1)) continue;
      const double x = at(seconds);
      text += line(x, y, x, y + 5, "axis");
      if (x < free || x > right_ - 24) continue;
      text += text_at(x, y + 20, time_in_words(seconds), "s", "middle");
      free = x + 78;
    }
  return text;
}

}  // namespace tailrace::report
