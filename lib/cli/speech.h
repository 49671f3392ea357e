#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/cli.h"
#include "tailrace/model/model.h"

namespace tailrace::cli {

// Samples of one step, and how many there are in a second.
inline constexpr std::size_t chunk_samples = 512;
inline constexpr double samples_per_second = 16000;

// What a voice detector says about a recording, and how fast.
struct SpeechFigures {
  std::string file;
  std::vector<float> voice;  // the probability of a voice in each chunk
  std::size_t streams = 0;   // that were heard at once
  unsigned threads = 0;
  double alone_us = 0, at_once_us = 0;  // a chunk: of streams one after another, and of all at once
  std::optional<double> difference;     // the largest from the recorded answers, where there are any
};

// Runs the detector, which takes and gives its state, over the recording in so many streams, each beginning at another
// place: one stream after another, then all at once. An internal_error where these answers are not the same bit for
// bit.
Built<SpeechFigures> listen(const std::shared_ptr<const Model>& detector, const std::vector<float>& samples,
                            std::size_t streams, unsigned threads);

// The largest difference from recorded answers; infinite where there are more or fewer.
double difference(const std::vector<float>& voice, const std::vector<float>& recorded);

std::string speech_text(const SpeechFigures& figures);

}  // namespace tailrace::cli
