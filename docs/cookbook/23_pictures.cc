// From the bytes of a file to names of classes: decode, resize, crop, normalise, a network, softmax, top.
#include <tailrace/image/decode.h>
#include <tailrace/stages/crop.h>
#include <tailrace/stages/normalise.h>
#include <tailrace/stages/resize.h>
#include <tailrace/stages/softmax.h>
#include <tailrace/stages/top.h>
#include <tailrace/tailrace.h>

#include <fstream>
#include <iostream>
#include <iterator>
#include <numeric>

namespace tr = tailrace;
using tr::image::File;

namespace {

// In a network's place: takes planes of red, green and blue, and knows three classes by the mean of each.
tr::Tensor network(const tr::Tensor& planes) {
  auto scores = tr::Tensor::zeros(tr::DType::float32, {3});
  for (int c = 0; c < 3; ++c) {
    const auto plane = planes.row(c).as<float>();
    scores.as<float>()[static_cast<std::size_t>(c)] =
        std::accumulate(plane.begin(), plane.end(), 0.F) / static_cast<float>(plane.size());
  }
  return scores;
}

File read(const std::string& name) {
  std::ifstream in(RECIPE_DIR "/" + name, std::ios::binary);
  return {name, {std::istreambuf_iterator<char>(in), {}}};
}

}  // namespace

int main() {
  const auto labels = std::make_shared<const tr::stages::Labels>(tr::stages::Labels{"evening", "meadow", "sea"});
  auto classify = tr::flow<File>("classify", [&](tr::Stream<File> file) {
    auto picture = file.then("decode", tr::image::decode);                       // uint8, [height, width, 3]
    auto resized = picture.then("resize", tr::stages::resize({.shorter = 16}));  // as Pillow does
    auto middle = resized.then("crop", tr::stages::crop({.height = 16, .width = 16}));
    auto planes = middle.then("normalise", tr::stages::normalise({.mean = {127, 127, 127}, .deviation = {64, 64, 64}}));
    auto scores = planes.then("network", network);  // or a model: see recipe 5
    auto probabilities = scores.then("softmax", tr::stages::softmax);
    return probabilities.then("top", tr::stages::Top{.k = 2, .labels = labels});
  });
  auto engine = tr::start(classify, {.threads = 1}).value();

  for (const auto* name : {"23_pictures.png", "23_pictures.cc"}) {
    const auto ranking = engine.run(read(name));
    if (!ranking) {
      std::cout << tr::describe(ranking.error()) << "\n";
      continue;
    }
    std::cout << name << ":";
    for (const auto& ranked : *ranking) std::cout << " " << ranked.label << " " << int(100 * ranked.score) << " %";
    std::cout << "\n";
  }
}
