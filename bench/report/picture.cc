#include "report/picture.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <sstream>
#include <vector>

namespace svg {
namespace {

constexpr double width = 720, height = 400, left = 64, right = 168, top = 24, bottom = 56;
constexpr std::array colours{"#1b6ca8", "#c8553d", "#3c8d53", "#8a5aa8", "#a88a1b", "#555555"};

// Text that may stand in XML.
std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '&') out += "&amp;";
    else if (c == '<') out += "&lt;";
    else if (c == '>') out += "&gt;";
    else out += c;
  }
  return out;
}

// From values to places in the picture.
struct Scale {
  double x_first = 0, x_last = 1;  // logarithms
  double y_first = 0, y_last = 1, y_step = 1;

  explicit Scale(const Json& picture) {
    const Json& lines = picture.at("lines");
    double least = 1e300, most = 0, highest = 0;
    for (const Json& line : lines)
      for (const Json& p : line.at("points")) {
        least = std::min(least, p.at(0).get<double>());
        most = std::max(most, p.at(0).get<double>());
        highest = std::max(highest, p.at(1).get<double>());
      }
    if (most <= 0) return;
    if (const double edge = picture.value("highest", 0.); edge > 0) highest = std::min(highest, edge);
    x_first = std::floor(std::log10(least));
    x_last = std::max(x_first + 1, std::ceil(std::log10(most)));
    y_first = picture.value("lowest", 0.);
    const double range = std::max(highest - y_first, 1e-9);
    y_step = std::pow(10, std::floor(std::log10(range)));
    if (range / y_step < 2.5) y_step /= 5;
    y_last = y_first + std::ceil(range / y_step) * y_step;
  }
  double x(double value) const {
    return left + (std::log10(value) - x_first) / (x_last - x_first) * (width - left - right);
  }
  double y(double value) const {
    const double share = (std::min(value, y_last) - y_first) / (y_last - y_first);
    return height - bottom - share * (height - top - bottom);
  }
};

class Drawing {
 public:
  explicit Drawing(const Json& picture) : picture_(picture), scale_(picture) {
    out_ << "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " << width << " " << height
         << "\" font-family=\"sans-serif\" font-size=\"12\">\n"
         << "<rect width=\"" << width << "\" height=\"" << height << "\" fill=\"white\"/>\n";
    axes();
    std::size_t number = 0;
    for (const Json& line : picture.at("lines")) this->line(line, number++);
    out_ << "</svg>\n";
  }
  std::string take() const { return out_.str(); }

 private:
  void text(double x, double y, const std::string& what, const std::string& more = "text-anchor=\"middle\"") {
    out_ << "<text x=\"" << x << "\" y=\"" << y << "\" " << more << ">" << escaped(what) << "</text>\n";
  }
  void rule(double x1, double y1, double x2, double y2) {
    out_ << "<line x1=\"" << x1 << "\" y1=\"" << y1 << "\" x2=\"" << x2 << "\" y2=\"" << y2
         << "\" stroke=\"#dddddd\"/>\n";
  }
  static std::string number(double value) {
    std::ostringstream out;
    out << (std::fabs(value) < 1e15 && value == std::floor(value) ? std::floor(value) : value);
    return out.str();
  }
  void axes() {
    const double floor = height - bottom, end = width - right;
    for (double decade = scale_.x_first; decade <= scale_.x_last; ++decade) {
      const double value = std::pow(10, decade), x = scale_.x(value);
      rule(x, top, x, floor);
      text(x, floor + 18, number(value));
    }
    const int steps = static_cast<int>(std::lround((scale_.y_last - scale_.y_first) / scale_.y_step));
    for (int i = 0; i <= steps; ++i) {
      const double value = scale_.y_first + i * scale_.y_step, y = scale_.y(value);
      rule(left, y, end, y);
      text(left - 8, y + 4, number(value), "text-anchor=\"end\"");
    }
    text((left + end) / 2, height - 14, picture_.at("x").get<std::string>());
    text(14, top - 8, picture_.at("y").get<std::string>(), "text-anchor=\"start\"");
  }
  void line(const Json& line, std::size_t i) {
    const std::string colour = colours[i % colours.size()];
    std::ostringstream points;
    for (const Json& p : line.at("points")) {
      const double x = scale_.x(p.at(0).get<double>()), y = scale_.y(p.at(1).get<double>());
      points << x << "," << y << " ";
      out_ << "<circle cx=\"" << x << "\" cy=\"" << y << "\" r=\"2.5\" fill=\"" << colour << "\"/>\n";
    }
    out_ << "<polyline points=\"" << points.str() << "\" fill=\"none\" stroke-width=\"1.5\" stroke=\"" << colour
         << "\"/>\n";
    const double y = top + 8 + 18 * static_cast<double>(i);
    out_ << "<rect x=\"" << width - right + 12 << "\" y=\"" << y - 6 << "\" width=\"16\" height=\"3\" fill=\"" << colour
         << "\"/>\n";
    text(width - right + 34, y, line.at("name").get<std::string>(), "text-anchor=\"start\"");
  }

  const Json& picture_;
  Scale scale_;
  std::ostringstream out_;
};

}  // namespace

std::string draw(const Json& picture) { return Drawing(picture).take(); }

}  // namespace svg
