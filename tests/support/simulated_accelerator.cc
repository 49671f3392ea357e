#include "support/simulated_accelerator.h"

#include <algorithm>
#include <cstring>
#include <deque>
#include <functional>

namespace tailrace::test {

namespace {

using Queue = std::deque<std::pair<TimePoint, std::function<void()>>>;

std::uint64_t bytes_of(DType dtype, const Shape& shape) {
  return static_cast<std::uint64_t>(shape.elements()) * size_of(dtype);
}

class Simulated final : public SimulatedAccelerator, public std::enable_shared_from_this<Simulated> {
 public:
  Simulated(std::shared_ptr<sim::VirtualTime> time, SimulatedCosts costs, std::int8_t index)
      : time_(std::move(time)), costs_(costs), index_(index), computing_(costs.computes) {}

  Device device() const noexcept override { return {Device::Kind::cuda, index_}; }
  std::uint64_t memory() const noexcept override { return costs_.memory; }
  std::string describe() const override { return "a simulated accelerator"; }
  std::uint64_t allocated() const noexcept override { return allocated_; }
  std::uint64_t looks() const noexcept override { return looks_; }
  void break_down(std::string why) override { broken_ = std::move(why); }

  Result<std::unique_ptr<DeviceStream>> open_stream() noexcept override;
  Result<Tensor> allocate(DType dtype, const Shape& shape) noexcept override {
    const std::uint64_t bytes = bytes_of(dtype, shape);
    if (allocated_ + bytes > costs_.memory) return Error(Code::out_of_memory, "simulated", "no room on the device");
    allocated_ += bytes;
    const Tensor host = Tensor::zeros(dtype, shape);
    const std::shared_ptr<void> owner(
        host.data(), [kept = host, me = shared_from_this(), bytes](void*) { me->allocated_ -= bytes; });
    return Tensor::strided(host.data(), dtype, shape, host.strides(), device(), owner);
  }
  Result<Tensor> pinned(DType dtype, const Shape& shape) noexcept override { return Tensor::zeros(dtype, shape); }

 private:
  friend class SimulatedStream;
  std::shared_ptr<sim::VirtualTime> time_;
  SimulatedCosts costs_;
  std::int8_t index_;
  std::vector<TimePoint> computing_;  // until when
  std::uint64_t allocated_ = 0, looks_ = 0;
  std::string broken_;
};

class SimulatedStream final : public DeviceStream {
 public:
  explicit SimulatedStream(std::shared_ptr<Simulated> device) : device_(std::move(device)) {}

  Status copy(const Tensor& from, const Tensor& to) noexcept override {
    if (from.dtype() != to.dtype() || from.shape() != to.shape() || !from.contiguous() || !to.contiguous())
      return Error(Code::internal_error, "simulated", "a copy between unlike tensors");
    const auto bytes = bytes_of(from.dtype(), from.shape());
    const auto& costs = device_->costs_;
    until_ = std::max(until_, now()) + costs.copy + to_duration(static_cast<double>(bytes) / costs.bytes_per_second);
    queue_.emplace_back(until_, [from, to, bytes] { std::memcpy(to.data(), from.data(), bytes); });
    return {};
  }

  Status launch(const Model& network, std::span<const Tensor> inputs, std::span<Tensor> outputs) noexcept override {
    const auto& known = static_cast<const SimulatedNetwork&>(network);
    const auto rows = inputs[0].shape()[0];
    if (rows > known.most) return Error(Code::stage_failed, "simulated", "too many rows");
    if (inputs[0].device() != device_->device()) return Error(Code::internal_error, "simulated", "an input elsewhere");
    auto out = device_->allocate(inputs[0].dtype(), inputs[0].shape());
    if (!out) return out.error();
    outputs[0] = *out;
    auto& free = *std::min_element(device_->computing_.begin(), device_->computing_.end());
    until_ = std::max({until_ + device_->costs_.launch, now() + device_->costs_.launch, free}) + known.takes(rows);
    free = until_;
    queue_.emplace_back(until_, [&network, in = inputs[0], out = *out] {
      Tensor answer;
      (void)network.run({&in, 1}, {&answer, 1});
      std::memcpy(out.data(), answer.data(), bytes_of(out.dtype(), out.shape()));
    });
    return {};
  }

  Result<std::uint64_t> mark() noexcept override {
    marks_.push_back(std::max(until_, now()));
    return marks_.size();
  }

  Result<bool> reached(std::uint64_t mark) noexcept override {
    ++device_->looks_;
    if (device_->costs_.look > Duration{}) device_->time_->run_for(device_->costs_.look);
    if (!device_->broken_.empty()) return Error(Code::stage_failed, "simulated", device_->broken_);
    for (; !queue_.empty() && queue_.front().first <= now(); queue_.pop_front()) queue_.front().second();
    return marks_.at(mark - 1) <= now();
  }

 private:
  TimePoint now() const noexcept { return device_->time_->now(); }

  std::shared_ptr<Simulated> device_;
  TimePoint until_{};  // when the last thing in the queue is done
  Queue queue_;
  std::vector<TimePoint> marks_;
};

Result<std::unique_ptr<DeviceStream>> Simulated::open_stream() noexcept {
  return std::unique_ptr<DeviceStream>(std::make_unique<SimulatedStream>(shared_from_this()));
}

}  // namespace

Status SimulatedNetwork::run(std::span<const Tensor> inputs, std::span<Tensor> outputs) const noexcept {
  const Tensor& in = inputs[0];
  outputs[0] = Tensor::zeros(in.dtype(), in.shape());
  const auto* from = static_cast<const float*>(in.data());
  for (float& value : outputs[0].as<float>()) value = 2 * *from++;
  return {};
}

std::shared_ptr<SimulatedAccelerator> simulated_accelerator(std::shared_ptr<sim::VirtualTime> time,
                                                            SimulatedCosts costs, std::int8_t index) {
  return std::make_shared<Simulated>(std::move(time), costs, index);
}

}  // namespace tailrace::test
