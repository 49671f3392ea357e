// A model over types that nobody said how to make rows of.
#include <tailrace/plan/model_stage.h>

#include <array>

namespace zoo {
struct Image {};
}  // namespace zoo
using Scores = std::array<float, 10>;

int main() {
#if MISUSE == 1
  // EXPECT: row_traits of the model's input type are missing; see core/row_traits.h
  // EXPECT: zoo::Image
  (void)tailrace::model<zoo::Image, Scores>("digit");
#elif MISUSE == 2
  // EXPECT 2: row_traits of the model's output type are missing; see core/row_traits.h
  // EXPECT 2: zoo::Image
  (void)tailrace::model<Scores, zoo::Image>("digit", {.accuracy = 0.9});
#else
  (void)tailrace::model<Scores, Scores>("digit", {.accuracy = 0.9});
#endif
}
