// LibTorch first: it and Catch2 both define CHECK.
#include "torch/modules.h"

#include <ATen/Parallel.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <thread>

namespace {

int threads_of_process() {
  int n = 0;
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator("/proc/self/task")) ++n;
  return n;
}

int omp_threads() { return reinterpret_cast<int (*)()>(dlsym(RTLD_DEFAULT, "omp_get_max_threads"))(); }
void set_omp_threads(int n) { reinterpret_cast<void (*)(int)>(dlsym(RTLD_DEFAULT, "omp_set_num_threads"))(n); }
int mkl_threads() { return reinterpret_cast<int (*)()>(dlsym(RTLD_DEFAULT, "MKL_Get_Max_Threads"))(); }

// Standard output and standard error go into a file while it lives.
class Printed {
 public:
  Printed() : kept_{::dup(1), ::dup(2)}, file_(::open(name_.c_str(), O_CREAT | O_WRONLY, 0600)) {
    std::fflush(nullptr);
    ::dup2(file_, 1), ::dup2(file_, 2);
  }
  ~Printed() {
    ::dup2(kept_[0], 1), ::dup2(kept_[1], 2);
    for (int descriptor : {kept_[0], kept_[1], file_}) ::close(descriptor);
  }
  std::string text() const {
    std::fflush(nullptr), std::cout.flush();
    std::ifstream in(name_);
    return {std::istreambuf_iterator<char>(in), {}};
  }

 private:
  Folder folder_;
  std::string name_ = folder_.file("printed");
  int kept_[2], file_;
};

}  // namespace

TEST_CASE("a module answers a batch") {
  const auto model = opened(linear, linear_weights);
  REQUIRE(model);
  const auto answer = ask(**model, {floats({1, 0, 0, 0, 0, 0, 0, 1}, {2, 4})});
  REQUIRE(answer);
  CHECK(answer->shape() == Shape{2, 3});
  CHECK(values(*answer) == std::vector<float>{1, 5, 9, 4, 8, 12});
  CHECK((*model)->batched());
  CHECK((*model)->describe().find("net.pt on cpu") != std::string::npos);
}

TEST_CASE("the typed load gives a stage") {
  const Folder folder;
  build(linear, linear_weights).save(folder.file("small.pt"));
  const std::string path = folder.file("small.pt");

  const auto vectors = tr::torch::load<std::vector<float>, std::vector<float>>(path);
  REQUIRE(vectors);
  CHECK(vectors->use().name == "small");
  CHECK((*vectors)({0, 1, 0, 0}).value() == std::vector<float>{2, 6, 10});

  using Four = std::array<float, 4>;
  const auto arrays = tr::torch::load<Four, std::array<float, 3>>(path, {.batch_dim = 0});
  REQUIRE(arrays);
  CHECK((*arrays)(Four{0, 1, 0, 0}).value() == std::array<float, 3>{2, 6, 10});

  SECTION("types of fixed shape are compared with the model at load") {
    const auto wide = failure(tr::torch::load<std::array<float, 5>, std::array<float, 3>>(path));
    CHECK(wide.starts_with("shape_mismatch: warm-up failed: "));
    CHECK(wide.ends_with("mat1 and mat2 shapes cannot be multiplied (1x5 and 4x3)"));
    CHECK_FALSE(tr::torch::load<Four, std::array<float, 2>>(path));
    CHECK_FALSE(tr::torch::load<Four, std::array<int, 3>>(path));
    CHECK_FALSE(tr::torch::load<std::array<double, 4>, std::array<float, 3>>(path));
  }
  SECTION("conversions may be given") {
    tr::Conversion<int, float> conversion{[](const int& which) -> tr::Result<Tensor> {
                                            std::vector<float> row(4);
                                            row.at(which) = 1;
                                            return floats(row, {4});
                                          },
                                          [](const Tensor& row) -> tr::Result<float> { return values(row).at(2); }};
    const auto stage = tr::torch::load<int, float>(path, {.name = "third"}, conversion);
    REQUIRE(stage);
    CHECK((*stage)(3).value() == 12);
    CHECK(stage->use().name == "third");
  }
}

TEST_CASE("memory is shared, not copied") {
  SECTION("an answer that looks into an input keeps the input's owner") {
    const auto model = opened("def forward(self, x):\n  return x[:, 1:3]\n");
    auto input = floats({1, 2, 3, 4}, {1, 4});
    auto* const data = static_cast<float*>(input.data());
    const std::weak_ptr<void> owner = input.owner();
    auto answer = ask(**model, {input}).value();
    input = {};
    CHECK(answer.data() == data + 1);
    CHECK(values(answer) == std::vector<float>{2, 3});
    CHECK_FALSE(owner.expired());
    answer = {};
    CHECK(owner.expired());
  }
  SECTION("unless nobody owns it: then it is copied") {
    const auto model = opened("def forward(self, x):\n  return x\n");
    float pixels[] = {1, 2};
    const auto answer = ask(**model, {Tensor::view(pixels, DType::float32, {1, 2})}).value();
    CHECK(answer.data() != pixels);
    CHECK(values(answer) == std::vector<float>{1, 2});
  }
  SECTION("other answers keep LibTorch's memory, with its strides") {
    const auto model = opened("def forward(self, x):\n  y = x + 1\n  return y.t()\n", {}, unbatched);
    const auto answer = ask(**model, {floats({1, 2, 3, 4, 5, 6}, {2, 3})}).value();
    CHECK(answer.shape() == Shape{3, 2});
    CHECK(answer.strides() == Shape{1, 3});
    CHECK_FALSE(answer.contiguous());
    CHECK(values(answer) == std::vector<float>{2, 5, 3, 6, 4, 7});
  }
  SECTION("strided inputs are read in place") {
    const auto model = opened("def forward(self, x):\n  return x\n", {}, unbatched);
    auto memory = floats({1, 2, 3, 4}, {2, 2});
    const auto turned = Tensor::strided(memory.data(), DType::float32, {2, 2}, {1, 2}, {}, memory.owner());
    const auto answer = ask(**model, {turned}).value();
    CHECK(answer.data() == memory.data());
    CHECK(values(answer) == std::vector<float>{1, 3, 2, 4});
  }
  SECTION("an input that forward writes to is copied first") {
    const auto model = opened("def forward(self, x):\n  y = x.view(-1)\n  y.add_(1)\n  return x\n", {}, unbatched);
    REQUIRE(model);
    const auto input = floats({1, 2}, {2});
    CHECK(values(ask(**model, {input}).value()) == std::vector<float>{2, 3});
    CHECK(values(input) == std::vector<float>{1, 2});
  }
  SECTION("weights are never lent out") {
    const auto model = opened("def forward(self, x):\n  return self.w[0]\n", linear_weights, unbatched);
    const auto first = ask(**model, {floats({1}, {1})}).value();
    first.as<float>()[0] = 99;
    CHECK(values(ask(**model, {floats({1}, {1})}).value())[0] == 0);
  }
}

TEST_CASE("several inputs, tuples and lists") {
  const auto model = opened("def forward(self, x, y):\n  return x + y, [x - y, x * y]\n", {},
                            {.batch_dim = 0, .rows = {{DType::float32, {2}}, {DType::float32, {2}}}});
  INFO(failure(model));
  REQUIRE(model);
  const std::vector<Tensor> inputs{floats({1, 2}, {1, 2}), floats({3, 4}, {1, 2})};
  std::array<Tensor, 3> outputs;
  REQUIRE((*model)->run(inputs, outputs));
  CHECK(values(outputs[0]) == std::vector<float>{4, 6});
  CHECK(values(outputs[1]) == std::vector<float>{-2, -2});
  CHECK(values(outputs[2]) == std::vector<float>{3, 8});

  std::array<Tensor, 4> many;
  const auto too_many = (*model)->run(inputs, many);
  CHECK(too_many.error().what() == "forward gave 3 tensors, 4 are wanted");
  CHECK(failure(ask(**model, {inputs[0]})) == "bad_value: takes 2 inputs, got 1");
}

TEST_CASE("every element type passes both ways") {
  const auto model = opened("def forward(self, x):\n  return x.clone()\n", {}, unbatched);
  for (auto dtype : {DType::float32, DType::float64, DType::float16, DType::bfloat16, DType::int8, DType::int16,
                     DType::int32, DType::int64, DType::uint8, DType::boolean}) {
    auto input = Tensor::zeros(dtype, {3});
    static_cast<char*>(input.data())[0] = 1;
    const auto answer = ask(**model, {input}).value();
    CHECK(answer.dtype() == dtype);
    CHECK(answer == input);
  }
  const auto complex = opened("def forward(self, x):\n  return torch.complex(x, x)\n", {}, unbatched);
  CHECK(failure(ask(**complex, {floats({1}, {1})})) ==
        "unsupported: output 0 is a CPUComplexFloatType, which is not supported");
}

TEST_CASE("modules that keep state are refused") {
  const auto buffer = [](jit::Module& m) { m.register_buffer("h", at::zeros({4})); };
  const auto refusal = [](const std::string& name) {
    return "unsupported: keeps state in '" + name +
           "': forward writes to it, so calls would disturb each other; make it an input and an output of forward, or "
           "use open_stateful";
  };
  const std::string sources[] = {
      "def forward(self, x):\n  self.h = self.h + x\n  return self.h\n",
      "def forward(self, x):\n  self.h += x\n  return self.h\n",
      "def forward(self, x):\n  self.h.add_(1)\n  return x\n",
      "def forward(self, x):\n  self.h[0] = 3\n  return x\n",
      "def forward(self, x):\n  v = self.h.view(2, 2)[1]\n  v.copy_(x[0])\n  return x\n",
      "def forward(self, x):\n  y = x\n  for i in range(3):\n    y = self.h\n    y.add_(1)\n  return y\n",
      "def forward(self, x):\n  if x.sum() > 0:\n    y = self.h\n  else:\n    y = x\n  y.add_(1)\n  return y\n",
      "def forward(self, x):\n  l = [self.h, x]\n  l[0].add_(1)\n  return x\n",
      "def forward(self, x):\n  l = [x]\n  l.append(self.h)\n  l[1].add_(1)\n  return x\n",
      "def forward(self, x):\n  torch.add(x, x, out=self.h)\n  return x\n",
      "def forward(self, x):\n  f = fork(self.work, x)\n  return f.wait()\n"
      "def work(self, x):\n  self.h.add_(1)\n  return x\n",
  };
  for (const auto& source : sources) {
    INFO(source);
    CHECK(failure(opened(source, buffer)) == refusal("h"));
  }
  SECTION("numbers and lists too") {
    CHECK(failure(opened("def forward(self, x):\n  self.n = self.n + 1\n  return x + self.n\n",
                         [](jit::Module& m) { m.register_attribute("n", c10::IntType::get(), 0); })) == refusal("n"));
    CHECK(failure(opened("def forward(self, x):\n  self.seen.append(x)\n  return x\n", [](jit::Module& m) {
            m.register_attribute("seen", c10::ListType::ofTensors(), c10::List<at::Tensor>());
          })) == refusal("seen"));
  }
  SECTION("in modules inside") {
    const auto inner = build("def forward(self, x):\n  self.h.add_(x)\n  return self.h * 2\n", buffer);
    CHECK(failure(opened("def forward(self, x):\n  return self.rnn.forward(x)\n",
                         [&](jit::Module& m) { m.register_module("rnn", inner); })) == refusal("h"));
  }
  SECTION("running statistics that are trained") {
    const auto stats = [](jit::Module& m) {
      m.register_buffer("mean", at::zeros({4})), m.register_buffer("var", at::ones({4}));
    };
    CHECK(failure(opened("def forward(self, x):\n"
                         "  return torch.batch_norm(x, None, None, self.mean, self.var, True, 0.1, 1e-5, False)\n",
                         stats)) == refusal("mean"));
  }
}

TEST_CASE("modules that only look stateful are loaded") {
  SECTION("batch normalisation, whose statistics move in training only") {
    const std::string source =
        "def forward(self, x):\n"
        "  if self.training:\n"
        "    self.batches.add_(1)\n"
        "  return torch.batch_norm(x, None, None, self.mean, self.var, self.training, 0.1, 1e-5, False)\n";
    const auto model = opened(source, [](jit::Module& m) {
      m.register_attribute("training", c10::BoolType::get(), true);
      m.register_buffer("batches", at::zeros({1}));
      m.register_buffer("mean", at::ones({2})), m.register_buffer("var", at::ones({2}));
    });
    INFO(failure(model));
    REQUIRE(model);
    for (int i = 0; i < 3; ++i) CHECK(values(ask(**model, {floats({1, 2}, {1, 2})}).value())[0] == Approx(0));
  }
  SECTION("dropout, loaded in evaluation mode") {
    const auto model = opened("def forward(self, x):\n  return torch.dropout(x, 0.5, self.training)\n",
                              [](jit::Module& m) { m.register_attribute("training", c10::BoolType::get(), true); });
    REQUIRE(model);
    CHECK(values(ask(**model, {floats({1, 2, 3, 4}, {1, 4})}).value()) == std::vector<float>{1, 2, 3, 4});
  }
  SECTION("values written to within one call") {
    const std::string source =
        "def forward(self, x):\n"
        "  y = torch.linear(x, self.w, self.b)\n  y.relu_()\n  z = self.b.clone()\n  z += 1\n"
        "  parts = [y]\n  parts.append(y + z)\n  parts[1][0, 0] = 7\n  return parts[1]\n";
    const auto model = opened(source, linear_weights);
    INFO(failure(model));
    REQUIRE(model);
    for (int i = 0; i < 3; ++i)
      CHECK(values(ask(**model, {floats({1, 0, 0, 0}, {1, 4})}).value()) == std::vector<float>{7, 7, 11});
  }
  SECTION("forks, which run on the calling thread") {
    const auto model = opened(
        "def work(self, x):\n  return x + 1\n"
        "def forward(self, x):\n  f = fork(self.work, x)\n  return f.wait()\n");
    INFO(failure(model));
    REQUIRE(model);
    const int before = threads_of_process();
    CHECK(values(ask(**model, {floats({1}, {1, 1})}).value()) == std::vector<float>{2});
    CHECK(threads_of_process() == before);
  }
}

TEST_CASE("a call computes on its own thread, wherever that was born") {
  const auto square = opened("def forward(self, x):\n  return torch.exp(torch.matmul(x, x) + x)\n");
  REQUIRE(square);
  const auto big = Tensor::zeros(DType::float32, {600, 600});
  const auto extra_threads = [&] {
    int before = 0, after = 0;
    std::thread([&] {
      before = threads_of_process();
      REQUIRE(ask(**square, {big}));
      after = threads_of_process();
    }).join();
    return after - before;
  };
  SECTION("with LibTorch as it starts") { CHECK(extra_threads() == 0); }
  SECTION("with more threads asked for by the program") {
    at::set_num_threads(4);
    CHECK(extra_threads() == 0);
    CHECK(at::get_num_threads() == 4);
  }
  SECTION("and the caller's settings stand as before") {
    std::thread([&] {
      set_omp_threads(3);
      REQUIRE(ask(**square, {big}));
      CHECK(omp_threads() == 3);
    }).join();
    std::thread([&] {
      at::set_num_threads(5);
      REQUIRE(ask(**square, {big}));
      CHECK(omp_threads() == 5);
      CHECK(mkl_threads() == 5);
      CHECK_FALSE(opened("def forward(self, x):\n  return 3\n"));
      CHECK(omp_threads() == 5);
      tr::torch::report();
      CHECK(omp_threads() == 5);
    }).join();
  }
}

TEST_CASE("many threads share a model") {
  const auto model =
      opened("def forward(self, x):\n  for i in range(3):\n    x = torch.relu(torch.matmul(x, self.w))\n  return x\n",
             [](jit::Module& m) {
               at::manual_seed(1);
               m.register_parameter("w", at::randn({64, 64}) * 0.2, false);
             });
  REQUIRE(model);
  std::vector<float> row(64);
  for (int i = 0; i < 64; ++i) row[i] = static_cast<float>(i % 7) / 7;
  const auto expected = values(ask(**model, {floats(row, {1, 64})}).value());
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) {
        const auto answer = ask(**model, {floats(row, {1, 64})});
        wrong += !answer || values(*answer) != expected;
      }
    });
  for (auto& thread : threads) thread.join();
  CHECK(wrong == 0);
}

TEST_CASE("files that are no models") {
  const Folder folder;
  CHECK(failure(tr::torch::open(folder.file("none.pt"))) ==
        "bad_file: there is no file '" + folder.file("none.pt") + "'");
  CHECK(failure(tr::torch::open(folder.path.string())) == "bad_file: '" + folder.path.string() + "' is no file");
  std::ofstream(folder.file("text.pt")) << "hello";
  std::ofstream(folder.file("empty.pt"));
  for (const char* name : {"text.pt", "empty.pt"}) {
    const auto file = tr::torch::open(folder.file(name));
    CHECK(failure(file).starts_with("bad_file: not a TorchScript file: "));
    CHECK(file.error().where() == fs::path(name).stem().string());
  }
}

TEST_CASE("modules and options that cannot be served") {
  CHECK(failure(opened("def other(self, x):\n  return x\n")) == "unsupported: the module has no forward");
  CHECK(failure(opened("def forward(self, x, n: int):\n  return x * n\n")) ==
        "unsupported: forward takes 'n: int'; only tensors can be given, and what LoadOptions::arguments say");
  CHECK(failure(opened("def forward(self, x):\n  return 3\n")) ==
        "unsupported: forward gives int; only tensors, and tuples and lists of them, are supported");
  const std::string same = "def forward(self, x):\n  return x\n";
  CHECK(failure(opened(same, {}, {.batch_dim = 1})).starts_with("bad_value: batch_dim"));
  CHECK(failure(opened(same, {}, {.rows = {{DType::float32, {-1}}}})).starts_with("bad_value: rows"));
  CHECK(failure(opened(same, {}, {.batches = {0}})).starts_with("bad_value: batches"));
  CHECK(opened("def forward(self, x, n: int = 2):\n  return x * n\n"));
}

TEST_CASE("calls that fail say why, in one line") {
  const auto model = opened(linear, linear_weights);
  const auto wrong_shape = ask(**model, {floats({1, 2}, {1, 2})});
  CHECK(failure(wrong_shape).starts_with("stage_failed: "));
  CHECK(failure(wrong_shape).ends_with("mat1 and mat2 shapes cannot be multiplied (1x2 and 4x3)"));
  CHECK(wrong_shape.error().where() == "net");
  CHECK(failure(ask(**model, {Tensor::zeros(DType::int64, {1, 4})})) ==
        "stage_failed: mat1 and mat2 must have the same dtype, but got Long and Float");
  CHECK(failure(ask(**model, {Tensor::zeros(DType::float32, {})})) == "shape_mismatch: input 0 has no batch dimension");

  const auto known = opened(linear, linear_weights, {.rows = {{DType::float32, {4}}}});
  CHECK(failure(ask(**known, {floats({1, 2}, {1, 2})})) ==
        "shape_mismatch: input 0 must be a batch of [4], got [1, 2]");
  CHECK(failure(ask(**known, {Tensor::zeros(DType::int64, {1, 4})})) ==
        "type_mismatch: input 0 must be float32, got int64");

  const auto throws = opened("def forward(self, x):\n  assert x.sum() == 0, 'only squares'\n  return x\n");
  CHECK(failure(ask(**throws, {floats({1}, {1, 1})})) == "stage_failed: AssertionError: only squares");
  const auto sums = opened("def forward(self, x):\n  return x.sum(0)\n");
  CHECK(failure(ask(**sums, {floats({1, 2, 3, 4}, {2, 2, 1})})) == "no failure");
  CHECK(failure(ask(**sums, {floats({1, 2}, {1, 2})})) ==
        "shape_mismatch: output 0 has shape [2]: its first dimension must be 1, as of the input");
}

TEST_CASE("nothing is printed") {
  std::string text;
  {
    const Printed printed;
    const auto model = opened("def forward(self, x):\n  torch.warn('careful')\n  return x + 1\n");
    const auto misfit = opened(linear, linear_weights, {.rows = {{DType::float32, {9}}}});
    if (model && !misfit) ask(**model, {floats({1}, {1, 1})}).value();
    tr::torch::report();
    text = printed.text();
  }
  CHECK(text == "");
}

TEST_CASE("a module rewritten for oneDNN answers nearly the same") {
  const auto plain = opened(linear, linear_weights);
  const auto fast = opened(linear, linear_weights, {.optimise = tr::torch::Optimise::on});
  REQUIRE(fast);
  const auto a = values(ask(**plain, {floats({1, 2, 3, 4}, {1, 4})}).value());
  const auto b = values(ask(**fast, {floats({1, 2, 3, 4}, {1, 4})}).value());
  for (int i = 0; i < 3; ++i) CHECK(a[i] == Approx(b[i]));
}

TEST_CASE("the report says what was found") {
  const auto text = tr::torch::report().text();
  for (const char* word : {"LibTorch 2.", "OpenMP", "BLAS", "MKL", "oneDNN", "libgomp", "libc.so", "AVX"})
    CHECK(text.find(word) != std::string::npos);
}
