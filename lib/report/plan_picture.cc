// The plan as boxes and arrows, from top to bottom; arms stand in the box of their combinator.
#include <fmt/format.h>

#include <algorithm>

#include "report/draw.h"
#include "tailrace/core/words.h"

namespace tailrace::report {
namespace {

constexpr double box_width = 232, line_height = 18, gap = 26, margin = 12;
constexpr std::size_t most_letters = 30;

struct Drawing {
  double width = 0, height = 0;
  std::string svg;
};
std::string moved(const Drawing& d, double x, double y) {
  return fmt::format("<g transform=\"translate({:.1f} {:.1f})\">{}</g>", x, y, d.svg);
}

// In the text, cut; in full where a pointer rests.
std::string label(double x, double y, const std::string& text, std::string_view css, std::size_t most) {
  const std::string cut = shortened(text, most);
  if (cut == escaped(text)) return text_at(x, y, cut, css);
  return fmt::format("<g><title>{}</title>{}</g>", escaped(text), text_at(x, y, cut, css));
}

// "scale(by=0.5)": boxes are narrow.
std::string call(const std::string& function, const Parameters& parameters, std::string_view otherwise) {
  std::string text;
  for (const Parameter& p : parameters.list())
    text += fmt::format("{}{}={}", text.empty() ? "" : ", ", p.name, p.is_text ? p.text : fmt::format("{}", p.number));
  const std::string name = function.empty() ? std::string(otherwise) : function;
  return text.empty() ? name : name + "(" + text + ")";
}

class Artist {
 public:
  Artist(const std::vector<StageTime>& stages, std::uint64_t requests)
      : stages_(stages), requests_(std::max<double>(1, static_cast<double>(requests))) {}

  // `inside`: an arm, whose input is drawn around it.
  Drawing graph(const Graph& graph, const std::string& path, bool inside) {
    struct Place {
      Drawing box;
      std::size_t row = 0;
      double x = 0, y = 0;
    };
    std::vector<Place> places;
    std::vector<double> widths, heights;
    for (const Node& node : graph.nodes) {
      Place p;
      if (node.kind != Kind::input) p.box = box(node, path_of(path, node));
      else if (!inside) p.box = pill("input: " + display_name(*node.type));
      for (const int in : node.inputs) p.row = std::max(p.row, places[static_cast<std::size_t>(in)].row + 1);
      widths.resize(std::max(widths.size(), p.row + 1));
      heights.resize(widths.size());
      widths[p.row] += p.box.width + (widths[p.row] > 0 ? gap : 0);
      heights[p.row] = std::max(heights[p.row], p.box.height);
      places.push_back(std::move(p));
    }
    Drawing all;
    all.width = *std::max_element(widths.begin(), widths.end());
    std::vector<double> x(widths.size()), y(widths.size());
    for (std::size_t row = 0; row < widths.size(); ++row) {
      x[row] = (all.width - widths[row]) / 2;
      y[row] = all.height;
      all.height += heights[row] + (row + 1 < widths.size() && heights[row] > 0 ? gap : 0);
    }
    for (Place& p : places) {
      p.x = x[p.row];
      p.y = y[p.row];
      x[p.row] += p.box.width + gap;
    }
    for (std::size_t i = 0; i < places.size(); ++i)
      for (const int in : graph.nodes[i].inputs)
        if (const Place& from = places[static_cast<std::size_t>(in)]; from.box.height > 0)
          all.svg += arrow(from.x + from.box.width / 2, from.y + from.box.height, places[i].x + places[i].box.width / 2,
                           places[i].y);
    for (const Place& p : places)
      if (p.box.height > 0) all.svg += moved(p.box, p.x, p.y);
    return all;
  }

 private:
  static std::string arrow(double x1, double y1, double x2, double y2) {
    const double bend = std::max(8., (y2 - y1) / 2);
    return fmt::format(
        "<path class=\"edge\" d=\"M{0:.1f} {1:.1f}C{0:.1f} {2:.1f} {3:.1f} {4:.1f} {3:.1f} {5:.1f}\"/>"
        "<path class=\"tip\" d=\"M{3:.1f} {6:.1f}l-4 -8h8z\"/>",
        x1, y1, y1 + bend, x2, y2 - 8 - bend / 2, y2 - 6, y2);
  }
  static Drawing pill(const std::string& text) {
    Drawing d{box_width, 28, {}};
    d.svg = fmt::format("<rect width=\"{}\" height=\"28\" rx=\"14\" class=\"pill\"/>", box_width) +
            label(16, 19, text, "s", most_letters);
    return d;
  }
  Drawing box(const Node& node, const std::string& where) {
    return node.arms.empty() ? leaf(node, where) : nest(node, where);
  }
  Drawing leaf(const Node& node, const std::string& where) const {
    const ModelUse& model = node.stage.model;
    const std::string function = call(node.stage.function, node.stage.parameters, "function");
    const std::string does = model.name.empty() ? function : "model " + model.name;
    std::vector<std::string> lines = {node.name.empty() ? does : node.name};
    if (node.kind == Kind::join) lines.push_back(function == "function" ? "join" : "join: " + function);
    else if (!node.name.empty() && does != node.name) lines.push_back(does);
    if (!model.variant.empty()) lines.push_back("variant " + model.variant);
    for (const StageTime& s : stages_)
      if (s.where == where && s.calls > 0)
        lines.push_back(fmt::format("{} x {:.3g} a request", time_in_words(s.running / static_cast<double>(s.calls)),
                                    static_cast<double>(s.calls) / requests_));
    Drawing d{box_width, 12 + line_height * static_cast<double>(lines.size()), {}};
    d.svg = fmt::format("<rect width=\"{}\" height=\"{}\" rx=\"6\" class=\"box\"/>", d.width, d.height);
    for (std::size_t i = 0; i < lines.size(); ++i)
      d.svg += label(10, 20 + line_height * static_cast<double>(i), lines[i], i ? "s" : "h",
                     i ? most_letters : most_letters - 3);
    return d;
  }
  // Rungs and stages of a staged follow each other; other arms stand side by side.
  Drawing nest(const Node& node, const std::string& where) {
    const bool down = node.kind == Kind::cascade || node.kind == Kind::staged;
    Drawing d;
    d.height = 32;
    double x = margin;
    std::string arms;
    for (std::size_t k = 0; k < node.arms.size(); ++k) {
      Drawing arm = graph(*node.arms[k].graph, arm_path(where, k), true);
      if (arm.height == 0) arm = pill("its input");
      const std::string title = arm_title(node, k);
      const double y = down ? d.height : 32;
      arms += label(down ? margin : x, y + 13, title, "s", static_cast<std::size_t>(arm.width / 7));
      arms += moved(arm, down ? margin : x, y + 20);
      if (down) {
        d.width = std::max(d.width, arm.width + 2 * margin);
        d.height += arm.height + 20 + margin;
      } else {
        x += arm.width + margin;
        d.width = x;
        d.height = std::max(d.height, 32 + 20 + arm.height + margin);
      }
    }
    d.width = std::max(d.width, box_width);
    d.svg = fmt::format("<rect width=\"{:.1f}\" height=\"{:.1f}\" rx=\"8\" class=\"nest\"/>", d.width, d.height) +
            label(margin, 21, node.name + " · " + std::string(name(node.kind)), "h",
                  static_cast<std::size_t>(d.width / 8)) +
            arms;
    return d;
  }
  static std::string arm_title(const Node& node, std::size_t k) {
    const Arm& arm = node.arms[k];
    switch (node.kind) {
      case Kind::cascade:
        return fmt::format(
            "rung {}{}", k,
            arm.exit ? ", exit if " + call(arm.exit.function, arm.exit.parameters, "its test holds") : "");
      case Kind::staged: return fmt::format("stage {}", k);
      case Kind::hedge: return k ? "second call, of another kind" : "call";
      case Kind::each: return "each element";
      case Kind::race:
      case Kind::quorum:
      case Kind::choose: return fmt::format("arm {}", k);
      case Kind::input:
      case Kind::then:
      case Kind::join: break;
    }
    return {};
  }

  const std::vector<StageTime>& stages_;
  const double requests_;
};

}  // namespace

std::string plan_picture(const PlanData& plan, const Run& run) {
  const Drawing d = Artist(run.stages, run.seen).graph(*plan.graph, {}, false);
  return fmt::format(
      "<div class=\"plan scroll\"><svg width=\"{0:.0f}\" height=\"{1:.0f}\" viewBox=\"-1 -1 {0:.0f} {1:.0f}\" "
      "role=\"img\" aria-label=\"The plan: stages and how they feed each other\">{2}</svg></div>\n",
      d.width + 2, d.height + 2, d.svg);
}

}  // namespace tailrace::report
