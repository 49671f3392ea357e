// Three stages of one operator each on large tensors: memory that is used again, and memory from malloc each time.
#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>
#include <dlfcn.h>
#include <malloc.h>
#include <sys/resource.h>
#include <torch/csrc/jit/api/module.h>
#include <unistd.h>

#include <filesystem>
#include <future>

#include "support/at_view.h"
#include "support/program.h"
#include "support/source.h"
#include "tailrace/torch/torch.h"

namespace memory {
namespace {

using bench::Results, bench::text;
namespace tr = tailrace;

const char* const operators[] = {"x + 1", "x * 0.5", "torch.relu(x)"};

void one_thread() {
  if (const auto set = reinterpret_cast<void (*)(int)>(dlsym(RTLD_DEFAULT, "omp_set_num_threads"))) set(1);
}

std::shared_ptr<bench::Source> source_of(std::int64_t n) {
  return std::make_shared<bench::Source>(tr::Shape{1, n}, [](std::size_t) { return 0.f; });
}

bench::Arm by_malloc(std::int64_t n) {
  const auto source = source_of(n);
  return {"malloc", bench::repeat(source, [x = bench::view_of(source->rows)] {
            const c10::InferenceMode inference;
            const at::Tensor first = at::add(x, 1);
            const at::Tensor second = at::mul(first, 0.5);
            return at::relu(second).const_data_ptr<float>()[0];
          })};
}
bench::Arm by_hand(std::int64_t n) {
  const c10::InferenceMode inference;
  const auto source = source_of(n);
  std::vector<at::Tensor> out{at::empty({1, n}), at::empty({1, n}), at::empty({1, n})};
  const at::Tensor one = at::scalar_tensor(1), half = at::scalar_tensor(.5);
  return {"by hand", bench::repeat(source, [x = bench::view_of(source->rows), out, one, half]() mutable {
            const c10::InferenceMode inside;
            at::add_out(out[0], x, one);
            at::mul_out(out[1], out[0], half);
            at::clamp_min_out(out[2], out[1], 0);
            return out[2].const_data_ptr<float>()[0];
          })};
}
bench::Arm ours(std::int64_t n) {
  std::vector<std::shared_ptr<const tr::Model>> models;
  for (const char* op : operators) {
    torch::jit::Module net("Net");
    net.define("def forward(self, x):\n  return " + std::string(op) + "\n");
    const auto file = std::filesystem::temp_directory_path() / ("tailrace_bench_memory_" + std::to_string(::getpid()));
    net.save(file.string());
    models.push_back(tr::torch::open(file.string(), {.rows = {{tr::DType::float32, {n}}}}).value());
    std::filesystem::remove(file);
  }
  const auto source = source_of(n);
  return {"tailrace", bench::repeat(source, [models, source] {
            tr::Tensor x = source->rows;
            for (const auto& model : models) {
              tr::Tensor y;
              if (!model->run({&x, 1}, {&y, 1})) throw bench::WrongAnswer{"a call failed"};
              x = std::move(y);
            }
            return x.as<float>()[0];
          })};
}
std::vector<bench::Arm> arms(std::int64_t n) { return {by_malloc(n), ours(n), by_hand(n)}; }

// Pages that the system handed out anew in a call, by a thread that has made such calls before.
double faults_of(const bench::Arm& arm) {
  constexpr long calls = 50;
  const auto faults = [] {
    rusage used{};
    ::getrusage(RUSAGE_THREAD, &used);
    return static_cast<double>(used.ru_minflt);
  };
  arm.run(10);
  const double before = faults();
  arm.run(calls);
  return (faults() - before) / calls;
}

struct Size {
  const char *name, *words;
  std::int64_t floats;
  double limit;
};
constexpr Size sizes[] = {{"256k", "256 KiB", 1 << 16, 1. / 6}, {"4m", "4 MiB", 1 << 20, 1. / 2}};

// Whether malloc gives large blocks back to the system when they are let go of. By itself glibc begins so, and stops
// for blocks as large as any that was let go of, for as long as the process lives, unless it was told to keep its
// thresholds.
enum class Malloc { as_found, gives_back };
void give_back() {
  constexpr int threshold = 128 << 10;  // glibc's defaults
  mallopt(M_MMAP_THRESHOLD, threshold);
  mallopt(M_TRIM_THRESHOLD, threshold);
}

void smoke() {
  one_thread();
  bench::check_answers(arms(1 << 14));  // small: malloc remembers the largest that it was given back
}

void measure(Malloc state, const Size& size, const bench::Options& options, Results& r) {
  const bool found = state == Malloc::as_found;
  const std::string setting = found ? "as found" : "gives back";
  const auto all = arms(size.floats);
  const auto c = bench::compare(all, options);
  for (std::size_t i = 0; i < all.size(); ++i)
    r.tables[0].rows.push_back({size.words, setting, all[i].name, text(bench::stats(c.arms[i]).median / 1000, 1),
                                text(bench::stats(bench::divide(c.arms[i], c.arms[0])).median, 3),
                                text(faults_of(all[i]), 0), c.quiet ? "" : "void"});
  r.figures.push_back({"memory." + std::string(size.name) + (found ? "_found" : ""),
                       "three operators on " + std::string(size.words) + ", memory used again against malloc's" +
                           (found ? ", as it is found in this process" : ", which gives it back"),
                       bench::stats(bench::divide(c.arms[1], c.arms[0])).median,
                       found ? std::nullopt : std::optional(size.limit), "x", !c.quiet});
}

void measure(const bench::Options& options, Results& r) {
  one_thread();
  r.tables.push_back({"e9: memory of large answers",
                      "Three operators, one thread; medians over rounds.",
                      {"tensors", "malloc", "arm", "us", "malloc = 1", "page faults", ""},
                      {}});
  for (const Size& size : sizes) measure(Malloc::as_found, size, options, r);
  give_back();  // cannot be taken back
  // On a thread whose heap is its own, as a worker's, without holes that blocks fit into by chance.
  std::async(std::launch::async, [&] {
    one_thread();
    for (const Size& size : sizes) measure(Malloc::gives_back, size, options, r);
  }).get();
}

}  // namespace
}  // namespace memory

int main(int argc, char** argv) {
  return bench::run_program({"memory", "Memory of large answers", memory::smoke,
                             [](const bench::Options& options, bench::Results& r) { memory::measure(options, r); }},
                            argc, argv);
}
