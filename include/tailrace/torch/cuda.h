#pragma once
#include <memory>
#include <string>

#include "tailrace/model/accelerator.h"

// CUDA devices by LibTorch. Needs the target tailrace::torch, and to be built neither a CUDA toolkit nor a device: what
// computes there is libtorch_cuda.so, which is opened where a driver is found.
//
// NEVER RUN: no machine with a CUDA device was at hand when this was written. It compiles, links, and says why where
// there is no device; streams, events, copies and budgets were tested on a simulated accelerator, not on CUDA.
namespace tailrace::torch {

// The CUDA device of that number. Opens LibTorch's library for CUDA on the first call, which takes seconds and some
// hundreds of MB.
// Errors: unsupported where there is no driver or no such device, and where this LibTorch has no library for CUDA.
Result<std::shared_ptr<Accelerator>> cuda(int index = 0);

// A TorchScript file on that device, for tr::stream_model: takes one tensor whose first dimension counts rows, and
// gives one. Only to be called on a stream of that device. Errors: those of tr::torch::open that a file can have.
Result<std::shared_ptr<const Model>> open_on(const Accelerator& accelerator, const std::string& path,
                                             const std::string& name = {});

}  // namespace tailrace::torch
