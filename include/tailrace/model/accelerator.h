#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "tailrace/model/model.h"

namespace tailrace {

// One queue of a device: what is put there is done in order, one after another, while the caller goes on. One thread at
// a time. Its destruction waits until it is empty.
class DeviceStream {
 public:
  virtual ~DeviceStream() = default;

  // Puts a copy of the elements into the queue, from the CPU's memory to the device's, back, or on the device. Both
  // tensors live until it is done. REQUIRES: equal types and numbers of elements, both contiguous.
  virtual Status copy(const Tensor& from, const Tensor& to) noexcept = 0;
  // Puts a call into the queue, of a network that was loaded onto this device. Fills `outputs`, which lie there; what
  // is in them is there once the queue has come so far. Inputs may be given up when it returns.
  virtual Status launch(const Model& network, std::span<const Tensor> inputs, std::span<Tensor> outputs) noexcept = 0;

  // Puts a mark (an event) behind everything that is in the queue now. Marks count up from 1.
  virtual Result<std::uint64_t> mark() noexcept = 0;
  // Whether the queue has come to that mark; never waits. An error is one of what was done before it.
  virtual Result<bool> reached(std::uint64_t mark) noexcept = 0;
};

// A device with memory of its own that computes beside the processor. Members may be called from any thread.
class Accelerator {
 public:
  virtual ~Accelerator() = default;

  virtual Device device() const noexcept = 0;
  virtual std::uint64_t memory() const noexcept = 0;  // bytes of the device
  virtual Result<std::unique_ptr<DeviceStream>> open_stream() noexcept = 0;
  // Row-major memory on the device; out_of_memory where there is no room.
  virtual Result<Tensor> allocate(DType dtype, const Shape& shape) noexcept = 0;
  // The same of the CPU, which stays where it is, so that the device reads and writes it by itself.
  virtual Result<Tensor> pinned(DType dtype, const Shape& shape) noexcept = 0;
  virtual std::string describe() const = 0;  // one line for people
};

}  // namespace tailrace
