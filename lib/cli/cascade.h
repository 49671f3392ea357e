#pragma once
#include <memory>
#include <string>
#include <vector>

#include "cli/digits.h"
#include "tailrace/plan/catalog.h"
#include "tailrace/plan/model_stage.h"

namespace tailrace::cli {

// The digits pipeline by hand, as a plain loop would run it: what the engine's answers and times are held against.
class ByHand {
 public:
  ByHand(std::shared_ptr<const Model> tiny, std::shared_ptr<const Model> large);

  Result<std::int64_t> tiny(const Tensor& image) const;
  Result<std::int64_t> large(const Tensor& image) const;

  struct Answer {
    std::int64_t label = -1;
    int rung = 0;
  };
  Result<Answer> cascade(const Tensor& image, double least_margin) const;

  // How sure the tiny network is.
  Result<double> margin(const Tensor& image) const;

 private:
  ModelStage<Tensor, Tensor> tiny_, large_;
};

// An exit threshold, and what the cascade does with it on the images it was chosen on.
struct Threshold {
  double least = 0;
  double accuracy = 0;        // of the cascade
  double large_accuracy = 0;  // of the large network alone
  double tiny_accuracy = 0;
  double share_large = 0;  // of images that go on to the large network
};
// The highest threshold, in hundredths, that sends at most this share of the images on to the large network. A share is
// told well by a few hundred images; what a threshold costs in accuracy is a matter of two or three of them.
Result<Threshold> choose_threshold(const ByHand& networks, const Images& images, double most_large);

// The flow of `path` with `least` as parameter of its exit test "margin", written to `copy`.
Built<bool> write_threshold(const std::string& path, const std::string& copy, double least, const Catalog& catalog);

}  // namespace tailrace::cli
