#include "tailrace/stages/judge.h"

#include "stages/elements.h"

namespace tailrace::stages {

namespace {

// The answers of all tensors, one after another, and how many numbers each is.
struct Answers {
  std::vector<float> values;
  std::size_t width = 0;
};

Result<Answers> read(const std::vector<Tensor>& tensors) {
  Answers answers;
  for (const Tensor& t : tensors) {
    const std::size_t rank = t.shape().rank();
    const auto width = rank == 1 || rank == 2 ? static_cast<std::size_t>(t.shape()[rank - 1]) : 0;
    if (t.dtype() != DType::float32 || width < 5 || width % 2 == 0 || (answers.width != 0 && width != answers.width))
      return Error(Code::shape_mismatch, "judge_boxes",
                   "takes answers of float32 [5 + 2 n] or [boxes, 5 + 2 n], all of the same n; got " +
                       std::string(name(t.dtype())) + " " + name(t.shape()));
    answers.width = width;
    const auto added = with_elements(t, "judge_boxes", [&]<class T>(std::span<const T> in) -> Result<bool> {
      answers.values.insert(answers.values.end(), in.begin(), in.end());
      return true;
    });
    if (!added) return added.error();
  }
  return answers;
}

// REQUIRES: `said` holds `width` numbers.
void put(Box& box, const float* said, std::size_t width) {
  const std::size_t marks = (width - 5) / 2;
  const float across = box.right - box.left + 1, down = box.bottom - box.top + 1;
  box.score = said[0];
  std::copy(said + 1, said + 5, box.shift.begin());
  box.marks.clear();
  for (std::size_t k = 0; k < marks; ++k)
    box.marks.push_back({across * said[5 + k] + box.left - 1, down * said[5 + marks + k] + box.top - 1});
}

}  // namespace

Result<Boxes> JudgeBoxes::operator()(Boxes boxes, const std::vector<Tensor>& answers) const {
  const auto said = read(answers);
  if (!said) return said.error();
  const std::size_t count = said->width == 0 ? 0 : said->values.size() / said->width;
  if (count != boxes.size())
    return Error(Code::shape_mismatch, "judge_boxes",
                 "got " + std::to_string(count) + " answers for " + std::to_string(boxes.size()) + " boxes");
  Boxes kept;
  for (std::size_t i = 0; i < count; ++i) {
    const float* answer = said->values.data() + i * said->width;
    if (!(answer[0] > static_cast<float>(least))) continue;
    put(boxes[i], answer, said->width);
    kept.push_back(std::move(boxes[i]));
  }
  return kept;
}

Wrapped<JudgeBoxes> judge_boxes(JudgeBoxes how) {
  auto stage = named("judge_boxes", {{"least", how.least}}, how);
  stage.options.replicable = true;
  return stage;
}

}  // namespace tailrace::stages
