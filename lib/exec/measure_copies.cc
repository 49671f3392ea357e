// What copies to and from a device take.
#include <algorithm>
#include <thread>
#include <vector>

#include "tailrace/exec/stream_model.h"

namespace tailrace {

namespace {

struct Clocked {
  DeviceStream& stream;
  const std::function<TimePoint()>& now;
  const std::function<void()>& pause;

  // The median time of some copies there and back, for one of them.
  Result<double> copies(const Tensor& host, const Tensor& there) const {
    std::vector<double> seconds;
    for (int i = 0; i < 5; ++i) {
      const TimePoint begin = now();
      if (Status put = stream.copy(host, there); !put) return put.error();
      if (Status put = stream.copy(there, host); !put) return put.error();
      const auto mark = stream.mark();
      if (!mark) return mark.error();
      for (;; pause()) {
        const auto reached = stream.reached(*mark);
        if (!reached) return reached.error();
        if (*reached) break;
      }
      seconds.push_back(to_seconds(now() - begin) / 2);
    }
    std::sort(seconds.begin(), seconds.end());
    return seconds[seconds.size() / 2];
  }
};

}  // namespace

namespace detail {

Result<DeviceFacts> measure_copies(Accelerator& accelerator, const std::function<TimePoint()>& now,
                                   const std::function<void()>& pause) {
  constexpr std::int64_t sizes[] = {64, std::int64_t{16} << 20};
  const auto stream = accelerator.open_stream();
  if (!stream) return stream.error();
  double seconds[2] = {};
  for (int i = 0; i < 2; ++i) {
    const auto host = accelerator.pinned(DType::uint8, {sizes[i]});
    if (!host) return host.error();
    const auto there = accelerator.allocate(DType::uint8, {sizes[i]});
    if (!there) return there.error();
    const auto took = Clocked{**stream, now, pause}.copies(*host, *there);
    if (!took) return took.error();
    seconds[i] = *took;
  }
  DeviceFacts facts;
  facts.device = accelerator.device();
  facts.memory = accelerator.memory();
  facts.copy = seconds[0];
  facts.per_byte = std::max(0., seconds[1] - seconds[0]) / static_cast<double>(sizes[1] - sizes[0]);
  return facts;
}

}  // namespace detail

Result<DeviceFacts> measure_copies(Accelerator& accelerator) {
  return detail::measure_copies(
      accelerator, [] { return Clock::now(); }, [] { std::this_thread::yield(); });
}

}  // namespace tailrace
