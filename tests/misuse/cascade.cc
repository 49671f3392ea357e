// Cascades whose rungs are not what they must be.
#include <tailrace/flow/combine.h>
#include <tailrace/flow/flow.h>

namespace zoo {
struct Image {};
struct Label {};
struct Score {};
Label label(const Image&) { return {}; }
bool sure(const Label&) { return true; }
bool high(const Score&) { return true; }
int print(const Label&) { return 0; }
}  // namespace zoo

int main() {
  using namespace zoo;
  (void)tailrace::flow<Image>("zoo", [](tailrace::Stream<Image> image) {
#if MISUSE == 1
    // EXPECT: the last rung of a cascade always answers; write it without exit_if
    return tailrace::cascade("label", image, tailrace::exit_if(label, sure), tailrace::exit_if(label, sure))
        .then("print", print);
#elif MISUSE == 2
    // EXPECT 2: every rung of a cascade but the last needs an exit test; write exit_if\(stage, test\)
    return tailrace::cascade("label", image, label, label).then("print", print);
#elif MISUSE == 3
    // EXPECT 3: this test or selector cannot be called with the value that it is to judge
    // EXPECT 3: test_must_take_the_value<.*Score.*zoo::Label>
    return tailrace::cascade("label", image, tailrace::exit_if(label, high), label).then("print", print);
#elif MISUSE == 4
    // EXPECT 4: this stage cannot be called with what the stream carries
    return tailrace::cascade("label", image.then("print", print), tailrace::exit_if(label, sure), label);
#elif MISUSE == 5
    // EXPECT 5: this stage cannot be called with what the stream carries
    auto label_of_int = image.then("print", print).then("label", label);
    return tailrace::cascade("again", label_of_int, tailrace::exit_if(print, sure), print).then("print", print);
#else
    return tailrace::cascade("label", image, tailrace::no_fallback, tailrace::exit_if(label, sure), label).then("print", print);
#endif
  });
}
