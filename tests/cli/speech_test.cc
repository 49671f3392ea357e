// The speech demo with a detector that is made up: what needs neither LibTorch nor exported weights.
#include "cli/speech.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <cmath>

#include "cli/wav.h"
#include "tailrace/core/tensor.h"

namespace tr = tailrace;
using namespace tailrace::cli;
using tr::Tensor;

namespace {

std::string number(std::uint32_t x, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(x >> (8 * i));
  return text;
}
std::string part(const std::string& name, const std::string& body) {
  return name + number(static_cast<std::uint32_t>(body.size()), 4) + body;
}
std::string format(unsigned channels, unsigned rate, unsigned bits) {
  return part("fmt ", number(1, 2) + number(channels, 2) + number(rate, 4) + number(rate * bits / 8, 4) +
                          number(bits / 8, 2) + number(bits, 2));
}
std::string wav(const std::string& parts) { return "RIFF" + number(0, 4) + "WAVE" + parts; }

std::string what_of(const auto& built) { return built ? "no problem" : built.error().what(); }

// Half of what it heard before and half of the chunk's first sample. `forgetful`: what it heard before in any stream.
class Fake : public tr::Model {
 public:
  explicit Fake(bool forgetful) : forgetful_(forgetful) {}
  tr::Status run(std::span<const Tensor> inputs, std::span<Tensor> outputs) const noexcept override {
    outputs[1] = inputs[1].contiguous_copy();
    outputs[2] = inputs[2];
    float& heard = outputs[1].as<float>()[0];
    if (forgetful_) heard = shared_;
    heard = heard / 2 + inputs[0].as<float>()[0] / 2;
    shared_ = heard;
    outputs[0] = Tensor::zeros(tr::DType::float32, {1, 1});
    outputs[0].as<float>()[0] = heard;
    return {};
  }
  bool batched() const noexcept override { return false; }
  std::string describe() const override { return "fake"; }

 private:
  bool forgetful_;
  mutable std::atomic<float> shared_ = 0;
};

// So many chunks whose first samples are 0, 1, 0, 1, 1, ...: no two streams begin alike.
std::vector<float> recording(std::size_t chunks) {
  std::vector<float> samples(chunks * chunk_samples);
  for (std::size_t i = 0; i < chunks; ++i) samples[i * chunk_samples] = static_cast<float>(i * i % 7 % 2);
  return samples;
}

}  // namespace

TEST_CASE("speech: WAV files") {
  const auto samples = parse_wav(wav(format(1, 16000, 16) + part("LIST", "odd") + std::string(1, '\0') +
                                     part("data", number(0x4000, 2) + number(0x8000, 2) + number(0xffff, 2))));
  if (!samples) FAIL(samples.error().what());
  CHECK(*samples == std::vector<float>{0.5F, -1, -1.F / 32768});
  CHECK(what_of(parse_wav("RIFX")) == "not a WAV file");
  CHECK(what_of(parse_wav(wav(""))) == "holds no samples");
  CHECK(what_of(parse_wav(wav(part("data", "ab")))) == "has samples before their format");
  CHECK(what_of(parse_wav(wav(part("fmt ", "short")))) == "its format is cut short");
  CHECK(what_of(parse_wav(wav(format(2, 44100, 16)))) ==
        "has 2 channels at 44100 Hz, 16 bits of kind 1; expected 1 at 16000 Hz, 16 bits of kind 1");
  const auto whole = wav(format(1, 16000, 16) + part("data", std::string(100, 'x')));
  CHECK(what_of(parse_wav(whole)) == "no problem");
  for (std::size_t n = 0; n < whole.size(); ++n) CHECK(what_of(parse_wav(whole.substr(0, n))) != "no problem");
}

TEST_CASE("speech: streams at once are heard as streams one after another") {
  const auto figures = listen(std::make_shared<Fake>(false), recording(40), 5, 2);
  if (!figures) FAIL(figures.error().what());
  REQUIRE(figures->voice.size() == 40);
  float heard = 0;
  for (std::size_t i = 0; i < 40; ++i) {
    heard = heard / 2 + static_cast<float>(i * i % 7 % 2) / 2;
    CHECK(figures->voice[i] == heard);
  }
  CHECK(figures->at_once_us > 0);
}

TEST_CASE("speech: a detector that mixes streams up is noticed") {
  const auto figures = listen(std::make_shared<Fake>(true), recording(40), 5, 2);
  REQUIRE_FALSE(figures);
  CHECK(figures.error().code() == tr::Code::internal_error);
  CHECK(figures.error().what().find("other streams changed what was heard in it") != std::string::npos);
  CHECK(what_of(listen(std::make_shared<Fake>(false), {1, 2}, 5, 1)) == "has 2 samples, expected 512 or more");
}

TEST_CASE("speech: the report, and recorded answers") {
  CHECK(difference({0.5F, 1}, {0.5F, 0.75F}) == 0.25);
  CHECK(std::isinf(difference({0.5F}, {0.5F, 1})));
  SpeechFigures figures{"a.wav", {0, 0.5F, 0.75F, 0.25F, 1}, 16, 2, 80, 50, 2e-6};
  CHECK(
      speech_text(figures) ==
      "a.wav: 0.16 s, 5 chunks of 512 samples.\nA voice speaks\n  from   0.03 s to   0.10 s\n  from   0.13 s to   0.16 "
      "s\n\nOne stream after another: 80 us a chunk. 16 streams at once on 2 threads: 50 us a chunk,\n640 times as "
      "fast as they are spoken. Both say the same of every stream, bit for bit.\nProbabilities differ from those of "
      "the Python original by 2.0e-06 at most.\n");
}
