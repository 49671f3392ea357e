#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tailrace/core/tensor.h"

namespace tailrace {

// The device of such a name: "cpu", "cuda:0", or "cuda", which is the first one; empty for anything else.
std::optional<Device> device_of(std::string_view name) noexcept;

// What placing models on a device beside the CPU has to know of it.
struct DeviceFacts {
  Device device;
  std::uint64_t memory = 0;  // bytes that models may take there together; 0: no limit is known
  // A copy between the CPU's memory and its own takes so many seconds, and so many more for each byte. Below 0:
  // unknown, and then nothing is put there that was not asked to be there.
  double copy = -1, per_byte = 0;
  double busy = 0;  // share of the time that others keep it busy, 0 to below 1: calls wait so much longer
  bool operator==(const DeviceFacts&) const = default;
};

// Processors that share memory: a node of a NUMA machine, or the whole of another one.
struct CpuArena {
  int node = 0;
  std::vector<int> cores;    // those that this process may run on, by number
  std::uint64_t memory = 0;  // bytes that the node has; 0: unknown
  bool operator==(const CpuArena&) const = default;
};

struct CudaDevice {
  int index = 0;
  std::string name;          // as its driver says
  std::uint64_t memory = 0;  // bytes
  bool operator==(const CudaDevice&) const = default;
};

// What this process may compute on.
struct Devices {
  std::vector<CpuArena> cpu;    // by node; one at least
  std::optional<double> quota;  // processors that a container lets it use, if it says so: "2.5"
  std::vector<CudaDevice> cuda;
  std::string no_cuda;  // why there are none: "there is no driver: libcuda.so.1: cannot open …"

  // Asks the system: cores by sched_getaffinity and /sys/devices/system, the quota by cgroup, CUDA devices by the
  // driver's own library, which is opened if it is there. Neither a CUDA toolkit nor LibTorch is needed. Takes
  // milliseconds without a driver, and up to a second with one. Linux only; elsewhere one arena.
  static Devices detect();
  // The same without a look for CUDA devices: microseconds.
  static Devices detect_cpu();

  unsigned cores() const noexcept;   // of all arenas
  unsigned usable() const noexcept;  // threads that can run at the same time: cores, or as many as the quota lets
  bool has(Device device) const noexcept;
  std::string describe() const;  // one line a device, for people
  bool operator==(const Devices&) const = default;
};

namespace detail {
// "0-3,8" as 0 1 2 3 8; empty for what is no such list. At most 65536 numbers.
std::vector<int> read_cores(std::string_view list);
// Of "max 100000" or "250000 100000", as cgroup v2 writes cpu.max: 2.5.
std::optional<double> read_quota(std::string_view text);
// Arenas by the nodes that stand under such a folder (/sys/devices/system/node), of the cores that may be used.
std::vector<CpuArena> arenas_of(const std::string& folder, const std::vector<int>& usable);
}  // namespace detail

}  // namespace tailrace
