// The same with LibTorch's own operators, in inference mode and on one thread.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include "exit_kernels/scenario.h"

namespace exit_kernels {

bench::Arm aten(std::size_t rows) {
  at::set_num_threads(1);
  const auto n = static_cast<std::int64_t>(rows);
  struct Tensors {
    at::Tensor scores, features;
  };
  std::vector<Tensors> all;
  for (const Batch& batch : batches_of(rows))
    all.push_back({at::tensor(batch.scores).view({n, static_cast<std::int64_t>(classes)}),
                   at::tensor(batch.features).view({n, static_cast<std::int64_t>(width)})});
  return {"ATen", [all = std::move(all)](long runs) {
            const c10::InferenceMode inference;
            std::uint32_t answer = 0;
            for (long i = 0; i < runs; ++i) {
              const Tensors& batch = all[(answer + static_cast<std::uint32_t>(i)) % batches];
              const at::Tensor sure = std::get<0>(at::max(at::softmax(batch.scores, 1), 1));
              const at::Tensor staying = at::nonzero(at::lt(sure, least)).squeeze(1);
              const at::Tensor left = at::index_select(batch.features, 0, staying);
              answer = sum_of(static_cast<std::size_t>(left.size(0)), left.const_data_ptr<float>());
            }
            return answer;
          }};
}

}  // namespace exit_kernels
