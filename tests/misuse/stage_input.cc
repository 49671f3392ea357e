// A stage that does not take what the stream carries: both types are named, in one message, also where more stages
// follow.
#include <tailrace/flow/flow.h>

namespace zoo {
struct Image {};
struct Pixels {};
struct Label {};

Pixels normalise(const Image&) { return {}; }
Label classify(const Pixels&) { return {}; }
Label from_image(const Image&) { return {}; }
int print(const Label&) { return 0; }
}  // namespace zoo

int main() {
  using namespace zoo;
  (void)tailrace::flow<Image>("zoo", [](tailrace::Stream<Image> image) {
#if MISUSE == 1
    // EXPECT: this stage cannot be called with what the stream carries
    // EXPECT: stage_must_take_what_the_stream_carries<.*Label.*Pixels.*zoo::Image>
    return image.then("classify", classify).then("print", print).then("again", print);
#elif MISUSE == 2
    // EXPECT 2: this stage cannot be called with what the stream carries
    // EXPECT 2: stage_must_take_what_the_stream_carries<.*Image.*zoo::Pixels>
    return image.then("normalise", normalise).then("classify", from_image).then("print", print);
#elif MISUSE == 3
    // EXPECT 3: this stage cannot be called with what the stream carries
    // EXPECT 3: stage_must_take_what_the_stream_carries<.*Flow<zoo::Image, zoo::Pixels>.*zoo::Pixels>
    auto inner = tailrace::flow<Image>("inner", [](tailrace::Stream<Image> i) { return i.then("normalise", normalise); });
    return image.then("normalise", normalise).then("inner", inner).then("classify", classify);
#else
    return image.then("normalise", normalise).then("classify", classify).then("print", print);
#endif
  });
}
