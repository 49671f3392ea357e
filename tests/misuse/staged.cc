// Stages of a staged that do not fit each other.
#include <tailrace/flow/combine.h>
#include <tailrace/flow/flow.h>

namespace zoo {
struct Image {};
struct Features {};
struct Label {};
struct Score {};
using Step = tailrace::Exit<Label, Features>;
Step look(const Image&) { return Step::go_on({}); }
Step look_again(const Features&) { return Step::leave({}); }
tailrace::AnytimeExit<Label, Features> guess(const Image&) {
  return tailrace::AnytimeExit<Label, Features>::go_on({}, {});
}
Label decide(const Features&) { return {}; }
Label label(const Image&) { return {}; }
Score judge(const Features&) { return {}; }
tailrace::Exit<Score, Features> judge_early(const Features&) { return tailrace::Exit<Score, Features>::leave({}); }
int print(const Label&) { return 0; }
}  // namespace zoo

int main() {
  using namespace zoo;
  (void)tailrace::flow<Image>("zoo", [](tailrace::Stream<Image> image) {
#if MISUSE == 1
    // EXPECT: this stage of a staged cannot be called with the carry of the stage before it
    // EXPECT: stage_must_take_the_carry<.*Label.*Image.*zoo::Features>
    return tailrace::staged("net", image, look, label).then("print", print);
#elif MISUSE == 2
    // EXPECT 2: every stage of a staged but the last must give a tr::Exit<Answer, Carry>
    // EXPECT 2: earlier_stage_must_give_an_exit<.*Label.*Features.*zoo::Label>
    return tailrace::staged("net", image, look, decide, decide).then("print", print);
#elif MISUSE == 3
    // EXPECT 3: the last stage of a staged always answers; let it give the answer itself, not an Exit
    // EXPECT 3: last_stage_must_not_exit<.*Features.*Exit<zoo::Label, zoo::Features>
    return tailrace::staged("net", image, look, look_again).then("print", print);
#elif MISUSE == 4
    // EXPECT 4: all stages of a staged must answer with one type
    // EXPECT 4: stages_must_answer_with_one_type<.*zoo::Label, zoo::Score>
    return tailrace::staged("net", image, look, judge).then("print", print);
#elif MISUSE == 5
    // EXPECT 5: all stages of a staged must answer with one type
    // EXPECT 5: stages_must_answer_with_one_type<.*zoo::Label, zoo::Score>
    return tailrace::staged("net", image, look, judge_early, decide).then("print", print);
#elif MISUSE == 6
    // EXPECT 6: this stage cannot be called with what the stream carries
    // EXPECT 6: stage_must_take_what_the_stream_carries<.*Features.*zoo::Image>
    return tailrace::staged("net", image, look_again, decide).then("print", print);
#elif MISUSE == 7
    // EXPECT 7: a race, quorum, cascade, staged or choose needs at least one arm
    return tailrace::staged("net", image).then("print", print);
#elif MISUSE == 8
    // EXPECT 8: this stage is a mutable lambda or has no const operator\(\)
    return tailrace::staged("net", image, look, [n = 0](const Features&) mutable { return ++n, Label(); });
#elif MISUSE == 9
    // EXPECT 9: every stage of a staged but the last must give a tr::Exit<Answer, Carry>
    return tailrace::staged("net", image, label, decide).then("print", print);
#elif MISUSE == 10
    // EXPECT 10: this stage cannot be called with what the stream carries
    return tailrace::staged("net", image.then("print", print), look, decide).then("print", print);
#elif MISUSE == 11
    // EXPECT 11: a staged with a reserve needs a stage that gives a tr::AnytimeExit<Answer, Carry>
    return tailrace::staged("net", image, tailrace::reserve(tailrace::Duration(1)), look, decide).then("print", print);
#elif MISUSE == 12
    // EXPECT 12: all stages of a staged must answer with one type
    return tailrace::staged("net", image, tailrace::reserve(tailrace::Duration(1)), guess, judge).then("print", print);
#else
    (void)tailrace::staged("net", image, tailrace::reserve(tailrace::Duration(1)), guess, decide);
    return tailrace::staged("net", image, look, tailrace::stage(look_again, {.quick = true}), decide)
        .then("print", print);
#endif
  });
}
