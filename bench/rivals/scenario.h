#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "support/onnx.h"
#include "support/requests.h"

// A cascade of two perceptrons over handwritten digits, by each system.
namespace rivals {

using Row = std::array<float, 64>;
using Scores = std::array<float, 10>;

// ---- networks.cc

// The same two networks for everybody: in memory, as TorchScript files and as ONNX files.
struct Networks {
  std::vector<tailrace::test::DenseLayer> small, large;  // 64-256-10 and 64-1024-1024-10
  std::string folder;                                    // holds small.pt, large.pt, small.onnx, large.onnx
  float sure = 0;  // the second network is asked where the first one's two best scores are nearer than this
  std::vector<Row> rows;
  std::vector<std::uint32_t> answers;  // of the cascade, for each row, by plain loops in double
  double unsure = 0;                   // share of the rows that the second network is asked for
};
// Removes the folder when it goes.
std::shared_ptr<const Networks> make_networks();

inline bool is_sure(const float* scores, float least) noexcept {
  float best = scores[0], second = -1e30f;
  for (std::size_t i = 1; i < 10; ++i) {
    second = std::max(second, std::min(best, scores[i]));
    best = std::max(best, scores[i]);
  }
  return best - second >= least;
}
inline std::uint32_t best_of(const float* scores) noexcept {
  std::uint32_t best = 0;
  for (std::uint32_t i = 1; i < 10; ++i)
    if (scores[i] > scores[best]) best = i;
  return best;
}

// One system. Numbers of requests are numbers of rows, again from the first one after the last.
class System {
 public:
  virtual ~System() = default;
  // One request, of a client who waits for it.
  virtual std::uint32_t answer(std::uint32_t number) = 0;
  // Starts one; the answer goes to the `done` that the system was made with, from any thread.
  virtual void send(std::uint32_t number) = 0;
  // Answers so many as fast as it can. Gives the sum of the answers.
  virtual std::uint64_t saturate(std::uint32_t count) = 0;
};
using Done = std::function<void(std::uint32_t number, std::uint32_t answer)>;
using Make = std::unique_ptr<System> (*)(std::shared_ptr<const Networks>, unsigned threads, Done);

// ---- plain.cc

// What one thread asks, one row at a time.
using Ask = std::function<std::uint32_t(const Row&)>;
// Threads that call: of `make_ask`, one each.
std::unique_ptr<System> plain_calls(std::shared_ptr<const Networks> networks, unsigned threads, Done done,
                                    const std::function<Ask()>& make_ask);

// ---- one system each
std::unique_ptr<System> plain_torch(std::shared_ptr<const Networks> networks, unsigned threads, Done done);
std::unique_ptr<System> tailrace_cascade(std::shared_ptr<const Networks> networks, unsigned threads, Done done);
#if TAILRACE_HAS_TBB
std::unique_ptr<System> flow_graph(std::shared_ptr<const Networks> networks, unsigned threads, Done done);
#endif
#if TAILRACE_HAS_OPENVINO
std::unique_ptr<System> plain_openvino(std::shared_ptr<const Networks> networks, unsigned threads, Done done);
#endif

// ---- torch.cc

// Writes a network as a TorchScript file.
void save_torch(const std::vector<tailrace::test::DenseLayer>& layers, const std::string& file);
// Rows a second of the cascade where both networks are called back to back on full batches of 32, on so many threads,
// with no framework: what the kernels allow.
double kernel_limit(const Networks& networks, unsigned threads, double seconds);

}  // namespace rivals
