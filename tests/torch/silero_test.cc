// LibTorch first: it and Catch2 both define CHECK.
#include "torch/modules.h"

#include <cmath>
#include <cstdlib>
#include <numbers>

#include "tailrace/core/random.h"
#include "tailrace/exec/start.h"
#include "tailrace/flow/flow.h"
#include "tailrace/torch/stateful.h"

// The voice detector of the package silero-vad (MIT licence) as its authors publish it: a module that keeps its state
// inside. `docs/install.sh --with-weights` fetches it; TAILRACE_SILERO names another file. Hidden, since it is skipped,
// and must say so, where there is none: the ctest torch_silero runs it.
namespace {

constexpr int rate = 16000, samples = 512;  // a second; a chunk

std::string published() {
  const char* const file = std::getenv("TAILRACE_SILERO");
  return file ? file : in_cache(fs::path(SILERO) / "silero_vad" / "data" / "silero_vad.jit").string();
}

tr::torch::LoadOptions options() {
  tr::torch::LoadOptions all = unbatched;
  all.rows = {{DType::float32, {1, samples}}};
  all.arguments = {{"sr", rate}};
  return all;
}

template <class Sample>  // float sample(int): the n-th
Tensor chunk(int i, const Sample& sample) {
  const auto tensor = Tensor::zeros(DType::float32, {1, samples});
  for (int k = 0; k < samples; ++k) tensor.as<float>()[k] = static_cast<float>(sample(i * samples + k));
  return tensor;
}

// Somebody says "aah" three times: a tone of 120 Hz with the overtones of an open mouth, between 0.32 s and 1 s.
double vowel(int n) {
  struct Formant {
    double at, wide, loud;  // Hz, Hz, 1
  };
  constexpr Formant formants[] = {{700, 90, 1}, {1200, 110, .5}, {2600, 170, .25}};
  const double pi = std::numbers::pi, t = static_cast<double>(n) / rate;
  if (t < .32 || t >= 1) return 0;
  double sum = 0;
  for (int k = 1; k < 30; ++k) {
    double loud = 0;
    for (const Formant& f : formants) loud += f.loud / (1 + std::pow((120 * k - f.at) / f.wide, 2));
    sum += loud * std::sin(2 * pi * 120 * k * t);
  }
  return .12 * std::pow(std::sin(4 * pi * (t - .32)), 2) * sum;
}

// What the module says of it in Python, with PyTorch 2.15.0.
constexpr float python[] = {0.0016697f, 0.0068836f, 0.0089106f, 0.0078571f, 0.0059065f, 0.0059606f, 0.0058531f,
                            0.0056402f, 0.0054313f, 0.0051992f, 0.1542689f, 0.5867571f, 0.8463116f, 0.8986951f,
                            0.9030337f, 0.8972395f, 0.9265538f, 0.8767362f, 0.8954089f, 0.8365871f, 0.8731854f,
                            0.8500382f, 0.7404683f, 0.7392426f, 0.7422472f, 0.6845589f, 0.6871982f, 0.5656058f,
                            0.5962035f, 0.4033807f, 0.3197326f, 0.1905755f, 0.2021383f, 0.1995462f, 0.0994438f,
                            0.0440859f, 0.0213556f, 0.0130196f, 0.0102139f, 0.0093758f};

float next(tr::torch::StatefulCopy& copy, const Tensor& input) {
  Tensor output;
  REQUIRE(copy.run({&input, 1}, {&output, 1}));
  return output.as<float>()[0];
}

bool is_there() { return found_or_skipped(published(), "bash docs/install.sh --with-weights fetches it"); }

}  // namespace

TEST_CASE("a published voice detector says what it says in Python", "[.silero]") {
  if (!is_there()) return;
  CHECK(failure(tr::torch::open(published(), options())).find("keeps state in") != std::string::npos);
  const auto model = tr::torch::open_stateful(published(), options());
  INFO(failure(model));
  REQUIRE(model);
  auto copy = model->copy().value();
  float apart = 0;
  for (int i = 0; i < static_cast<int>(std::size(python)); ++i)
    apart = std::max(apart, std::abs(next(copy, chunk(i, vowel)) - python[i]));
  CHECK(apart < 1e-4f);
}

TEST_CASE("sixteen streams of a published voice detector at once hear what one after another hears", "[.silero]") {
  if (!is_there()) return;
  const auto model = tr::torch::open_stateful(published(), options());
  INFO(failure(model));
  REQUIRE(model);
  constexpr std::uint64_t streams = 16;
  constexpr int chunks = 20;
  const auto noise = [](std::uint64_t stream, int i) {
    tr::Random random(tr::seed_of({stream, static_cast<std::uint64_t>(i)}));
    return chunk(i, [&](int) { return .1 * static_cast<double>(stream) / streams * random.normal(); });
  };
  const auto flow =
      tr::flow<Tensor>("voice", [&](tr::Stream<Tensor> x) { return x.then("voice", tr::torch::stateful(*model)); });
  auto engine = tr::start(flow, {.threads = 2, .max_in_flight = 64}).value();
  std::vector<std::vector<float>> alone(streams), together(streams);
  for (std::uint64_t s = 0; s < streams; ++s)
    for (int i = 0; i < chunks; ++i) alone[s].push_back(engine.run(noise(s, i), {.stream = s}).value().as<float>()[0]);
  for (int i = 0; i < chunks; ++i) {
    std::vector<tr::Handle<Tensor>> open;
    for (std::uint64_t s = 0; s < streams; ++s) open.push_back(engine.submit(noise(s, i), {.stream = streams + s}));
    for (std::uint64_t s = 0; s < streams; ++s) together[s].push_back(open[s].get().value().as<float>()[0]);
  }
  CHECK(alone == together);
  CHECK(alone[3] != alone[4]);
  CHECK(alone[15].front() != alone[15].back());
}
