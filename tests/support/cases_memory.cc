#include <atomic>
#include <memory_resource>
#include <new>

#include "support/elsewhere.h"
#include "support/expect.h"
#include "support/steps.h"

namespace tailrace::test {
namespace {

// Counts what is out, and fails once `left` blocks have been given.
class Counting final : public std::pmr::memory_resource {
 public:
  explicit Counting(long left = 1000000) : left_(left) {}
  long blocks() const { return blocks_; }  // out now
  long taken() const { return taken_; }    // given until now
  void allow(long blocks) { left_ = blocks; }
  bool wrong() const { return wrong_; }  // more was given back than was out

 private:
  void* do_allocate(std::size_t bytes, std::size_t align) override {
    if (left_-- <= 0) throw std::bad_alloc();
    ++blocks_, ++taken_;
    bytes_ += static_cast<long>(bytes);
    return std::pmr::new_delete_resource()->allocate(bytes, align);
  }
  void do_deallocate(void* block, std::size_t bytes, std::size_t align) override {
    wrong_ = wrong_ || --blocks_ < 0 || (bytes_ -= static_cast<long>(bytes)) < 0;
    std::pmr::new_delete_resource()->deallocate(block, bytes, align);
  }
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }

  std::atomic<long> left_, blocks_{0}, taken_{0}, bytes_{0};
  std::atomic<bool> wrong_{false};
};

// Everything that keeps memory for requests: elements, a batch, a limit, streams, a hedge, stages that answer later.
Flow<int, int> everything() {
  const auto count = [](int& calls, const int& x) { return ++calls, x; };
  const auto add = [](Batch<int, int>& rows) {
    for (std::size_t i = 0; i < rows.size(); ++i) rows.put(i, rows.in(i) + 1);
  };
  return from_int([=](Stream<int> s) {
    const auto parts = s.then("parts", [](int x) { return std::vector<int>(3, x); });
    const auto element = flow<int>("element", [&](Stream<int> x) {
      return race("r", x.then("limited", stage(same, {.limit = 2})), plus_one, twice).then("later", later(plus_one));
    });
    return each("all", parts, element)
        .then("first", [](const std::vector<int>& all) { return all.empty() ? 0 : 1; })
        .then("batch", add)
        .then("count", stateful<int>(count, {.per_stream = true, .max_streams = 4}));
  });
}

void ask_for_everything(Engine<int, int>& engine) {
  for (std::uint64_t i = 0; i < 40; ++i) {
    std::vector<Handle<int>> handles;
    for (int n = 0; n < 4; ++n) handles.push_back(engine.submit(n, {.stream = i % 4}));
    for (auto& h : handles) expect(h.get(), "2");
    expect(engine.run(1, {.stream = i % 4}), "2");
  }
}

void memory_is_from_it(const Setting& setting) {
  Counting memory;
  {
    EngineOptions options;
    options.memory = &memory;
    options.max_in_flight = 16;
    auto engine = setting.start(everything(), options);
    const long at_start = memory.taken();
    check(at_start > 0, "the engine took nothing from its resource");
    ask_for_everything(engine);
    const long warm = memory.taken();
    ask_for_everything(engine);
    check(memory.taken() == warm, "a warm engine took memory");
    check(engine.replace(optimise(everything()).value()).empty(), "the other plan was refused");
    ask_for_everything(engine);
    check(memory.taken() > warm, "another plan's frames are from elsewhere");
  }
  check(memory.blocks() == 0, "memory was not given back");
  check(!memory.wrong(), "what was given back is not what was taken");
}

// Wherever it fails, starting gives an error and leaves nothing behind.
void no_memory_is_an_error(const Setting& setting) {
  const auto plan = optimise(everything()).value();
  EngineOptions options;
  options.executor = setting.executor;
  options.threads = setting.threads;
  for (long left = 0;; ++left) {
    Counting memory(left);
    options.memory = &memory;
    const auto engine = tailrace::start(plan, options);
    if (engine) return check(left > 2, "the engine needs no memory");
    check(engine.error().code() == Code::out_of_memory, "another error: " + engine.error().what());
    check(memory.blocks() == 0, "memory was not given back after a failure");
    check(left < 1000, "starting fails for ever");
  }
}

// Half of what a stream needs must not be kept.
void no_memory_for_a_stream(const Setting& setting) {
  Counting memory;
  EngineOptions options;
  options.memory = &memory;
  const auto count = [](int& calls, const int& x) { return x + ++calls; };
  auto engine = setting.start(from_int([=](Stream<int> s) {
                                return s.then("count", stateful<int>(count, {.per_stream = true, .max_streams = 8}));
                              }),
                              options);
  expect(engine.run(1, {.stream = 1}), "2");
  for (long left = 0; left < 3; ++left) {
    memory.allow(left);
    const auto stream = static_cast<std::uint64_t>(left + 2);
    expect(engine.run(1, {.stream = stream}), Code::overloaded);
    expect(engine.run(1, {.stream = 1}), std::to_string(left + 3));
    memory.allow(1000);
    expect(engine.run(1, {.stream = stream}), "2");
  }
}

}  // namespace

void add_memory_cases(std::vector<Case>& t) {
  t.push_back(script_case("memory is from the resource that was given", {"memory-from"}, memory_is_from_it));
  t.push_back(script_case("too little memory fails the start", {"memory-none"}, no_memory_is_an_error));
  t.push_back(
      script_case("a stream without memory for it fails its request alone", {"memory-stream"}, no_memory_for_a_stream));
}

}  // namespace tailrace::test
