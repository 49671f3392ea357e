#include <stdlib.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "rivals/scenario.h"
#include "tailrace/core/random.h"

namespace rivals {
namespace {

namespace fs = std::filesystem;
using tailrace::test::DenseLayer;

// Weights as a network has them before it is trained: what they are makes no difference to what they take.
DenseLayer layer(std::size_t inputs, std::size_t outputs, tailrace::Random& random) {
  DenseLayer made{inputs, std::vector<float>(inputs * outputs), std::vector<float>(outputs)};
  const double reach = std::sqrt(6. / static_cast<double>(inputs));  // He and others (2015)
  for (float& w : made.weights) w = static_cast<float>((2 * random.uniform() - 1) * reach);
  return made;
}

std::vector<double> ask(const std::vector<DenseLayer>& layers, const Row& row) {
  std::vector<double> x(row.begin(), row.end());
  for (const DenseLayer& l : layers) {
    std::vector<double> y(l.bias.begin(), l.bias.end());
    for (std::size_t o = 0; o < y.size(); ++o)
      for (std::size_t i = 0; i < l.inputs; ++i) y[o] += double{l.weights[o * l.inputs + i]} * x[i];
    if (&l != &layers.back())
      for (double& v : y) v = std::max(v, 0.);
    x = std::move(y);
  }
  return x;
}

double margin(std::vector<double> scores) {
  std::nth_element(scores.begin(), scores.begin() + 1, scores.end(), std::greater<>());
  return *std::max_element(scores.begin(), scores.end()) - scores[1];
}
std::uint32_t best(const std::vector<double>& scores) {
  return static_cast<std::uint32_t>(std::max_element(scores.begin(), scores.end()) - scores.begin());
}

std::vector<Row> read_rows(const std::string& file, std::size_t most) {
  std::ifstream in(file);
  std::vector<Row> rows;
  for (std::string line; rows.size() < most && std::getline(in, line);) {
    std::istringstream numbers(line);
    Row row{};
    char comma = 0;
    for (float& v : row)
      if (!(numbers >> v >> comma)) throw std::runtime_error(file + ": not a row of 64 numbers: " + line);
    for (float& v : row) v /= 16;
    rows.push_back(row);
  }
  if (rows.empty()) throw std::runtime_error(file + ": has no rows");
  return rows;
}

// So that 30 in 100 are unsure, and nobody so nearly that rounding decides: in the widest gap near there.
float choose_sure(std::vector<double> margins) {
  std::sort(margins.begin(), margins.end());
  const std::size_t middle = margins.size() * 3 / 10;
  std::size_t widest = middle;
  for (std::size_t i = middle - middle / 20; i < middle + middle / 20; ++i)
    if (margins[i + 1] - margins[i] > margins[widest + 1] - margins[widest]) widest = i;
  return static_cast<float>((margins[widest] + margins[widest + 1]) / 2);
}

void write(const std::string& file, const std::string& bytes) { std::ofstream(file, std::ios::binary) << bytes; }

}  // namespace

std::shared_ptr<const Networks> make_networks() {
  auto made = std::shared_ptr<Networks>(new Networks, [](Networks* n) {
    std::error_code ignored;
    fs::remove_all(n->folder, ignored);
    delete n;
  });
  tailrace::Random random(20261128);
  made->small = {layer(64, 256, random), layer(256, 10, random)};
  made->large = {layer(64, 1024, random), layer(1024, 1024, random), layer(1024, 10, random)};
  made->rows = read_rows(RIVALS_DIGITS, 512);
  std::vector<std::vector<double>> first;
  std::vector<double> margins;
  for (const Row& row : made->rows) margins.push_back(margin(first.emplace_back(ask(made->small, row))));
  made->sure = choose_sure(margins);
  std::size_t unsure = 0;
  for (std::size_t i = 0; i < made->rows.size(); ++i) {
    const bool leaves = margins[i] >= made->sure;
    unsure += !leaves;
    made->answers.push_back(best(leaves ? first[i] : ask(made->large, made->rows[i])));
  }
  made->unsure = static_cast<double>(unsure) / static_cast<double>(made->rows.size());

  std::string pattern = (fs::temp_directory_path() / "tailrace-rivals-XXXXXX").string();
  if (!::mkdtemp(pattern.data())) throw std::runtime_error("no folder for networks: " + pattern);
  made->folder = pattern;
  for (const auto& [name, layers] : {std::pair{"small", &made->small}, {"large", &made->large}}) {
    const std::string file = made->folder + "/" + name;
    write(file + ".onnx", tailrace::test::onnx_of(*layers));
    save_torch(*layers, file + ".pt");
  }
  return made;
}

}  // namespace rivals
