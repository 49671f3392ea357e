// A hedge whose calls could not both have its input, and calls that do not fit each other.
#include <tailrace/flow/combine.h>
#include <tailrace/flow/flow.h>

#include <memory>

namespace zoo {
struct Image {
  std::unique_ptr<int> pixels;
};
struct Label {};
struct Score {};
Label look(const Image&) { return {}; }
Label open(Image) { return {}; }
Score score(const Image&) { return {}; }
}  // namespace zoo

int main() {
  using namespace zoo;
  (void)tailrace::flow<Image>("zoo", [](tailrace::Stream<Image> image) {
#if MISUSE == 1
    // EXPECT: both calls of a hedge read one value, which cannot be copied
    // EXPECT: hedged_input_must_be_shared_or_copied<false, zoo::Image>
    return tailrace::hedge("h", image, {"adaptive"}, open);
#elif MISUSE == 2
    // EXPECT 2: hedged_input_must_be_shared_or_copied<false, zoo::Image>
    return tailrace::hedge("h", image, {"adaptive"}, look, open);
#elif MISUSE == 3
    // EXPECT 3: all arms must give the same type
    return tailrace::hedge("h", image, {"adaptive"}, look, score);
#else
    return tailrace::hedge("h", image, {"adaptive"}, look, look);
#endif
  });
}
