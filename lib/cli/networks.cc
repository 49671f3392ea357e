#include "cli/networks.h"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "cli/models.h"
#include "cli/progress.h"
#include "cli/train.h"

namespace tailrace::cli {

namespace {

constexpr int recipe = 1;  // of training; another number trains anew
const Shape row_shape{64};
constexpr std::int64_t classes = 10;

#if TAILRACE_HAS_TORCH
Status train(bool large, const TrainingSet& data, std::uint64_t seed, const std::string& path) {
  return large ? train_large(data, seed, path) : train_tiny(data, seed, path);
}
#else
Status train(bool, const TrainingSet&, std::uint64_t, const std::string&) { return Error(Code::unsupported, no_torch); }
#endif

TrainingSet training_set(const Images& images) {
  TrainingSet data{images.pixels, images.labels};
  for (float& x : data.pixels) x /= 16;
  return data;
}

// The model of a file, if it answers an image with ten scores.
Built<std::shared_ptr<const Model>> open(const std::string& path, const std::string& name) {
  auto model = open_model(path, name, {.row = &row_shape});
  if (!model) return model;
  const Tensor blank = Tensor::zeros(DType::float32, {1, row_shape[0]});
  Tensor scores;
  if (const Status status = (*model)->run({&blank, 1}, {&scores, 1}); !status)
    return Problems(status.error().code(), path, std::string(status.error().what()));
  if (scores.shape() == Shape{1, classes}) return model;
  return Problems(Code::shape_mismatch, path,
                  "gives " + tailrace::name(scores.shape()) + " for an image, expected [1, 10]");
}

Built<std::shared_ptr<const Model>> open_or_train(const std::string& folder, bool large, const Digits& digits,
                                                  std::uint64_t seed) {
  const std::string name = large ? "large" : "tiny", path = folder + "/" + name + ".pt";
  if (std::filesystem::exists(path)) {
    auto cached = open(path, name);
    if (cached) return cached;
    std::fprintf(stderr, "%s cannot be used and is made again: %s\n", path.c_str(),
                 cached.error().list().front().what.c_str());
  }
  {
    const Progress progress(
        fmt::format("training the {} network, seed {}{}", name, seed, large ? " (several seconds)" : ""));
    if (const Status status = train(large, training_set(digits.train), seed, path); !status)
      return Problems(status.error().code(), path, std::string(status.error().what()));
  }
  return open(path, name);
}

}  // namespace

Built<std::string> default_cache(const std::string& folder) {
  const auto set = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string(value ? value : "");
  };
  if (const auto cache = set("XDG_CACHE_HOME"); cache.starts_with('/')) return cache + "/tailrace/" + folder;
  if (const auto home = set("HOME"); !home.empty()) return home + "/.cache/tailrace/" + folder;
  return Problems(Code::bad_value, "",
                  "neither XDG_CACHE_HOME nor HOME is set, and no folder of the networks is named");
}

Built<Networks> open_networks(const Digits& digits, std::uint64_t seed, const std::string& cache) {
  Networks networks;
  networks.folder = fmt::format("{}/digits-{}-{}-{:016x}/seed-{}", cache, TAILRACE_VERSION, recipe, digits.hash, seed);
  std::error_code error;
  std::filesystem::create_directories(networks.folder, error);
  if (error) return Problems(Code::bad_file, networks.folder, "cannot be created: " + error.message());
  for (const bool large : {false, true}) {
    auto model = open_or_train(networks.folder, large, digits, seed);
    if (!model) return model.error();
    (large ? networks.large : networks.tiny) = *std::move(model);
  }
  return networks;
}

}  // namespace tailrace::cli
