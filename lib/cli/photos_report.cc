#include <fmt/format.h>

#include <algorithm>

#include "cli/photos.h"

namespace tailrace::cli {

namespace {

// "espresso 95.1 %, cup 1.5 %", so many of them.
std::string in_words(const stages::Ranking& ranking, std::size_t most) {
  std::string text;
  for (std::size_t i = 0; i < std::min(most, ranking.size()); ++i)
    text += fmt::format("{}{} {:.1f} %", i ? ", " : "",
                        ranking[i].label.empty() ? fmt::format("class {}", ranking[i].index) : ranking[i].label,
                        100 * ranking[i].score);
  return text;
}

std::string said(const PhotosFigures& figures) {
  std::string text;
  for (const auto& photo : figures.photos) {
    text += "  " + photo.name + "\n";
    for (std::size_t k = 0; k < photo.rungs.size(); ++k) {
      const bool answers = static_cast<int>(k) == photo.rung;
      text += fmt::format("  {} {:<8}{}\n", answers ? " >" : "  ", figures.rungs[k].model,
                          in_words(photo.rungs[k], answers ? 5 : 2));
    }
  }
  return text;
}

std::string costs(const PhotosFigures& figures) {
  std::string text = fmt::format("  {:<12}{:>10}{:>14}{:>12}\n", "", "a photo", "of the photos", "went on") +
                     fmt::format("  {:<12}{:>7.2f} ms{:>14}\n", "decoding", figures.decode_ms, "100 %");
  for (std::size_t k = 0; k < figures.rungs.size(); ++k) {
    const auto& rung = figures.rungs[k];
    const double next = k + 1 < figures.rungs.size() ? figures.rungs[k + 1].reached : 0;
    text += fmt::format("  {:<12}{:>7.2f} ms{:>14}", rung.model, rung.ms, fmt::format("{:.0f} %", 100 * rung.reached));
    if (k + 1 < figures.rungs.size() && rung.reached > 0)
      text += fmt::format("{:>12}", fmt::format("{:.0f} %", 100 * next / rung.reached));
    text += "\n";
  }
  return text + fmt::format("\n  A whole request took {:.1f} ms; asking {} alone, {:.1f} ms.\n", figures.cascade_ms,
                            figures.rungs.back().model, figures.last_ms);
}

}  // namespace

std::string photos_text(const PhotosFigures& figures) {
  std::string text = fmt::format("The plan made from {}:\n\n{}\n", figures.flow, figures.explanation) +
                     "What each network says (> marks the answer: the first network that is sure, or the last)\n\n" +
                     said(figures) + "\nWhat it cost, with the resizing in each rung\n\n" + costs(figures);
  if (figures.difference)
    text += fmt::format("  Probabilities differ from those of the Python originals by {:.1e} at most.\n",
                        *figures.difference);
  return text;
}

}  // namespace tailrace::cli
