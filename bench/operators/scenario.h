#pragma once
#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "support/requests.h"

// Ten operators over a vector of floats, by each system.
namespace operators {

using Values = std::vector<float>;
inline constexpr std::size_t width = 256;  // floats in a request

// ---- operators.cc

// One operator: its kernel, so many times over. The last time counts, since each begins with the same values.
struct Operator {
  void (*kernel)(const float* in, float* out) = nullptr;
  int times = 1;
  void operator()(Values& v) const;
};
inline constexpr std::size_t count = 10;
extern const std::array<const char*, count> names;
// Each repeated until it takes about so long here.
std::array<Operator, count> operators_of(std::chrono::nanoseconds each);
Values input_of(std::uint32_t seed);
std::uint32_t answer_of(const Values& v);  // bits that depend on all of them

// One system, for one client, or for many requests at a time.
class System {
 public:
  virtual ~System() = default;
  // One request on the calling thread, or wherever the system runs it.
  virtual std::uint32_t answer(std::uint32_t seed) = 0;
  // Starts one; `done` is called with its number when it is answered, from any thread.
  virtual void send(std::uint32_t number) = 0;
};
using Done = std::function<void(std::uint32_t number)>;
using Make = std::unique_ptr<System> (*)(const std::array<Operator, count>&, unsigned threads, Done done);

// ---- plain_loop.cc, tailrace.cc, tbb_flow_graph.cc
std::unique_ptr<System> loop(const std::array<Operator, count>& chain, unsigned threads, Done done);
std::unique_ptr<System> tailrace_flow(const std::array<Operator, count>& chain, unsigned threads, Done done);
#if TAILRACE_HAS_TBB
std::unique_ptr<System> flow_graph(const std::array<Operator, count>& chain, unsigned threads, Done done);
#endif

// ---- load.cc

struct Load {
  std::vector<double> latencies;  // nanoseconds, from the intended arrival
  double lateness = 0;            // of the sender, at the median
};
// Sends so many requests at `rate` a second to the system that `make` gives for a Done, and waits for all answers.
using MakeFor = std::function<std::unique_ptr<System>(Done done)>;
Load run_load(const MakeFor& make, double rate, std::size_t requests);

}  // namespace operators
