#include "tailrace/stages/recurrent.h"

#include <algorithm>

namespace tailrace::stages {

Result<Tensor> RecurrentStep::operator()(std::vector<Tensor>& state, const Tensor& in) const {
  std::vector<Tensor> inputs{in};
  inputs.insert(inputs.end(), state.begin(), state.end());
  std::vector<Tensor> outputs(inputs.size());
  if (Status called = model->run(inputs, outputs); !called) return called.error();
  for (std::size_t i = 0; i < state.size(); ++i)
    if (outputs[i + 1].shape() != state[i].shape() || outputs[i + 1].dtype() != state[i].dtype())
      return Error(Code::shape_mismatch, "recurrent",
                   model->describe() + " was given state " + std::to_string(i) + " as " + name(state[i].shape()) +
                       ", and gave " + name(outputs[i + 1].shape()));
  std::move(outputs.begin() + 1, outputs.end(), state.begin());
  return std::move(outputs.front());
}

}  // namespace tailrace::stages
