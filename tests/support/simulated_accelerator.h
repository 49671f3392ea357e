#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tailrace/model/accelerator.h"
#include "tailrace/sim/virtual_time.h"

// An accelerator that computes nothing by itself: its "memory" is the process's, and what is put into its queues is
// over after as long as the costs say, on a virtual clock. Elements only arrive when somebody has seen a mark behind
// their copy, so that whoever reads too early finds zeros.
namespace tailrace::test {

struct SimulatedCosts {
  Duration launch = std::chrono::microseconds(10);  // of a call, before it computes
  Duration copy = std::chrono::microseconds(20);    // of each copy
  double bytes_per_second = 1e9;                    // of copies
  std::uint64_t memory = std::uint64_t{1} << 30;    // bytes of the device
  // The clock goes on so far at each look: for callers that wait themselves, where nobody else lets it go on.
  Duration look{};
  unsigned computes = 1;  // calls that compute at a time, of all streams; others wait
};

class SimulatedAccelerator : public Accelerator {
 public:
  // Bytes that are allocated on it now, and marks that were looked at.
  virtual std::uint64_t allocated() const noexcept = 0;
  virtual std::uint64_t looks() const noexcept = 0;
  // What `reached` says from now on; empty: all is well.
  virtual void break_down(std::string why) = 0;
};

std::shared_ptr<SimulatedAccelerator> simulated_accelerator(std::shared_ptr<sim::VirtualTime> time,
                                                            SimulatedCosts costs = {}, std::int8_t index = 0);

// A network for it: gives each row times two, after `call` and `row` for each row. Fails from `most` rows on.
struct SimulatedNetwork : Model {
  Duration call = std::chrono::microseconds(100), row = std::chrono::microseconds(10);
  std::int64_t most = 1 << 20;

  Duration takes(std::int64_t rows) const { return call + rows * row; }
  Status run(std::span<const Tensor> inputs, std::span<Tensor> outputs) const noexcept override;
  bool batched() const noexcept override { return true; }
  std::string describe() const override { return "a simulated network"; }
};

}  // namespace tailrace::test
