// Requests and plans that an engine cannot take.
#include <tailrace/engine/engine.h>

#include <string>

int misuse(tailrace::Engine<int, int>& engine, const tailrace::Plan<int, int>& same,
           const tailrace::Plan<int, double>& other) {
  (void)other;
#if MISUSE == 1
  // EXPECT: Plan<int, double>
  // EXPECT: Plan<int, int>
  return static_cast<int>(engine.replace(other).size());
#elif MISUSE == 2
  // EXPECT 2: on_release takes a callable that is trivially copyable and no larger than three pointers
  const std::string large;
  return engine.run(1, {.on_release = [large] { (void)large; }}).value() +
         static_cast<int>(engine.replace(same).size());
#elif MISUSE == 3
  // EXPECT 3: on_release takes a callable that is trivially copyable and no larger than three pointers
  const double a[4] = {};
  return engine.run(1, {.on_release = [a] { (void)a; }}).value() + static_cast<int>(engine.replace(same).size());
#else
  int n = 0;
  return engine.run(1, {.on_release = [&n] { ++n; }}).value() + static_cast<int>(engine.replace(same).size());
#endif
}
