#include <oneapi/tbb/flow_graph.h>
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>

#include <atomic>
#include <deque>
#include <mutex>
#include <optional>

#include "rivals/scenario.h"
#include "tailrace/torch/torch.h"

namespace rivals {
namespace {

namespace flow = oneapi::tbb::flow;
namespace tr = tailrace;

struct Payload {
  std::uint32_t number = 0, answer = 0;
  const Row* row = nullptr;
  Scores scores{};
  bool sure = false;
};
using Light = flow::function_node<Payload*, Payload*, flow::lightweight>;  // runs where it is put
using Split = flow::multifunction_node<Payload*, std::tuple<Payload*, Payload*>, flow::lightweight>;

Scores ask(const tr::Model& model, const Row& row) noexcept {
  const tr::Tensor x = tr::Tensor::view(const_cast<float*>(row.data()), tr::DType::float32, {1, 64});
  tr::Tensor y;
  Scores scores{};
  if (model.run({&x, 1}, {&y, 1})) std::copy_n(y.as<float>().data(), scores.size(), scores.begin());
  return scores;
}

// small -> split -> (large) -> answer, in an arena of workers; many requests at a time.
class FlowGraph final : public System {
 public:
  FlowGraph(std::shared_ptr<const Networks> networks, unsigned threads, Done done)
      : networks_(std::move(networks)),
        done_(std::move(done)),
        small_(tr::torch::open(networks_->folder + "/small.pt", options()).value()),
        large_(tr::torch::open(networks_->folder + "/large.pt", options()).value()),
        workers_(oneapi::tbb::global_control::max_allowed_parallelism, threads + 1),
        arena_(static_cast<int>(threads), 0) {
    arena_.execute([&] { lay(); });
  }
  ~FlowGraph() override {
    arena_.execute([&] { graph_->wait_for_all(); });
  }
  std::uint32_t answer(std::uint32_t number) override {
    Payload p;
    p.row = &row(number);
    p.scores = ask(*small_, *p.row);
    if (!is_sure(p.scores.data(), networks_->sure)) p.scores = ask(*large_, *p.row);
    return best_of(p.scores.data());
  }
  void send(std::uint32_t number) override {
    Payload* p = nullptr;
    {
      const std::lock_guard lock(mutex_);
      p = &payloads_.emplace_back();
    }
    p->number = number;
    p->row = &row(number);
    graph_->reserve_wait();  // who waits for the graph waits for the way out of its last node, too
    arena_.enqueue([this, p] {
      first_->try_put(p);
      graph_->release_wait();
    });
  }
  std::uint64_t saturate(std::uint32_t count) override {
    sum_ = 0;
    for (std::uint32_t i = 0; i < count; ++i) send(i);
    arena_.execute([&] { graph_->wait_for_all(); });
    payloads_.clear();
    return sum_;
  }

 private:
  static tr::torch::LoadOptions options() { return {.rows = {{tr::DType::float32, {64}}}}; }
  const Row& row(std::uint32_t number) const { return networks_->rows[number % networks_->rows.size()]; }
  void lay() {
    graph_.emplace();
    first_.emplace(*graph_, flow::unlimited, [this](Payload* p) noexcept {
      p->scores = ask(*small_, *p->row);
      return p;
    });
    split_.emplace(*graph_, flow::unlimited, [this](Payload* p, Split::output_ports_type& ports) noexcept {
      if (is_sure(p->scores.data(), networks_->sure)) std::get<0>(ports).try_put(p);
      else std::get<1>(ports).try_put(p);
    });
    second_.emplace(*graph_, flow::unlimited, [this](Payload* p) noexcept {
      p->scores = ask(*large_, *p->row);
      return p;
    });
    last_.emplace(*graph_, flow::unlimited, [this](Payload* p) noexcept {
      p->answer = best_of(p->scores.data());
      sum_ += p->answer;
      if (done_) done_(p->number, p->answer);
      return p;
    });
    flow::make_edge(*first_, *split_);
    flow::make_edge(flow::output_port<0>(*split_), *last_);
    flow::make_edge(flow::output_port<1>(*split_), *second_);
    flow::make_edge(*second_, *last_);
  }

  const std::shared_ptr<const Networks> networks_;
  const Done done_;
  const std::shared_ptr<const tr::Model> small_, large_;
  const oneapi::tbb::global_control workers_;  // as many as threads, beside the one that sends
  oneapi::tbb::task_arena arena_;
  std::optional<flow::graph> graph_;
  std::optional<Light> first_, second_, last_;
  std::optional<Split> split_;
  std::mutex mutex_;
  std::deque<Payload> payloads_;
  std::atomic<std::uint64_t> sum_{0};
};

}  // namespace

std::unique_ptr<System> flow_graph(std::shared_ptr<const Networks> networks, unsigned threads, Done done) {
  return std::make_unique<FlowGraph>(std::move(networks), threads, std::move(done));
}

}  // namespace rivals
