#pragma once
// TORCH_VERSION, wherever this version of LibTorch has it.
#if __has_include(<torch/headeronly/version.h>)
#include <torch/headeronly/version.h>
#else
#include <torch/version.h>
#endif
