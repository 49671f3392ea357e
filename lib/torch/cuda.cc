#include "tailrace/torch/cuda.h"

#include <ATen/ops/empty.h>
#include <c10/core/Event.h>
#include <c10/core/InferenceMode.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <dlfcn.h>
#include <link.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/serialization/import.h>

#include <deque>
#include <filesystem>
#include <utility>

#include "tailrace/model/device.h"
#include "torch/convert.h"

namespace tailrace::torch {

namespace {

namespace jit = ::torch::jit;

Error unsupported(const std::string& what) { return {Code::unsupported, "cuda", what}; }

// What the exception now being handled says, its first line. REQUIRES: inside a catch block.
Error caught(const std::string& where) noexcept {
  try {
    try {
      throw;
    } catch (const c10::Error& e) {
      const std::string text = e.what_without_backtrace();
      return {Code::stage_failed, where, text.substr(0, text.find('\n'))};
    } catch (const std::exception& e) {
      return {Code::stage_failed, where, e.what()};
    }
  } catch (...) {
    return {Code::out_of_memory, where, "no memory"};
  }
}

// A view of memory on whatever device the tensor says.
at::Tensor view_of(const Tensor& t) {
  const at::Device device = t.device().kind == Device::Kind::cuda ? at::Device(at::kCUDA, t.device().index) : at::kCPU;
  return at::for_blob(t.data(), at::IntArrayRef(t.shape().begin(), t.shape().rank()))
      .strides(at::IntArrayRef(t.strides().begin(), t.strides().rank()))
      .target_device(device)
      .options(at::TensorOptions(detail::scalar_type(t.dtype())).device(device))
      .make_tensor();
}

// The tensor as ours, which keeps its memory.
Result<Tensor> kept(at::Tensor given, Device device) {
  const auto dtype = detail::dtype_of(given.scalar_type());
  if (!dtype || given.layout() != at::kStrided || static_cast<std::size_t>(given.dim()) > Shape::max_rank)
    return Error(Code::unsupported, "cuda", "an answer is a " + given.toString() + ", which is not supported");
  const auto owner = std::make_shared<at::Tensor>(std::move(given));
  return Tensor::strided(owner->data_ptr(), *dtype, Shape(std::span(owner->sizes())),
                         Shape(std::span(owner->strides())), device, owner);
}

// A network on a device; its calls are put into the queue of the stream that is current.
class CudaNetwork final : public Model {
 public:
  CudaNetwork(std::string name, std::string file, Device device, jit::Module module)
      : name_(std::move(name)), file_(std::move(file)), device_(device), module_(std::move(module)) {}

  Status run(std::span<const Tensor> inputs, std::span<Tensor> outputs) const noexcept override {
    try {
      const c10::InferenceMode inference;
      if (inputs.size() != 1 || outputs.size() != 1 || inputs[0].device() != device_)
        return Error(Code::bad_value, name_, "takes one input and gives one output, on " + tailrace::name(device_));
      std::vector<c10::IValue> stack{view_of(inputs[0])};
      std::vector<at::Tensor> given;
      if (!detail::flatten(module_.get_method("forward")(std::move(stack)), given) || given.empty())
        return Error(Code::type_mismatch, name_, "forward did not give a tensor");
      auto out = kept(given[0].contiguous(), device_);
      if (!out) return out.error();
      outputs[0] = *std::move(out);
      return {};
    } catch (...) {
      return caught(name_);
    }
  }
  bool batched() const noexcept override { return true; }
  std::string describe() const override { return "LibTorch model " + file_ + " on " + tailrace::name(device_); }

 private:
  std::string name_, file_;
  Device device_;
  jit::Module module_;
};

class CudaStream final : public DeviceStream {
 public:
  explicit CudaStream(c10::Stream stream) : stream_(stream) {}
  ~CudaStream() override {
    try {
      stream_.synchronize();
    } catch (...) {  // the device is lost, and with it what was in the queue
    }
  }

  Status copy(const Tensor& from, const Tensor& to) noexcept override {
    try {
      const c10::InferenceMode inference;
      const c10::StreamGuard here(stream_);
      view_of(to).copy_(view_of(from), /*non_blocking=*/true);
      return {};
    } catch (...) {
      return caught("cuda");
    }
  }
  Status launch(const Model& network, std::span<const Tensor> inputs, std::span<Tensor> outputs) noexcept override {
    try {
      const c10::StreamGuard here(stream_);
      return network.run(inputs, outputs);
    } catch (...) {
      return caught("cuda");
    }
  }
  Result<std::uint64_t> mark() noexcept override {
    try {
      events_.emplace_back(stream_.device_type());
      events_.back().record(stream_);
      return before_ + events_.size();
    } catch (...) {
      return caught("cuda");
    }
  }
  Result<bool> reached(std::uint64_t mark) noexcept override {
    try {
      for (; before_ < mark && !events_.empty(); events_.pop_front(), ++before_)
        if (!events_.front().query()) return false;
      return true;
    } catch (...) {
      return caught("cuda");
    }
  }

 private:
  c10::Stream stream_;
  std::deque<c10::Event> events_;  // of the marks that the queue has not been seen to reach
  std::uint64_t before_ = 0;       // marks before those
};

class CudaAccelerator final : public Accelerator {
 public:
  explicit CudaAccelerator(CudaDevice device)
      : known_(std::move(device)), on_(at::kCUDA, static_cast<c10::DeviceIndex>(known_.index)) {}

  Device device() const noexcept override { return {Device::Kind::cuda, static_cast<std::int8_t>(known_.index)}; }
  std::uint64_t memory() const noexcept override { return known_.memory; }
  std::string describe() const override { return name(device()) + ", " + known_.name; }

  Result<std::unique_ptr<DeviceStream>> open_stream() noexcept override {
    try {
      const auto* cuda = c10::impl::getDeviceGuardImpl(at::kCUDA);
      return std::unique_ptr<DeviceStream>(std::make_unique<CudaStream>(cuda->getStreamFromGlobalPool(on_)));
    } catch (...) {
      return caught("cuda");
    }
  }
  Result<Tensor> allocate(DType dtype, const Shape& shape) noexcept override {
    return made(dtype, shape, at::TensorOptions().device(on_), device());
  }
  Result<Tensor> pinned(DType dtype, const Shape& shape) noexcept override {
    return made(dtype, shape, at::TensorOptions().device(at::kCPU).pinned_memory(true), {});
  }

 private:
  static Result<Tensor> made(DType dtype, const Shape& shape, const at::TensorOptions& options, Device on) noexcept {
    try {
      const at::IntArrayRef sizes(shape.begin(), shape.rank());
      return kept(at::empty(sizes, options.dtype(detail::scalar_type(dtype))), on);
    } catch (...) {
      return caught("cuda");
    }
  }

  CudaDevice known_;
  at::Device on_;
};

// Where LibTorch was loaded from; empty: nobody knows.
std::filesystem::path torch_folder() {
  std::filesystem::path folder;
  dl_iterate_phdr(
      [](dl_phdr_info* loaded, std::size_t, void* found) {
        const std::filesystem::path file(loaded->dlpi_name ? loaded->dlpi_name : "");
        if (file.filename() != "libtorch_cpu.so") return 0;
        *static_cast<std::filesystem::path*>(found) = file.parent_path();
        return 1;
      },
      &folder);
  return folder;
}

// LibTorch's library for CUDA lies beside the one that is loaded already. It registers itself, and stays for ever.
Status open_library() {
  const auto path = torch_folder() / "libtorch_cuda.so";
  if (dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL)) return {};
  const char* why = dlerror();
  return unsupported("this LibTorch has no library for CUDA: " + std::string(why ? why : path.string()));
}

}  // namespace

Result<std::shared_ptr<Accelerator>> cuda(int index) {
  const Devices devices = Devices::detect();
  if (devices.cuda.empty()) return unsupported(devices.no_cuda);
  for (const CudaDevice& device : devices.cuda) {
    if (device.index != index) continue;
    static const Status opened = open_library();
    if (!opened) return opened.error();
    return std::shared_ptr<Accelerator>(std::make_shared<CudaAccelerator>(device));
  }
  return unsupported("there is no device " + std::to_string(index) + "; there are " +
                     std::to_string(devices.cuda.size()));
}

Result<std::shared_ptr<const Model>> open_on(const Accelerator& accelerator, const std::string& path,
                                             const std::string& name) {
  const std::string called = name.empty() ? std::filesystem::path(path).stem().string() : name;
  const Device device = accelerator.device();
  if (device.kind != Device::Kind::cuda)
    return Error(Code::unsupported, called, "can be loaded onto CUDA devices, not " + tailrace::name(device));
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored))
    return Error(Code::bad_file, called, "there is no file '" + path + "'");
  try {
    auto module = jit::load(path, at::Device(at::kCUDA, device.index));
    module.eval();
    if (!module.find_method("forward")) return Error(Code::unsupported, called, "the module has no forward");
    auto file = std::filesystem::path(path).filename().string();
    return std::shared_ptr<const Model>(
        std::make_shared<const CudaNetwork>(called, std::move(file), device, jit::freeze(module)));
  } catch (...) {
    Error error = caught(called);
    return Error(Code::bad_file, called,
                 "cannot be loaded onto " + tailrace::name(device) + ": " + std::string(error.what()));
  }
}

}  // namespace tailrace::torch
