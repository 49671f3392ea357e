// Functions that a Catalog cannot take.
#include <tailrace/plan/catalog.h>

namespace zoo {
struct Image {};
struct Label {};
Label label(const Image&) { return {}; }
Label match(const Image&, const Label&) { return {}; }
void forget(const Image&) {}
void change(Image&) {}
bool sure(const Label&) { return true; }
bool alike(const Label&, const Label&) { return true; }
Label relabel(const Label&) { return {}; }
struct Any {
  template <class T>
  T operator()(const T& v) const {
    return v;
  }
};
struct Scale {
  double by;
  Label operator()(const Label& l) const { return l; }
};
struct Spoilt {
  void operator()(const Label&) const {}
};
}  // namespace zoo

int main() {
  using namespace zoo;
  tailrace::Catalog catalog;
#if MISUSE == 1
  // EXPECT: what this function takes cannot be read from its signature
  // EXPECT: catalog_cannot_read_what_this_takes<false, zoo::Any>
  catalog.add("any", Any{}).add("label", label);
#elif MISUSE == 2
  // EXPECT 2: this function cannot be called with those types, or not as const, or returns nothing
  // EXPECT 2: catalog_function_must_be_callable<false, void
  catalog.add("forget", forget);
#elif MISUSE == 3
  // EXPECT 3: catalog_function_must_be_callable<false, void
  catalog.add("change", change);
#elif MISUSE == 4
  // EXPECT 4: catalog_function_must_be_callable<false, zoo::Label
  catalog.add<Label>("label", label);
#elif MISUSE == 5
  // EXPECT 5: a test takes one value by const reference and gives a bool, or a selector an arm's number
  // EXPECT 5: catalog_test_must_judge_one_value<false, bool
  catalog.add_test("alike", alike);
#elif MISUSE == 6
  // EXPECT 6: catalog_test_must_judge_one_value<false, zoo::Label
  catalog.add_test("relabel", relabel);
#elif MISUSE == 7
  // EXPECT 7: catalog_cannot_read_what_this_takes<false, zoo::Any>
  catalog.add_test("any", Any{});
#elif MISUSE == 8
  // EXPECT 8: catalog_function_must_be_callable<false, zoo::Spoilt>
  catalog.add_factory("spoilt", {}, [](const tailrace::Parameters&) { return Spoilt{}; });
#elif MISUSE == 9
  // EXPECT 9: catalog_test_must_judge_one_value<false, zoo::Scale>
  catalog.add_test_factory("scale", {{"by"}}, [](const tailrace::Parameters&) { return Scale{1}; });
#else
  catalog.add("label", label).add("match", match).add<Label>("any", Any{}).add_test("sure", sure);
  catalog.add_factory("scale", {{"by"}}, [](const tailrace::Parameters& p) { return Scale{p.number("by", 1)}; });
#endif
}
