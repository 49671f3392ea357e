#include "cli/speech.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <limits>

#include "cli/files.h"
#include "cli/models.h"
#include "cli/networks.h"
#include "cli/rows.h"
#include "cli/wav.h"
#include "tailrace/exec/start.h"
#include "tailrace/flow/flow.h"
#include "tailrace/stages/recurrent.h"

namespace tailrace::cli {

namespace {

using Detector = Engine<Tensor, Tensor>;
using Heard = std::vector<float>;

Problems problem_of(const Error& error) {
  return Problems(error.code(), std::string(error.where()), std::string(error.what()));
}

// The recording as chunks; stream k begins at another one, and goes round.
struct Recording {
  const std::vector<float>& samples;
  std::size_t chunks = samples.size() / chunk_samples;
  Tensor chunk(std::size_t i, std::size_t stream) const {
    const float* first = samples.data() + (i + 37 * stream) % chunks * chunk_samples;
    return Tensor::view(const_cast<float*>(first), DType::float32, {1, chunk_samples});
  }
};

Built<float> probability(const Result<Tensor>& answer) {
  if (!answer) return problem_of(answer.error());
  if (answer->dtype() == DType::float32 && answer->shape().elements() == 1) return answer->as<float>()[0];
  return Problems(Code::shape_mismatch, "voice",
                  "gave " + tailrace::name(answer->shape()) + ", expected one probability");
}

Built<std::vector<Heard>> one_after_another(Detector& engine, const Recording& recording, std::size_t streams) {
  std::vector<Heard> heard(streams);
  for (std::size_t k = 0; k < streams; ++k)
    for (std::size_t i = 0; i < recording.chunks; ++i) {
      const auto voice = probability(engine.run(recording.chunk(i, k), {.stream = k}));
      if (!voice) return voice.error();
      heard[k].push_back(*voice);
    }
  return heard;
}

Built<std::vector<Heard>> at_once(Detector& engine, const Recording& recording, std::size_t streams) {
  std::vector<Heard> heard(streams);
  for (std::size_t i = 0; i < recording.chunks; ++i) {
    std::vector<Handle<Tensor>> open;
    for (std::size_t k = 0; k < streams; ++k)
      open.push_back(engine.submit(recording.chunk(i, k), {.stream = streams + k}));
    for (std::size_t k = 0; k < streams; ++k) {
      const auto voice = probability(open[k].get());
      if (!voice) return voice.error();
      heard[k].push_back(*voice);
    }
  }
  return heard;
}

double microseconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace

Built<SpeechFigures> listen(const std::shared_ptr<const Model>& detector, const std::vector<float>& samples,
                            std::size_t streams, unsigned threads) {
  const Recording recording{samples};
  if (recording.chunks == 0)
    return Problems(Code::bad_value, "",
                    fmt::format("has {} samples, expected {} or more", samples.size(), chunk_samples));
  const auto flow = tailrace::flow<Tensor>("speech", [&](Stream<Tensor> chunk) {
    return chunk.then("voice", stages::recurrent(detector, {Tensor::zeros(DType::float32, {2, 1, 128}),
                                                            Tensor::zeros(DType::float32, {1, 64})}));
  });
  auto engine = start(flow, {.threads = threads, .max_in_flight = static_cast<std::uint32_t>(streams)});
  if (!engine) return engine.error();

  SpeechFigures figures;
  figures.streams = streams;
  figures.threads = threads;
  const double all = static_cast<double>(recording.chunks * streams);
  auto begin = std::chrono::steady_clock::now();
  const auto alone = one_after_another(*engine, recording, streams);
  if (!alone) return alone.error();
  figures.alone_us = microseconds_since(begin) / all;
  begin = std::chrono::steady_clock::now();
  const auto together = at_once(*engine, recording, streams);
  if (!together) return together.error();
  figures.at_once_us = microseconds_since(begin) / all;
  for (std::size_t k = 0; k < streams; ++k)
    if ((*alone)[k] != (*together)[k])
      return Problems(Code::internal_error, fmt::format("stream {}", k), "other streams changed what was heard in it");
  figures.voice = alone->front();
  return figures;
}

double difference(const std::vector<float>& voice, const std::vector<float>& recorded) {
  if (voice.size() != recorded.size()) return std::numeric_limits<double>::infinity();
  double largest = 0;
  for (std::size_t i = 0; i < voice.size(); ++i)
    largest = std::max(largest, std::abs(static_cast<double>(voice[i]) - static_cast<double>(recorded[i])));
  return largest;
}

std::string speech_text(const SpeechFigures& figures) {
  const auto& voice = figures.voice;
  const double step = static_cast<double>(chunk_samples) / samples_per_second;
  std::string text = fmt::format("{}: {:.2f} s, {} chunks of {} samples.\nA voice speaks\n", figures.file,
                                 static_cast<double>(voice.size()) * step, voice.size(), chunk_samples);
  for (std::size_t i = 0; i < voice.size();) {
    auto end = i;
    while (end < voice.size() && voice[end] >= 0.5F) ++end;
    if (end > i)
      text += fmt::format("  from {:>6.2f} s to {:>6.2f} s\n", static_cast<double>(i) * step,
                          static_cast<double>(end) * step);
    i = end + 1;
  }
  text += fmt::format(
      "\nOne stream after another: {:.0f} us a chunk. {} streams at once on {} thread{}: {:.0f} us a chunk,\n"
      "{:.0f} times as fast as they are spoken. Both say the same of every stream, bit for bit.\n",
      figures.alone_us, figures.streams, figures.threads, figures.threads == 1 ? "" : "s", figures.at_once_us,
      1e6 * step / figures.at_once_us);
  if (figures.difference)
    text +=
        fmt::format("Probabilities differ from those of the Python original by {:.1e} at most.\n", *figures.difference);
  return text;
}

// ---- the command

namespace {

Built<std::vector<float>> read_wav(const std::string& path) {
  const auto bytes = read_file(path, std::size_t{256} << 20);
  if (!bytes) return bytes.error();
  auto samples = parse_wav(*bytes);
  if (samples) return samples;
  return Problems(samples.error().code(), path, samples.error().list().front().what);
}

Built<SpeechFigures> run_speech(const SpeechOptions& options) {
  const auto samples = read_wav(options.wav);
  if (!samples) return samples.error();
  const auto detector = open_stateful(options.models + "/voice.pt", "voice");
  if (!detector) return detector.error();
  auto figures = listen(*detector, *samples, options.streams, options.threads ? options.threads : usable_processors());
  if (!figures) return figures;
  figures->file = options.wav;
  if (options.references.empty()) return figures;
  const auto recorded = read_rows(options.references);
  if (!recorded) return recorded.error();
  figures->difference = difference(figures->voice, recorded->values);
  return figures;
}

}  // namespace

Exit demo_speech(const SpeechOptions& given) {
  if (!have_torch()) return complain(no_torch, Exit::not_available);
  SpeechOptions options = given;
  if (options.models.empty()) {
    auto folder = default_cache("models");
    if (!folder) return complain(folder.error());
    options.models = *std::move(folder);
  }
  if (options.wav.empty()) {
    options.wav = options.models + "/speech/speech.wav";
    if (options.references.empty()) options.references = options.models + "/speech/speech.csv";
  }
  const auto figures = run_speech(options);
  if (!figures) {
    const Exit exit = figures.error().code() == Code::internal_error ? Exit::some_failed : Exit::bad_input;
    const bool missing = given.wav.empty() && exit == Exit::bad_input;
    complain(figures.error(), exit);
    return missing ? complain("python3 docs/models/export.py makes what the demo needs", exit) : exit;
  }
  std::fputs(speech_text(*figures).c_str(), stdout);
  if (std::fflush(stdout) != 0) return complain("standard output cannot be written");
  if (figures->difference.value_or(0) <= most_difference) return Exit::fine;
  return complain(options.references + ": these answers are not the recorded ones", Exit::some_failed);
}

}  // namespace tailrace::cli
