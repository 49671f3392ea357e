// LibTorch first: it and Catch2 both define CHECK.
#include "torch/modules.h"

#include <atomic>
#include <thread>

#include "tailrace/exec/start.h"
#include "tailrace/flow/flow.h"
#include "tailrace/torch/stateful.h"

namespace {

using Stateful = tr::Result<tr::torch::StatefulModel>;

Stateful kept(const std::string& source, const Setup& setup = {}, const tr::torch::LoadOptions& options = unbatched) {
  const Folder folder;
  build(source, setup).save(folder.file("net.pt"));
  return tr::torch::open_stateful(folder.file("net.pt"), options);
}
float next(tr::torch::StatefulCopy& copy, float x) {
  Tensor input = floats({x}, {1}), output;
  REQUIRE(copy.run({&input, 1}, {&output, 1}));
  return output.as<float>()[0];
}

const std::string sum = "def forward(self, x):\n  self.h.add_(x * self.w)\n  return self.h\n";
void sum_weights(jit::Module& m) {
  m.register_buffer("h", at::zeros({1}));
  m.register_parameter("w", at::ones({1}) * 2, false);
}

}  // namespace

TEST_CASE("each copy of a module that keeps state has its own") {
  const auto model = kept(sum, sum_weights);
  INFO(failure(model));
  REQUIRE(model);
  CHECK(model->describe().find("net.pt on cpu, one state a copy") != std::string::npos);
  auto a = model->copy().value(), b = model->copy().value();
  CHECK(next(a, 1) == 2);
  CHECK(next(a, 1) == 4);
  CHECK(next(b, 5) == 10);
  auto moved = std::move(a);
  CHECK(next(moved, 1) == 6);
  Tensor none;
  CHECK(a.run({}, {&none, 1}).error().what() == "a copy that was moved away");
  CHECK(next(b, 0) == 10);
  auto c = model->copy().value();
  CHECK(next(c, 0) == 0);
  static_assert(!std::is_copy_constructible_v<tr::torch::StatefulCopy>);

  SECTION("an answer is not the state itself") {
    Tensor input = floats({1}, {1}), output;
    REQUIRE(c.run({&input, 1}, {&output, 1}));
    next(c, 1);
    CHECK(output.as<float>()[0] == 2);
  }
}

TEST_CASE("a module may keep its input, and change what it gave") {
  const auto last = kept("def forward(self, x):\n  y = self.last\n  self.last = x\n  return y\n",
                         [](jit::Module& m) { m.register_buffer("last", at::zeros({1})); });
  REQUIRE(last);
  auto a = last->copy().value();
  {
    auto input = floats({7}, {1});
    Tensor output;
    REQUIRE(a.run({&input, 1}, {&output, 1}));
    input.as<float>()[0] = 8;  // the caller's again
  }
  CHECK(next(a, 1) == 7);

  const auto given = kept("def forward(self, x):\n  self.h.add_(x)\n  y = self.h + 0\n  self.h = y\n  return y\n",
                          [](jit::Module& m) { m.register_buffer("h", at::zeros({1})); });
  REQUIRE(given);
  auto b = given->copy().value();
  Tensor input = floats({1}, {1}), first;
  REQUIRE(b.run({&input, 1}, {&first, 1}));
  CHECK(next(b, 1) == 2);
  CHECK(first.as<float>()[0] == 1);
}

TEST_CASE("whatever a module may keep") {
  const std::string numbers = "def forward(self, x):\n  self.n = self.n + 1\n  return x * self.n\n";
  const auto model = kept(numbers, [](jit::Module& m) { m.register_attribute("n", c10::IntType::get(), 0); });
  REQUIRE(model);
  auto a = model->copy().value(), b = model->copy().value();
  CHECK((next(a, 1) == 1 && next(a, 1) == 2 && next(b, 1) == 1));

  const std::string lists = "def forward(self, x):\n  self.seen.append(x)\n  return x * len(self.seen)\n";
  const auto list = kept(
      lists, [](jit::Module& m) { m.register_attribute("seen", c10::ListType::ofTensors(), c10::List<at::Tensor>()); });
  REQUIRE(list);
  auto c = list->copy().value(), d = list->copy().value();
  CHECK((next(c, 1) == 1 && next(c, 1) == 2 && next(d, 1) == 1));

  const auto inner = build(sum, sum_weights);
  const auto nested = kept("def forward(self, x):\n  return self.rnn.forward(x) + 1\n",
                           [&](jit::Module& m) { m.register_module("rnn", inner); });
  REQUIRE(nested);
  auto e = nested->copy().value(), f = nested->copy().value();
  CHECK((next(e, 1) == 3 && next(e, 1) == 5 && next(f, 1) == 3));

  CHECK(kept("def forward(self, x):\n  return x\n"));  // or nothing
}

TEST_CASE("warm-up leaves no trace in copies") {
  auto options = unbatched;
  options.rows = {{DType::float32, {1}}};
  const auto model = kept(
      "def forward(self, x):\n  self.n = self.n + 1\n  return x + self.n\n",
      [](jit::Module& m) { m.register_attribute("n", c10::IntType::get(), 0); }, options);
  REQUIRE(model);
  auto copy = model->copy().value();
  CHECK(next(copy, 0) == 1);
}

TEST_CASE("a second call of one copy at the same time is refused") {
  const auto model = kept("def forward(self, x):\n  for i in range(200):\n    self.h.add_(x)\n  return self.h\n",
                          [](jit::Module& m) { m.register_buffer("h", at::zeros({1})); });
  auto copy = model->copy().value();
  std::atomic<int> done = 0, refused = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 300; ++i) {
        Tensor input = floats({1}, {1}), output;
        const auto status = copy.run({&input, 1}, {&output, 1});
        (status ? done : refused) += 1;
        if (!status) CHECK(status.error().what() == "two calls at a time of one copy, which keeps state");
      }
    });
  for (auto& thread : threads) thread.join();
  CHECK(done + refused == 1200);
  CHECK(next(copy, 0) == static_cast<float>(200 * done));
}

TEST_CASE("such a module is a stage with a state for each stream") {
  const auto model = kept(sum, sum_weights).value();
  const auto flow =
      tr::flow<Tensor>("sums", [&](tr::Stream<Tensor> x) { return x.then("sum", tr::torch::stateful(model)); });
  auto engine = tr::start(flow, {.threads = 2}).value();
  for (int round = 1; round <= 5; ++round)
    for (std::uint64_t stream = 1; stream <= 3; ++stream) {
      const auto answer = engine.run(floats({static_cast<float>(stream)}, {1}), {.stream = stream});
      REQUIRE(answer);
      CHECK(answer->as<float>()[0] == static_cast<float>(2 * round * stream));
    }
}

TEST_CASE("what cannot be kept apart is refused") {
  CHECK(failure(kept("def other(self, x):\n  return x\n")) == "unsupported: the module has no forward");
  CHECK(failure(tr::torch::open_stateful("/no/such.pt")) == "bad_file: there is no file '/no/such.pt'");
  auto options = unbatched;
  options.rows = {{DType::float32, {1}}};
  CHECK(failure(kept("def forward(self, x):\n  assert x.sum() > 0, 'loud'\n  return x\n", {}, options)) ==
        "shape_mismatch: warm-up failed: AssertionError: loud");
}
