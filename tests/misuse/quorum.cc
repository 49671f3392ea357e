// A quorum whose answers cannot be compared, and arms that do not fit it.
#include <tailrace/flow/combine.h>
#include <tailrace/flow/flow.h>

#include <string>

namespace zoo {
struct Image {};
struct Label {
  bool operator==(const Label&) const = default;
};
struct Score {};
struct Odd {
  void operator==(const Odd&) const {}
};
Label label(const Image&) { return {}; }
Score score(const Image&) { return {}; }
Odd odd(const Image&) { return {}; }
std::vector<Score> scores(const Image&) { return {}; }
std::vector<std::string> words(const Image&) { return {}; }
std::pair<Label, Score> both(const Image&) { return {}; }
int print(const Label&) { return 0; }
}  // namespace zoo

int main() {
  using namespace zoo;
  (void)tailrace::flow<Image>("zoo", [](tailrace::Stream<Image> image) {
#if MISUSE == 1
    // EXPECT: a quorum compares its arms' answers; this type has no operator== that gives a bool
    // EXPECT: answers_must_be_comparable<false, zoo::Score>
    return tailrace::quorum("vote", 2, image, score, score).then("print", print);
#elif MISUSE == 2
    // EXPECT 2: answers_must_be_comparable<false, std::(__1::)?vector<zoo::Score
    return tailrace::quorum("vote", 2, image, scores, scores).then("print", print);
#elif MISUSE == 3
    // EXPECT 3: answers_must_be_comparable<false, std::(__1::)?pair<zoo::Label, zoo::Score
    return tailrace::quorum("vote", 2, image, both, both).then("print", print);
#elif MISUSE == 4
    // EXPECT 4: answers_must_be_comparable<false, zoo::Odd>
    return tailrace::quorum("vote", 2, image, odd, odd).then("print", print);
#elif MISUSE == 5
    // EXPECT 5: all arms must give the same type
    // EXPECT 5: arms_must_give_one_type<.*zoo::Label, zoo::Score>
    return tailrace::quorum("vote", 2, image, label, score).then("print", print);
#elif MISUSE == 6
    // EXPECT 6: a race, quorum, cascade, staged or choose needs at least one arm
    return tailrace::quorum("vote", 2, image).then("print", print);
#elif MISUSE == 7
    // EXPECT 7: this stage cannot be called with what the stream carries
    return tailrace::quorum("vote", 2, image, print, label);
#else
    auto all = tailrace::quorum("words", 1, image, words, words);
    return tailrace::join("all", all, tailrace::quorum("vote", 2, image, label, label, label).then("print", print));
#endif
  });
}
