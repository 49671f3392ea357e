// LibTorch first: it and Catch2 both define CHECK.
#include "torch/modules.h"

#include <atomic>
#include <limits>
#include <thread>

namespace {

constexpr std::int64_t wide = 24;

void weights(jit::Module& m) {
  at::manual_seed(3);
  m.register_parameter("w", at::randn({wide, wide}) * 0.3, false);
  m.register_parameter("b", at::randn({wide}), false);
  m.register_parameter("v", at::randn({10, wide}) * 0.3, false);
  m.register_parameter("c", at::randn({10}), false);
  m.register_attribute("training", c10::BoolType::get(), true);
}
std::string forward(const std::string& body) { return "def forward(self, x):\n" + body; }
tr::torch::LoadOptions rows_of(std::vector<std::int64_t> batches) {
  return {.rows = {{DType::float32, {wide}}}, .batches = std::move(batches)};
}
Tensor random_rows(std::int64_t n, std::uint64_t seed = 1) {
  at::manual_seed(seed);
  auto owner = std::make_shared<at::Tensor>(at::randn({n, wide}));
  return Tensor::view(owner->data_ptr(), DType::float32, {n, wide}, owner);
}

// The same module by LibTorch's interpreter: without warm-up there is nothing to compare with.
Opened interpreted(const std::string& source) {
  auto options = rows_of({1});
  options.warm_up = 0;
  return opened(source, weights, options);
}
bool is_plain(const Opened& model) { return (*model)->describe().find("(out-variants at ") != std::string::npos; }

// All outputs, which are `many`.
std::vector<Tensor> all_of(const tr::Model& model, const Tensor& input, std::size_t many) {
  std::vector<Tensor> outputs(many);
  const auto done = model.run({&input, 1}, outputs);
  INFO((done ? "" : done.error().what()));
  REQUIRE(done);
  return outputs;
}

void compare(const std::string& source, std::size_t outputs = 1) {
  INFO(source);
  const auto model = opened(source, weights, rows_of({1, 7})), reference = interpreted(source);
  REQUIRE(model);
  REQUIRE(reference);
  INFO((*model)->describe());
  CHECK((*model)->describe().ends_with("(out-variants at 1, 7)"));
  CHECK((*reference)->describe().ends_with("on cpu"));
  for (const std::int64_t n : {1, 7, 3})  // 3 was not prepared: answered by the interpreter
    for (std::uint64_t seed = 0; seed < 3; ++seed) {
      const Tensor input = random_rows(n, seed), before = input.contiguous_copy();
      CHECK((all_of(**model, input, outputs) == all_of(**reference, input, outputs)));
      CHECK(input == before);
    }
}

const std::string perceptron =
    "  x = torch.relu(torch.linear(x, self.w, self.b))\n  return torch.linear(x, self.v, self.c)\n";

}  // namespace

TEST_CASE("feed-forward networks are called kernel by kernel, with the interpreter's bits") {
  compare(forward(perceptron));
  for (const char* activation : {"torch.relu(y)",
                                 "torch.sigmoid(y)",
                                 "torch.tanh(y)",
                                 "torch.silu(y)",
                                 "torch.leaky_relu(y, 0.2)",
                                 "torch.gelu(y)",
                                 "torch.gelu(y, approximate='tanh')",
                                 "torch.softmax(y, 1)",
                                 "torch.log_softmax(y, -1)",
                                 "y + 1",
                                 "y - self.b",
                                 "2 * y",
                                 "y / 3",
                                 "y * 0.1",
                                 "y / 0.3 - 0.7",
                                 "torch.add(y, y, alpha=2)",
                                 "y * torch.sigmoid(y)",
                                 "torch.dropout(y, 0.5, self.training)",
                                 "torch.relu_(y)",
                                 "y.mul_(2)",
                                 "torch.linear(y, self.v)"})
    compare(forward("  y = torch.linear(x, self.w, self.b)\n  return torch.relu(" + std::string(activation) + ")\n"));
}

TEST_CASE("values of such networks may be used more than once") {
  compare(forward("  return torch.tanh(x)\n"));
  compare(forward("  y = torch.relu(x)\n  return y + torch.linear(y, self.w, self.b)\n"));
  compare(forward("  y = torch.linear(x, self.w, self.b)\n  z = torch.relu(y)\n  return z - y\n"));
  compare(forward("  y = torch.linear(x, self.w, self.b)\n  z = torch.relu_(y)\n  return z * y\n"));
  SECTION("answers too") {
    compare(forward("  y = torch.linear(x, self.w, self.b)\n  return y, torch.linear(torch.relu(y), self.v)\n"), 2);
    compare(forward("  y = torch.linear(x, self.w, self.b)\n  return [torch.relu(y), y]\n"), 2);
  }
}

TEST_CASE("special numbers come out as the interpreter has them") {
  const auto source = forward("  return torch.relu(x) * torch.sigmoid(x)\n");
  const auto model = opened(source, weights, rows_of({1})), reference = interpreted(source);
  REQUIRE(is_plain(model));
  const Tensor input = random_rows(1);
  using Limits = std::numeric_limits<float>;
  const float special[] = {Limits::quiet_NaN(),  -Limits::quiet_NaN(), Limits::infinity(), -Limits::infinity(), -0.f,
                           Limits::denorm_min(), Limits::max()};
  std::copy(std::begin(special), std::end(special), input.as<float>().begin());
  CHECK((all_of(**model, input, 1) == all_of(**reference, input, 1)));
}

TEST_CASE("what is more than that stays with the interpreter") {
  for (const char* body : {
           "  return x\n",
           "  return torch.linear(x, self.w, self.b).sum(1)\n",
           "  y = torch.relu(x)\n  return y, y\n",
           "  y = torch.relu(x)\n  if bool(y.sum() > 0):\n    y = y + 1\n  return y\n",
           "  return torch.relu_(x)\n",
           "  return x + torch.ones([3, 1, 24])\n",
           "  y = torch.linear(x, self.w, self.b)\n  return torch.max(y, dim=1)[0] * 2\n",
       }) {
    INFO(body);
    auto options = rows_of({1});
    const auto model = opened(forward(body), weights, options);
    if (model) CHECK_FALSE(is_plain(model));
  }
  SECTION("so do inputs that are not in one piece") {
    const auto source = forward("  return torch.tanh(x)\n");
    const auto model = opened(source, weights, rows_of({2}));
    REQUIRE(is_plain(model));
    const Tensor turned = Tensor::zeros(DType::float32, {wide, 2});
    for (std::size_t i = 0; i < turned.as<float>().size(); ++i) turned.as<float>()[i] = static_cast<float>(i) / 50;
    const auto input = Tensor::strided(turned.data(), DType::float32, {2, wide}, {1, 2}, {}, turned.owner());
    CHECK(ask(**model, {input}).value() == ask(**model, {input.contiguous_copy()}).value());
  }
  SECTION("and modules whose rows are not known") { CHECK_FALSE(is_plain(opened(forward(perceptron), weights))); }
}

TEST_CASE("without a batch dimension too") {
  const auto model = opened(forward("  return torch.tanh(x) * 2\n"), weights,
                            {.batch_dim = std::nullopt, .rows = {{DType::float64, {2, 3}}}});
  REQUIRE(model);
  CHECK((*model)->describe().ends_with("(out-variants)"));
  const auto input = Tensor::zeros(DType::float64, {2, 3});
  input.as<double>()[4] = 1;
  CHECK(ask(**model, {input}).value().as<double>()[4] == 2 * std::tanh(1.));
}

TEST_CASE("the memory of an answer is used again when nobody has it any more") {
  const auto model = opened(forward(perceptron), weights, rows_of({4}));
  REQUIRE(is_plain(model));
  auto first = ask(**model, {random_rows(4, 1)}).value();
  const auto kept = first.contiguous_copy();
  auto second = ask(**model, {random_rows(4, 2)}).value();
  CHECK(first.data() != second.data());
  CHECK(first == kept);
  const void* const memory = first.data();
  first = {};
  CHECK(ask(**model, {random_rows(4, 3)}).value().data() == memory);
  SECTION("answers outlive their model") {
    auto last = opened(forward(perceptron), weights, rows_of({4}));
    const auto answer = ask(**last, {random_rows(4, 1)}).value();
    *last = nullptr;
    CHECK(answer == kept);
  }
}

TEST_CASE("many threads share such a network") {
  const auto model = opened(forward(perceptron), weights, rows_of({1, 4}));
  REQUIRE(is_plain(model));
  std::vector<Tensor> inputs, expected;
  for (std::uint64_t i = 0; i < 8; ++i) {
    inputs.push_back(random_rows(i % 2 ? 4 : 1, i));
    expected.push_back(ask(**model, {inputs.back()}).value().contiguous_copy());
  }
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      std::vector<Tensor> held;
      for (int i = 0; i < 300; ++i) {
        held.push_back(ask(**model, {inputs[t]}).value());
        if (held.size() == 5) {
          for (const auto& answer : held) wrong += !(answer == expected[t]);
          held.clear();
        }
      }
    });
  for (auto& thread : threads) thread.join();
  CHECK(wrong == 0);
}
