#include "tailrace/model/device.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <sstream>
#include <thread>

#ifdef __linux__
#include <dlfcn.h>
#include <sched.h>
#endif

namespace tailrace {

std::optional<Device> device_of(std::string_view name) noexcept {
  if (name == "cpu") return Device{};
  if (name == "cuda") return Device{Device::Kind::cuda, 0};
  if (!name.starts_with("cuda:")) return std::nullopt;
  name.remove_prefix(5);
  int index = -1;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), index);
  if (error != std::errc() || end != name.data() + name.size() || index < 0 || index > 127) return std::nullopt;
  return Device{Device::Kind::cuda, static_cast<std::int8_t>(index)};
}

namespace detail {

std::vector<int> read_cores(std::string_view list) {
  constexpr std::size_t most = 65536;
  while (!list.empty() && (list.back() == '\n' || list.back() == ' ')) list.remove_suffix(1);
  std::vector<int> cores;
  const char* at = list.data();
  const char* const end = at + list.size();
  while (at != end) {
    int first = 0, last = 0;
    auto read = std::from_chars(at, end, first);
    if (read.ec != std::errc() || first < 0) return {};
    last = first;
    if (read.ptr != end && *read.ptr == '-') read = std::from_chars(read.ptr + 1, end, last);
    if (read.ec != std::errc() || last < first || static_cast<std::size_t>(last) >= most) return {};
    for (int core = first; core <= last && cores.size() < most; ++core) cores.push_back(core);
    if (read.ptr != end && *read.ptr++ != ',') return {};
    at = read.ptr;
  }
  return cores;
}

std::optional<double> read_quota(std::string_view text) {
  std::istringstream in{std::string(text)};
  double quota = 0, period = 0;
  if (!(in >> quota >> period) || !(quota > 0) || !(period > 0)) return std::nullopt;
  return quota / period;
}

namespace {

std::string text_of(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return std::move(text).str();
}

// "Node 0 MemTotal:  16384 kB"
std::uint64_t memory_of(const std::filesystem::path& node) {
  std::istringstream text(text_of(node / "meminfo"));
  for (std::string line; std::getline(text, line);) {
    const auto at = line.find("MemTotal:");
    if (at != line.npos) return 1024 * std::strtoull(line.c_str() + at + 9, nullptr, 10);
  }
  return 0;
}

}  // namespace

std::vector<CpuArena> arenas_of(const std::string& folder, const std::vector<int>& usable) {
  std::vector<CpuArena> arenas;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    CpuArena arena;
    if (!name.starts_with("node")) continue;
    const auto [end, wrong] = std::from_chars(name.data() + 4, name.data() + name.size(), arena.node);
    if (wrong != std::errc() || end != name.data() + name.size()) continue;
    for (const int core : read_cores(text_of(entry.path() / "cpulist")))
      if (std::find(usable.begin(), usable.end(), core) != usable.end()) arena.cores.push_back(core);
    arena.memory = memory_of(entry.path());
    if (!arena.cores.empty()) arenas.push_back(std::move(arena));
  }
  if (arenas.empty()) arenas.push_back({0, usable, 0});
  std::sort(arenas.begin(), arenas.end(), [](const auto& a, const auto& b) { return a.node < b.node; });
  return arenas;
}

}  // namespace detail

namespace {

#ifdef __linux__

std::vector<int> usable_cores() {
  std::vector<int> cores;
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0)
    for (int core = 0; core < CPU_SETSIZE; ++core)
      if (CPU_ISSET(core, &set)) cores.push_back(core);
  if (cores.empty()) cores.push_back(0);
  return cores;
}

// The driver's library, with the functions that count and name devices. Their types are those of NVIDIA's driver API:
// a CUresult is an int that is 0 where all went well, a CUdevice is an int.
class CudaDriver {
 public:
  CudaDriver() : library_(dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL)) {}
  ~CudaDriver() {
    if (library_) dlclose(library_);
  }
  CudaDriver(const CudaDriver&) = delete;
  CudaDriver& operator=(const CudaDriver&) = delete;

  void list(Devices& found) const {
    if (!library_) {
      const char* why = dlerror();
      found.no_cuda = std::string("there is no driver: ") + (why ? why : "libcuda.so.1 cannot be opened");
      return;
    }
    const auto init = function<int(unsigned)>("cuInit");
    const auto count = function<int(int*)>("cuDeviceGetCount");
    const auto get = function<int(int*, int)>("cuDeviceGet");
    const auto name = function<int(char*, int, int)>("cuDeviceGetName");
    const auto memory = function<int(std::size_t*, int)>("cuDeviceTotalMem_v2");
    if (!init || !count || !get || !name || !memory) return void(found.no_cuda = "its driver lacks functions");
    int devices = 0;
    if (const int error = init(0)) return void(found.no_cuda = "cuInit failed with " + std::to_string(error));
    if (const int error = count(&devices)) return void(found.no_cuda = "counting failed with " + std::to_string(error));
    for (int i = 0; i < std::min(devices, 128); ++i) {
      int device = 0;
      char text[256] = {};
      std::size_t bytes = 0;
      if (get(&device, i) || name(text, sizeof text - 1, device) || memory(&bytes, device)) continue;
      found.cuda.push_back({i, text, bytes});
    }
    if (found.cuda.empty()) found.no_cuda = "its driver knows of no device";
  }

 private:
  template <class F>
  F* function(const char* name) const {
    return reinterpret_cast<F*>(dlsym(library_, name));
  }
  void* library_;
};

void detect_cpu_here(Devices& found) {
  found.cpu = detail::arenas_of("/sys/devices/system/node", usable_cores());
  found.quota = detail::read_quota(detail::text_of("/sys/fs/cgroup/cpu.max"));
}
void detect_cuda_here(Devices& found) {
  found.no_cuda.clear();
  CudaDriver().list(found);
}

#else

void detect_cpu_here(Devices& found) {
  std::vector<int> cores(std::max(1u, std::thread::hardware_concurrency()));
  std::iota(cores.begin(), cores.end(), 0);
  found.cpu = {{0, std::move(cores), 0}};
}
void detect_cuda_here(Devices& found) { found.no_cuda = "devices are only looked for on Linux"; }

#endif

std::string in_gib(std::uint64_t bytes) { return std::to_string((bytes + (std::uint64_t{1} << 29)) >> 30) + " GiB"; }

}  // namespace

Devices Devices::detect() {
  Devices found = detect_cpu();
  detect_cuda_here(found);
  return found;
}

Devices Devices::detect_cpu() {
  Devices found;
  detect_cpu_here(found);
  found.no_cuda = "nobody looked for them";
  return found;
}

unsigned Devices::cores() const noexcept {
  std::size_t count = 0;
  for (const auto& arena : cpu) count += arena.cores.size();
  return static_cast<unsigned>(count);
}

unsigned Devices::usable() const noexcept {
  const unsigned by_cores = std::max(1u, cores());
  if (!quota || *quota >= by_cores) return by_cores;
  return std::max(1u, static_cast<unsigned>(std::floor(*quota)));
}

bool Devices::has(Device device) const noexcept {
  if (device.kind == Device::Kind::cpu) return device.index == 0;
  return std::any_of(cuda.begin(), cuda.end(), [&](const auto& c) { return c.index == device.index; });
}

std::string Devices::describe() const {
  std::string text;
  for (const auto& arena : cpu) {
    text += "cpu";
    if (cpu.size() > 1) text += ", node " + std::to_string(arena.node);
    text += ": " + std::to_string(arena.cores.size()) + (arena.cores.size() == 1 ? " core" : " cores");
    if (arena.memory) text += ", " + in_gib(arena.memory);
    text += "\n";
  }
  if (quota) text += "cpu: a quota of " + std::to_string(*quota).substr(0, 5) + " processors\n";
  for (const auto& c : cuda)
    text += name(Device{Device::Kind::cuda, static_cast<std::int8_t>(c.index)}) + ": " + c.name + ", " +
            in_gib(c.memory) + "\n";
  if (cuda.empty()) text += "cuda: none, " + no_cuda + "\n";
  return text;
}

}  // namespace tailrace
