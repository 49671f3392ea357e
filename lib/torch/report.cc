#include <ATen/Version.h>
#include <c10/util/StringUtil.h>
#include <link.h>

#include <filesystem>
#include <string_view>
#include <thread>

#include "tailrace/torch/memory.h"
#include "tailrace/torch/torch.h"
#include "torch/libtorch_version.h"
#include "torch/threads.h"

namespace tailrace::torch {

namespace {

// The file that a function was loaded from; empty: unknown.
std::string library_of(const char* function) {
  Dl_info info{};
  void* const found = dlsym(RTLD_DEFAULT, function);
  if (found == nullptr || dladdr(found, &info) == 0 || info.dli_fname == nullptr) return {};
  return std::filesystem::path(info.dli_fname).filename().string();
}

// Every OpenMP runtime in the process.
std::string openmp_libraries() {
  std::string names;
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* to) {
        const std::string name = std::filesystem::path(info->dlpi_name).filename().string();
        for (std::string_view runtime : {"libgomp", "libiomp5", "libomp"})
          if (name.starts_with(runtime)) {
            auto& all = *static_cast<std::string*>(to);
            all += (all.empty() ? "" : " and ") + name;
            break;
          }
        return 0;
      },
      &names);
  return names;
}

std::string first_line(std::string text) { return text.substr(0, text.find('\n')); }

// LibTorch's own words about MKL, or the library that has its BLAS routine.
std::string blas() {
  const std::string mkl = first_line(at::get_mkl_version());
  if (mkl.find("not found") == mkl.npos) return mkl;
  const std::string library = library_of("sgemm_");
  return library.empty() ? "in LibTorch" : library;
}

}  // namespace

Report report() {
  Report r;
  r.limited = detail::thread_limits().omp_set != nullptr;
  r.libtorch = TORCH_VERSION;
  const std::string libraries = openmp_libraries();
  r.openmp = first_line(at::get_openmp_version()) + (libraries.empty() ? "" : ", " + libraries);
  r.blas = blas();
  r.onednn = first_line(at::get_mkldnn_version());
  r.isa = at::get_cpu_capability();
  r.allocator = "malloc of " + library_of("malloc") + (memory_is_reused() ? ", behind reuse_memory()" : "");
  r.threads = detail::threads_of_caller();
  r.processors = static_cast<int>(std::thread::hardware_concurrency());
  return r;
}

std::string Report::text() const {
  return c10::str("LibTorch ", libtorch, "\nOpenMP: ", openmp, "\nBLAS: ", blas, "\noneDNN: ", onednn,
                  "\nkernels: ", isa, "\nmemory: ", allocator,
                  "\nthreads a call: ", limited ? "as LoadOptions say" : "not limited, no OpenMP found",
                  "; otherwise: ", threads, ", processors: ", processors, "\n");
}

}  // namespace tailrace::torch
