// A join whose function does not take what the streams carry.
#include <tailrace/flow/combine.h>
#include <tailrace/flow/flow.h>

namespace zoo {
struct Image {};
struct Text {};
struct Label {};
Label match(const Image&, const Text&) { return {}; }
Text scan(const Image&) { return {}; }
int print(const Label&) { return 0; }
}  // namespace zoo

int main() {
  using namespace zoo;
  (void)tailrace::flow<Image>("zoo", [](tailrace::Stream<Image> image) {
    auto text = image.then("scan", scan);
#if MISUSE == 1
    // EXPECT: this function cannot be called with what the joined streams carry
    // EXPECT: join_function_must_take_all_streams<.*Label.*Image.*Text.*zoo::Text, zoo::Image>
    return tailrace::join_with("match", match, text, image).then("print", print);
#elif MISUSE == 2
    // EXPECT 2: this function cannot be called with what the joined streams carry
    // EXPECT 2: join_function_must_take_all_streams<.*zoo::Image, zoo::Text, zoo::Image>
    return tailrace::join_with("match", match, image, text, image).then("print", print);
#elif MISUSE == 3
    // EXPECT 3: this stage returns nothing; a stage must return a value or a Result
    return tailrace::join_with("match", [](const Image&, const Text&) {}, image, text);
#elif MISUSE == 4
    // EXPECT 4: this stage cannot be called with what the stream carries
    return tailrace::join("both", image, text.then("print", print));
#else
    return tailrace::join_with("match", match, image, text).then("print", print);
#endif
  });
}
