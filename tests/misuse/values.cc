// Values that cannot travel along an edge.
#include <tailrace/flow/flow.h>

namespace zoo {
struct Wild {
#if MISUSE == 1
  ~Wild() noexcept(false) {}
#endif
#if MISUSE == 2
  Wild() = default;
  Wild(Wild&&) = delete;
#endif
};
}  // namespace zoo

int main() {
  // EXPECT: values on an edge must have a destructor that cannot throw
  // EXPECT: Wild
  // EXPECT 2: values on an edge must be movable
  // EXPECT 2: Wild
  (void)tailrace::flow<int>(
      "zoo", [](tailrace::Stream<int> number) { return number.then("wild", [](int) { return zoo::Wild(); }); });
}
