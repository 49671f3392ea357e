#pragma once
#include <cstdint>
#include <functional>
#include <memory>

#include "tailrace/core/clock.h"
#include "tailrace/core/problems.h"
#include "tailrace/model/accelerator.h"
#include "tailrace/model/device.h"
#include "tailrace/model/model_profile.h"

namespace tailrace {

struct StreamModelOptions {
  RowType row{};                    // one row of the network's input
  std::uint32_t max_rows = 1;       // of a call
  unsigned replicas = 2;            // streams, each with buffers of its own: calls that are on the device at a time
  std::uint64_t network_bytes = 0;  // what the network takes there, as its profile says; 0: unknown, not counted
  std::uint64_t memory = 0;         // bytes that all of it may take; 0: what the device has
  Duration look = std::chrono::microseconds(50);  // how often it is looked whether a call is over
};

// What went over the bus, and why.
struct Traffic {
  std::uint64_t calls = 0;
  std::uint64_t copies_in = 0, copies_out = 0;  // to the device, and back
  std::uint64_t bytes_in = 0, bytes_out = 0;
  bool operator==(const Traffic&) const = default;
};

// A model whose calls are computed on an accelerator.
class StreamModel : public Model {
 public:
  virtual Traffic traffic() const noexcept = 0;
  // Bytes that its buffers and the network take on the device.
  virtual std::uint64_t bytes() const noexcept = 0;
};

// Calls of one network on a device. Each takes a free stream, or waits in line for one, first come first served: its
// rows are copied into memory that stays where it is, from there to the device by the stream, which then computes and
// copies the answer back. No thread waits meanwhile: a timer of the engine's executor looks at the stream's mark. An
// input that lies on the device already is not copied, and neither is the output of keeping_outputs(). Without an
// executor (run(), tr::measure) the caller's thread waits.
//
//   auto gpu = tr::torch::cuda(0).value();                        // or an Accelerator of your own
//   auto net = tr::stream_model(gpu, tr::torch::open_on(*gpu, "net.pt").value(), {.row = …, .max_rows = 32}).value();
//   models.add("digit", {.name = "large", .model = net, .device = gpu->device()});
//
// Errors of making it: bad_value for no replica or no row, out_of_memory where network and buffers are larger than
// `memory` or the device, and what the accelerator says. Errors of a call name the network.
Built<std::shared_ptr<const StreamModel>> stream_model(std::shared_ptr<Accelerator> accelerator,
                                                       std::shared_ptr<const Model> network,
                                                       const StreamModelOptions& options);

// What copies between the CPU and a device take, for `place`: the median of some small ones, and from some large ones
// what each byte adds; its memory as it says. Takes some ten milliseconds, and 16 MiB on either side.
// Errors: what the accelerator says.
Result<DeviceFacts> measure_copies(Accelerator& accelerator);

namespace detail {
// The same by a clock of somebody else's, who lets it go on in `pause`.
Result<DeviceFacts> measure_copies(Accelerator& accelerator, const std::function<TimePoint()>& now,
                                   const std::function<void()>& pause);
}  // namespace detail

}  // namespace tailrace
