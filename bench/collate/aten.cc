// The same with LibTorch's own operators, in inference mode.
#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>

#include "collate/scenario.h"

namespace collate {

bench::Arm aten(std::size_t rows) {
  std::vector<at::Tensor> given;
  for (const auto& row : rows_of(rows)) given.push_back(at::tensor(row));
  return {"ATen", [given = std::move(given)](long n) {
            const c10::InferenceMode inference;
            std::uint32_t answer = 0;
            for (long i = 0; i < n; ++i) {
              const at::Tensor batch = at::stack(given);
              for (const at::Tensor& row : at::unbind(batch)) answer += sum_of(row.const_data_ptr<float>());
            }
            return answer;
          }};
}

}  // namespace collate
