// Arms that do not fit their combinator.
#include <tailrace/flow/combine.h>
#include <tailrace/flow/flow.h>

namespace zoo {
struct Image {};
struct Label {};
struct Score {};
Label label(const Image&) { return {}; }
Score score(const Image&) { return {}; }
Label relabel(const Label&) { return {}; }
std::size_t pick(const Image&) { return 0; }
std::size_t pick_label(const Label&) { return 0; }
bool high(const Score&) { return true; }
}  // namespace zoo

int main() {
  using namespace zoo;
  (void)tailrace::flow<Image>("zoo", [](tailrace::Stream<Image> image) {
#if MISUSE == 1
    // EXPECT: all arms must give the same type
    // EXPECT: arms_must_give_one_type<.*zoo::Label, zoo::Score>
    return tailrace::race("fast", image, label, score).then("relabel", relabel);
#elif MISUSE == 2
    // EXPECT 2: all arms must give the same type
    // EXPECT 2: arms_must_give_one_type<.*zoo::Label, zoo::Score>
    return tailrace::choose("which", image, pick, label, label, score).then("relabel", relabel);
#elif MISUSE == 3
    // EXPECT 3: this stage cannot be called with what the stream carries
    // EXPECT 3: stage_must_take_what_the_stream_carries<.*Label.*Label.*zoo::Image>
    return tailrace::race("fast", image, label, relabel).then("relabel", relabel);
#elif MISUSE == 4
    // EXPECT 4: this test or selector cannot be called with the value that it is to judge
    // EXPECT 4: test_must_take_the_value<.*Label.*zoo::Image>
    return tailrace::choose("which", image, pick_label, label, label).then("relabel", relabel);
#elif MISUSE == 5
    // EXPECT 5: this test or selector cannot be called with the value that it is to judge
    // EXPECT 5: test_must_take_the_value<.*Score.*zoo::Label>
    return tailrace::race("fast", image, tailrace::valid_if(high), label, label);
#elif MISUSE == 6
    // EXPECT 6: this stage cannot be called with what the stream carries
    // EXPECT 6: stage_must_take_what_the_stream_carries<.*Label.*Label.*zoo::Image>
    auto many = image.then("many", [](const Image&) { return std::vector<Image>(3); });
    return tailrace::each("each", many, relabel).then("count", [](const std::vector<Label>& l) { return l.size(); });
#elif MISUSE == 7
    // EXPECT 7: each works on a stream of std::vector
    // EXPECT 7: each_needs_a_vector<.*zoo::Image>
    return tailrace::each("each", image, label).then("count", [](const std::vector<Label>& l) { return l.size(); });
#elif MISUSE == 8
    // EXPECT 8: a race, quorum, cascade, staged or choose needs at least one arm
    return tailrace::race("fast", image).then("relabel", relabel);
#else
    auto many = image.then("many", [](const Image&) { return std::vector<Image>(3); });
    auto labels = tailrace::each("each", many, label);
    auto which = tailrace::choose("which", image, pick, label, label);
    auto fast = tailrace::race("fast", image, tailrace::valid_if([](const Label&) { return true; }), label, label);
    return tailrace::join("all", labels, which.then("relabel", relabel), fast);
#endif
  });
}
