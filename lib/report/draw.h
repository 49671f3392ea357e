#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "tailrace/core/clock.h"
#include "tailrace/report/page.h"

// How a page is put together. Pictures are SVG in the page's own units; their colours are classes of style.h.
namespace tailrace::report {

// Text that may stand anywhere in HTML, also in an attribute. What is no UTF-8 becomes '?'.
std::string escaped(std::string_view text);
// The same, with so many characters at most.
std::string shortened(std::string_view text, std::size_t most);

std::string exact(Duration time);      // "4.551237 ms": every nanosecond
std::string grouped(std::uint64_t n);  // "1 234 567", with thin spaces
std::string plain(double value);       // as many digits as tell it from others, and no more

// ---- pictures

inline constexpr double chart_width = 520;

std::string text_at(double x, double y, std::string_view text, std::string_view css = "", std::string_view anchor = "");
// From `from` to `to` in units of the picture.
std::string line(double x1, double y1, double x2, double y2, std::string_view css);
std::string rectangle(double x, double y, double width, double height, std::string_view css,
                      std::string_view title = "");
// A figure with a heading and what stands under it.
std::string figure(std::string_view heading, std::string_view note, double height, const std::string& content,
                   std::string_view described);

// A logarithmic axis of times.
class TimeAxis {
 public:
  TimeAxis(Duration least, Duration most, double left, double right);
  double at(double seconds) const;
  double time(double share) const;  // in seconds, 0 to 1 of its length
  std::string drawn(double y) const;

 private:
  double low_, high_, left_, right_;  // logarithms of seconds
};

std::string plan_picture(const PlanData& plan, const Run& run);
std::string latency_chart(const Run& run, const Run* other);
std::string tail_chart(const Run& run, const Run* other);
std::string timeline_chart(const Run& run);
std::string stage_chart(const Run& run);
std::string ratio_chart(const std::vector<load::Ratio>& ratios);

}  // namespace tailrace::report
