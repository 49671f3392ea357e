// Stages of a shape that cannot work: each has a sentence of its own.
#include <tailrace/flow/flow.h>

int main() {
  (void)tailrace::flow<int>("counter", [](tailrace::Stream<int> number) {
#if MISUSE == 1
    // EXPECT: this stage is a mutable lambda or has no const operator\(\)
    return number.then("count", [n = 0](int x) mutable { return x + ++n; }).then("next", [](int x) { return x; });
#elif MISUSE == 2
    // EXPECT 2: this stage takes its input as T&; take const T& to read it or T&& to own it
    return number.then("count", [](int& x) { return ++x; }).then("next", [](int x) { return x; });
#elif MISUSE == 3
    // EXPECT 3: this stage returns nothing; a stage must return a value or a Result
    return number.then("count", [](int) {}).then("next", [](int x) { return x; });
#elif MISUSE == 4
    // EXPECT 4: this stage is a mutable lambda or has no const operator\(\)
    return number.then("count", tailrace::stage([n = 0](int x, const tailrace::Context&) mutable { return x + ++n; }, {.quick = true}));
#else
    return number.then("count", [](int x, const tailrace::Context&) { return x + 1; }).then("next", [](int x) { return x; });
#endif
  });
}
