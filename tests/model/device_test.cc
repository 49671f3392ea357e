// Devices: names, lists of cores, quotas of containers, nodes of a machine that is laid out in a folder, and this one.
#include "tailrace/model/device.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

using namespace tailrace;

namespace {

// A folder of its own that is gone at the end.
struct Folder {
  std::filesystem::path path = std::filesystem::temp_directory_path() /
                               ("tailrace_nodes_" + std::to_string(reinterpret_cast<std::uintptr_t>(this)));
  Folder() { std::filesystem::create_directories(path); }
  ~Folder() { std::filesystem::remove_all(path); }
  void node(const std::string& name, const std::string& cores, const std::string& memory) const {
    std::filesystem::create_directories(path / name);
    std::ofstream(path / name / "cpulist") << cores;
    std::ofstream(path / name / "meminfo") << memory;
  }
};

}  // namespace

TEST_CASE("devices: names") {
  CHECK(device_of("cpu") == Device{});
  CHECK(device_of("cuda") == Device{Device::Kind::cuda, 0});
  CHECK(device_of("cuda:7") == Device{Device::Kind::cuda, 7});
  for (const char* none : {"", "gpu", "cuda:", "cuda:-1", "cuda:128", "cuda:1x", "CPU", "cpu:0"}) {
    INFO(none);
    CHECK_FALSE(device_of(none));
  }
  CHECK(name(*device_of("cuda:7")) == "cuda:7");
}

TEST_CASE("devices: lists of cores and quotas as the kernel writes them") {
  using detail::read_cores, detail::read_quota;
  CHECK(read_cores("0-3,8,10-11\n") == std::vector<int>{0, 1, 2, 3, 8, 10, 11});
  CHECK(read_cores("5") == std::vector<int>{5});
  for (const char* none : {"", "\n", "x", "3-1", "1-", "-2", "0-99999999", "1;2"}) {
    INFO(none);
    CHECK(read_cores(none).empty());
  }
  CHECK(read_quota("250000 100000\n") == 2.5);
  for (const char* none : {"", "max 100000", "0 100000", "100000", "-1 100000", "100000 0"}) {
    INFO(none);
    CHECK_FALSE(read_quota(none));
  }
}

TEST_CASE("devices: arenas are the nodes of a machine, with the cores that may be used") {
  const Folder folder;
  folder.node("node1", "4-7", "Node 1 MemTotal:       2097152 kB\n");
  folder.node("node0", "0-3", "Node 0 MemFree: 1 kB\nNode 0 MemTotal:       1048576 kB\n");
  folder.node("node2", "8-9", "");
  folder.node("nodes", "0-9", "");
  folder.node("node3", "garbage", "");
  const auto arenas = detail::arenas_of(folder.path.string(), {1, 2, 6});
  REQUIRE(arenas.size() == 2);
  CHECK(arenas[0] == CpuArena{0, {1, 2}, std::uint64_t{1} << 30});
  CHECK(arenas[1] == CpuArena{1, {6}, std::uint64_t{2} << 30});
  CHECK(detail::arenas_of("/none", {1, 2}) == std::vector<CpuArena>{{0, {1, 2}, 0}});
}

TEST_CASE("devices: what a quota leaves, and what is told") {
  Devices d;
  d.cpu = {{0, {0, 1, 2, 3}, std::uint64_t{8} << 30}, {1, {4, 5, 6, 7}, 0}};
  d.no_cuda = "there is no driver";
  CHECK(d.usable() == 8);
  d.quota = 2.5;
  CHECK(d.usable() == 2);
  d.quota = .5;
  CHECK(d.usable() == 1);
  d.quota = 100;
  CHECK(d.usable() == 8);
  d.quota = 2.5;
  CHECK(d.describe() ==
        "cpu, node 0: 4 cores, 8 GiB\ncpu, node 1: 4 cores\ncpu: a quota of 2.500 processors\n"
        "cuda: none, there is no driver\n");
  CHECK(d.has({}));
  CHECK_FALSE(d.has({Device::Kind::cuda, 0}));
  d.cuda = {{1, "a card", std::uint64_t{24} << 30}};
  CHECK(d.has({Device::Kind::cuda, 1}));
  CHECK_FALSE(d.has({Device::Kind::cuda, 0}));
  CHECK_THAT(d.describe(), Catch::EndsWith("cuda:1: a card, 24 GiB\n"));
}

TEST_CASE("devices: this machine has a core, and says of CUDA what it has or why it has none") {
  const Devices here = Devices::detect();
  CHECK(here.cores() >= 1);
  CHECK(here.usable() >= 1);
  CHECK(here.usable() <= here.cores());
  CHECK(here.cuda.empty() != here.no_cuda.empty());
  CHECK(Devices::detect_cpu().cpu == here.cpu);
}
