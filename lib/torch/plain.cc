#include "torch/plain.h"

#include <ATen/ExpandUtils.h>
#include <ATen/ScalarOps.h>
#include <ATen/ops/_log_softmax_cpu_dispatch.h>
#include <ATen/ops/_softmax_cpu_dispatch.h>
#include <ATen/ops/add_cpu_dispatch.h>
#include <ATen/ops/addmm_cpu_dispatch.h>
#include <ATen/ops/clamp_min_cpu_dispatch.h>
#include <ATen/ops/div_cpu_dispatch.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/gelu_cpu_dispatch.h>
#include <ATen/ops/leaky_relu_cpu_dispatch.h>
#include <ATen/ops/mm_cpu_dispatch.h>
#include <ATen/ops/mul_cpu_dispatch.h>
#include <ATen/ops/sigmoid_cpu_dispatch.h>
#include <ATen/ops/silu_cpu_dispatch.h>
#include <ATen/ops/sub_cpu_dispatch.h>
#include <ATen/ops/tanh_cpu_dispatch.h>
#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/ir/ir.h>

#include <algorithm>
#include <unordered_map>

#include "torch/convert.h"

namespace tailrace::torch::detail {

namespace {

namespace jit = ::torch::jit;

at::IntArrayRef sizes_of(const Shape& shape) { return {shape.begin(), shape.rank()}; }

at::Tensor empty(DType dtype, const Shape& shape) {
  return at::empty(sizes_of(shape), at::TensorOptions(scalar_type(dtype)).device(at::kCPU));
}

// The same memory as a tensor of inference mode: views of it, which kernels make, cost fewer allocations.
// REQUIRES: inference mode is on.
at::Tensor lean(const at::Tensor& t) {
  return at::for_blob(t.data_ptr(), t.sizes())
      .strides(t.strides())
      .deleter([t](void*) {})
      .target_device(at::kCPU)
      .options(at::TensorOptions(t.scalar_type()))
      .make_tensor();
}

}  // namespace

// Reads a graph into steps.
class Plain::Reader {
 public:
  explicit Reader(Plain& plain) : plain_(plain) {}

  bool read(const jit::Graph& graph) {
    if (graph.inputs().size() != 2) return false;  // the module itself, and one
    values_[graph.inputs()[1]] = 0;
    for (const jit::Node* node : graph.nodes())
      if (node->kind() != c10::prim::Constant && !read(*node)) return false;
    if (graph.outputs().size() != 1) return false;
    const jit::Value* answer = graph.outputs()[0];
    const auto kind = answer->node()->kind();
    if (kind == c10::prim::TupleConstruct || kind == c10::prim::ListConstruct) {
      for (const jit::Value* part : answer->node()->inputs())
        if (!add_output(part)) return false;
    } else if (!add_output(answer)) {
      return false;
    }
    return !plain_.steps_.empty();
  }

 private:
  using Read = bool (Reader::*)(const jit::Node&, Kind);
  struct Form {
    Kind kind;
    Read read;
  };

  // By the operator's name, without the mark of those that write in place: their answer takes the place of their input.
  static const Form* form_of(const std::string& name) {
    static const std::unordered_map<std::string, Form> forms = {
        {"aten::linear", {Kind::linear, &Reader::read_linear}},
        {"aten::relu", {Kind::clamp, &Reader::read_unary}},
        {"aten::sigmoid", {Kind::sigmoid, &Reader::read_unary}},
        {"aten::tanh", {Kind::tanh, &Reader::read_unary}},
        {"aten::silu", {Kind::silu, &Reader::read_unary}},
        {"aten::gelu", {Kind::gelu, &Reader::read_gelu}},
        {"aten::leaky_relu", {Kind::leaky, &Reader::read_leaky}},
        {"aten::softmax", {Kind::softmax, &Reader::read_softmax}},
        {"aten::log_softmax", {Kind::log_softmax, &Reader::read_softmax}},
        {"aten::add", {Kind::add, &Reader::read_binary}},
        {"aten::sub", {Kind::subtract, &Reader::read_binary}},
        {"aten::mul", {Kind::multiply, &Reader::read_binary}},
        {"aten::div", {Kind::divide, &Reader::read_binary}},
    };
    const auto found = forms.find(name);
    return found == forms.end() ? nullptr : &found->second;
  }

  bool read(const jit::Node& node) {
    std::string name = node.kind().toQualString();
    if (name == "prim::TupleConstruct" || name == "prim::ListConstruct")
      return node.next()->kind() == c10::prim::Return;
    if (name == "aten::dropout" || name == "aten::dropout_") return read_dropout(node);
    const bool in_place = name.back() == '_';
    if (in_place) name.pop_back();
    const Form* form = form_of(name);
    if (form == nullptr || node.outputs().size() != 1) return false;
    const auto in = value_of(node.input(0));
    if (!in || (in_place && *in == 0)) return false;  // would write to the caller's memory
    if (!(this->*form->read)(node, form->kind)) return false;
    const int given = static_cast<int>(plain_.steps_.size());
    if (in_place)
      for (auto& [value, number] : values_)
        if (number == *in) number = given;
    values_[node.output()] = given;
    return true;
  }

  std::optional<int> value_of(const jit::Value* value) const {
    const auto found = values_.find(value);
    return found == values_.end() ? std::nullopt : std::optional(found->second);
  }
  static std::optional<at::Tensor> tensor_of(const jit::Value* value) {
    const auto constant = jit::toIValue(value);
    return constant && constant->isTensor() ? std::optional(constant->toTensor()) : std::nullopt;
  }
  static std::optional<at::Scalar> number_of(const jit::Value* value) {
    const auto constant = jit::toIValue(value);
    return constant && constant->isScalar() ? std::optional(constant->toScalar()) : std::nullopt;
  }
  static bool is_none(const jit::Value* value) {
    const auto constant = jit::toIValue(value);
    return constant && constant->isNone();
  }
  Step& add(Kind kind, const jit::Value* in) {
    Step& step = plain_.steps_.emplace_back();
    step.kind = kind;
    step.in = *value_of(in);
    return step;
  }

  bool read_linear(const jit::Node& node, Kind kind) {
    const auto weight = tensor_of(node.input(1)), bias = tensor_of(node.input(2));
    if (!weight || weight->dim() != 2 || (!bias && !is_none(node.input(2)))) return false;
    Step& step = add(kind, node.input(0));
    step.weight = lean(weight->t());
    if (bias) step.bias = lean(*bias);
    return true;
  }
  bool read_unary(const jit::Node& node, Kind kind) {
    add(kind, node.input(0)).number = 0;
    return true;
  }
  bool read_gelu(const jit::Node& node, Kind kind) {
    const auto approximate = jit::toIValue(node.input(1));
    if (!approximate || !approximate->isString()) return false;
    add(kind, node.input(0)).approximate = approximate->toStringRef();
    return true;
  }
  bool read_leaky(const jit::Node& node, Kind kind) {
    const auto slope = number_of(node.input(1));
    if (slope) add(kind, node.input(0)).number = *slope;
    return slope.has_value();
  }
  bool read_softmax(const jit::Node& node, Kind kind) {
    const auto dim = number_of(node.input(1));
    if (!dim || !is_none(node.input(2))) return false;
    add(kind, node.input(0)).dim = dim->toLong();
    return true;
  }
  bool read_binary(const jit::Node& node, Kind kind) {
    const auto value = value_of(node.input(1));
    auto constant = tensor_of(node.input(1));
    if (const auto number = number_of(node.input(1)); number && !constant) constant = at::scalar_to_tensor(*number);
    const auto factor = node.inputs().size() > 2 ? number_of(node.input(2)) : at::Scalar(1);
    if ((!value && !constant) || !factor) return false;
    if (node.inputs().size() > 2 && kind != Kind::add && kind != Kind::subtract) return false;  // rounding of div
    if (constant && constant->dim() == 0 && number_of(node.input(1)))
      constant->unsafeGetTensorImpl()->set_wrapped_number(true);
    Step& step = add(kind, node.input(0));
    step.number = *factor;
    if (value) step.other = *value;
    else step.constant = *constant;
    return true;
  }
  // In evaluation mode it gives its input.
  bool read_dropout(const jit::Node& node) {
    const auto in = value_of(node.input(0));
    const auto trains = jit::toIValue(node.input(2));
    if (!in || !trains || !trains->isBool() || trains->toBool()) return false;
    values_[node.output()] = *in;
    return true;
  }
  bool add_output(const jit::Value* value) {
    const auto number = value_of(value);
    if (!number || *number == 0 || std::ranges::count(plain_.outputs_, *number)) return false;
    plain_.outputs_.push_back(*number);
    return true;
  }

  Plain& plain_;
  std::unordered_map<const jit::Value*, int> values_;
};

std::unique_ptr<Plain> Plain::recognise(const jit::Graph& graph) {
  auto plain = std::make_unique<Plain>();
  if (!Reader(*plain).read(graph)) return nullptr;
  plain->place_values();
  return plain;
}

bool Plain::last_use(int value, std::size_t step) const {
  for (std::size_t i = step + 1; i < steps_.size(); ++i)
    if (steps_[i].in == value || steps_[i].other == value) return false;
  return std::ranges::count(outputs_, value) == 0;
}

void Plain::place_values() {
  buffer_of_ = {-1};
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    const Step& step = steps_[i];
    const bool by_element = step.kind != Kind::linear && step.kind != Kind::softmax && step.kind != Kind::log_softmax;
    const bool in_place = by_element && step.in != 0 && last_use(step.in, i);
    buffer_of_.push_back(in_place ? buffer_of_[step.in] : buffers_++);
  }
}

std::optional<Shape> Plain::shape_after(const Step& step, std::span<const Shape> values) const {
  const Shape& in = values[step.in];
  const auto rank = static_cast<std::int64_t>(in.rank());
  if (step.kind == Kind::linear) {
    if (rank != 2 || in[1] != step.weight.size(0)) return std::nullopt;
    return Shape{in[0], step.weight.size(1)};
  }
  if (step.kind == Kind::softmax || step.kind == Kind::log_softmax)
    return step.dim < rank && step.dim >= -rank ? std::optional(in) : std::nullopt;
  at::IntArrayRef other = sizes_of(in);
  if (step.other >= 0) other = sizes_of(values[step.other]);
  else if (step.constant.defined()) other = step.constant.sizes();
  const bool as_wide = at::infer_size(sizes_of(in), other).size() == in.rank() &&
                       std::ranges::equal(at::infer_size(sizes_of(in), other), in);
  return as_wide ? std::optional(in) : std::nullopt;
}

bool Plain::prepare(DType dtype, const Shape& shape) {
  if (dtype != DType::float32 && dtype != DType::float64) return false;
  // Numbers as the kernels read them, which else convert them in every call. Rows are of one type, so this is done
  // once.
  for (Step& step : steps_)
    if (step.constant.defined() && step.constant.unsafeGetTensorImpl()->is_wrapped_number())
      step.constant = step.constant.to(scalar_type(dtype));
  std::vector<Shape> values{shape};
  auto sized = std::make_unique<Sized>(Sized{dtype, shape, std::vector<Shape>(buffers_), Pool<Work>(), {}});
  for (const Step& step : steps_) {
    const auto given = shape_after(step, values);
    if (!given) return false;
    sized->buffers[buffer_of_[values.size()]] = *given;
    values.push_back(*given);
  }
  for (std::size_t i = 0; i < outputs_.size(); ++i) sized->answers.emplace_back();
  sizes_.push_back(std::move(sized));
  return true;
}

const Plain::Sized* Plain::find(DType dtype, const Shape& shape) const noexcept {
  for (const auto& sized : sizes_)
    if (sized->shape == shape && sized->dtype == dtype) return sized.get();
  return nullptr;
}

std::shared_ptr<Plain::Work> Plain::borrow_work(const Sized& sized, const Tensor& input) const {
  auto work = sized.work.take([&] {
    Work made{{}, borrow(input)};
    for (int b = 0; b < buffers_; ++b) {
      const bool lent = std::ranges::any_of(outputs_, [&](int v) { return buffer_of_[v] == b; });
      made.buffers.push_back(lent ? at::Tensor() : empty(sized.dtype, sized.buffers[b]));
    }
    return made;
  });
  work->input.storage().unsafeGetStorageImpl()->set_data_ptr_noswap(at::DataPtr(input.data(), at::kCPU));
  return work;
}

void Plain::run(const Tensor& input, std::span<Tensor> outputs) const {
  const Sized& sized = *find(input.dtype(), input.shape());
  const auto work = borrow_work(sized, input);
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    const auto answer = sized.answers[i].take([&] {
      Answer made{empty(sized.dtype, sized.buffers[buffer_of_[outputs_[i]]]), {}};
      made.view = Tensor::view(made.tensor.data_ptr(), sized.dtype, sized.buffers[buffer_of_[outputs_[i]]]);
      return made;
    });
    work->buffers[buffer_of_[outputs_[i]]] = answer->tensor;
    if (i < outputs.size())
      outputs[i] =
          Tensor::strided(answer->view.data(), sized.dtype, answer->view.shape(), answer->view.strides(), {}, answer);
  }
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    const Step& s = steps_[i];
    apply(s, value(*work, s.in), s.other < 0 ? s.constant : value(*work, s.other),
          work->buffers[buffer_of_[static_cast<int>(i) + 1]]);
  }
}

void Plain::apply(const Step& step, const at::Tensor& in, const at::Tensor& other, at::Tensor& out) {
  switch (step.kind) {
    case Kind::linear:
      if (step.bias.defined()) at::cpu::addmm_outf(step.bias, in, step.weight, 1, 1, out);
      else at::cpu::mm_outf(in, step.weight, out);
      return;
    case Kind::clamp: at::cpu::clamp_min_outf(in, step.number, out); return;
    case Kind::sigmoid: at::cpu::sigmoid_outf(in, out); return;
    case Kind::tanh: at::cpu::tanh_outf(in, out); return;
    case Kind::silu: at::cpu::silu_outf(in, out); return;
    case Kind::gelu: at::cpu::gelu_outf(in, step.approximate, out); return;
    case Kind::leaky: at::cpu::leaky_relu_outf(in, step.number, out); return;
    case Kind::softmax: at::cpu::_softmax_outf(in, step.dim, false, out); return;
    case Kind::log_softmax: at::cpu::_log_softmax_outf(in, step.dim, false, out); return;
    case Kind::add: at::cpu::add_outf(in, other, step.number, out); return;
    case Kind::subtract: at::cpu::sub_outf(in, other, step.number, out); return;
    case Kind::multiply: at::cpu::mul_outf(in, other, out); return;
    case Kind::divide: at::cpu::div_outf(in, other, out); return;
  }
}

}  // namespace tailrace::torch::detail
