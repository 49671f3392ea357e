// CUDA: on a machine without a device, what is said; with one, that a network computes there. The second was never run.
#include "tailrace/torch/cuda.h"

#include <catch2/catch.hpp>

#include "tailrace/model/device.h"

using namespace tailrace;

TEST_CASE("cuda: where there is no device, it is told why") {
  const Devices here = Devices::detect();
  if (!here.cuda.empty()) return;
  const auto none = tailrace::torch::cuda(0);
  REQUIRE_FALSE(none);
  CHECK(none.error().code() == Code::unsupported);
  CHECK(none.error().where() == "cuda");
  CHECK(std::string(none.error().what()) == here.no_cuda);
}

TEST_CASE("cuda: where there is a device, memory goes there and comes back") {
  if (Devices::detect().cuda.empty()) return;
  const auto gpu = tailrace::torch::cuda(0);
  if (!gpu) FAIL(gpu.error().what());
  const auto stream = (*gpu)->open_stream();
  REQUIRE(stream);
  const auto from = (*gpu)->pinned(DType::float32, {4}), to = (*gpu)->pinned(DType::float32, {4});
  const auto there = (*gpu)->allocate(DType::float32, {4});
  REQUIRE((from && to && there));
  std::fill_n(static_cast<float*>(from->data()), 4, 3.f);
  CHECK((*stream)->copy(*from, *there));
  CHECK((*stream)->copy(*there, *to));
  const auto mark = (*stream)->mark();
  REQUIRE(mark);
  for (Result<bool> reached = false; !*reached; reached = (*stream)->reached(*mark)) REQUIRE(reached);
  CHECK(*to == *from);
}
