#if TAILRACE_HAS_OPENVINO
#include <openvino/openvino.hpp>

#include "rivals/scenario.h"

namespace rivals {
namespace {

// As somebody writes it who calls OpenVINO by hand: compiled for one row and with one stream, which computes on the
// thread that calls it, once for each thread, the row not copied.
struct Compiled {
  explicit Compiled(const Networks& networks)
      : small(compile(networks.folder + "/small.onnx")), large(compile(networks.folder + "/large.onnx")) {}
  ov::CompiledModel compile(const std::string& file) {
    const auto network = core.read_model(file);
    network->reshape(ov::PartialShape{1, 64});
    return core.compile_model(network, "CPU", ov::num_streams(1), ov::inference_num_threads(1),
                              ov::hint::inference_precision(ov::element::f32));
  }
  ov::Core core;
  ov::CompiledModel small, large;
};

struct Caller {
  Caller(std::shared_ptr<Compiled> networks, float sure)
      : compiled(std::move(networks)),
        small(compiled->small.create_infer_request()),
        large(compiled->large.create_infer_request()),
        least(sure) {}
  std::uint32_t operator()(const Row& row) {
    const ov::Tensor x(ov::element::f32, {1, 64}, const_cast<float*>(row.data()));
    const float* scores = ask(small, x);
    return best_of(is_sure(scores, least) ? scores : ask(large, x));
  }
  static const float* ask(ov::InferRequest& request, const ov::Tensor& x) {
    request.set_input_tensor(x);
    request.infer();
    return request.get_output_tensor().data<float>();
  }
  std::shared_ptr<Compiled> compiled;
  ov::InferRequest small, large;
  float least;
};

}  // namespace

std::unique_ptr<System> plain_openvino(std::shared_ptr<const Networks> networks, unsigned threads, Done done) {
  const float sure = networks->sure;
  return plain_calls(networks, threads, std::move(done), [networks, sure] {
    auto caller = std::make_shared<Caller>(std::make_shared<Compiled>(*networks), sure);
    return [caller](const Row& row) { return (*caller)(row); };
  });
}

}  // namespace rivals
#endif
