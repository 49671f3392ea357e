#include "tailrace/exec/stream_model.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <mutex>
#include <new>
#include <thread>
#include <vector>

#include "tailrace/engine/executor.h"

namespace tailrace {

namespace {

std::uint64_t bytes_of(const Tensor& t) {
  return static_cast<std::uint64_t>(t.shape().elements()) * size_of(t.dtype());
}

// A stream with its buffers.
struct Replica {
  Tensor pinned_in, device_in, pinned_out;  // the last one is as large as the largest answer so far
  std::unique_ptr<DeviceStream> stream;     // the last member: its end waits until nothing uses the others
};

struct Call;

// What the forms of one model share: they keep outputs, or do not.
struct Shared {
  std::shared_ptr<Accelerator> accelerator;
  std::shared_ptr<const Model> network;
  StreamModelOptions options;
  std::uint64_t bytes = 0;

  std::mutex mutex;
  std::vector<Replica> replicas;
  std::vector<Replica*> idle;              // under `mutex`
  Call *first = nullptr, *last = nullptr;  // those who wait for a replica, under `mutex`
  std::atomic<std::uint64_t> calls{0}, copies_in{0}, copies_out{0}, bytes_in{0}, bytes_out{0};
};

// One call, from start() to its end.
struct Call : Timer {
  std::shared_ptr<Shared> shared;
  std::span<const Tensor> inputs;
  std::span<Tensor> outputs;
  CallEnd* end = nullptr;
  Executor* executor = nullptr;
  bool keeps = false;

  Replica* replica = nullptr;
  std::uint64_t mark = 0;
  Tensor device_out, host_out;
  Call* next = nullptr;
};

Error refuse(const Shared& shared, Code code, const std::string& what) {
  return {code, shared.network->describe(), what};
}

// A view of the first elements of a buffer.
Tensor front(const Tensor& buffer, DType dtype, const Shape& shape) {
  Shape strides;
  std::array<std::int64_t, Shape::max_rank> steps{};
  std::int64_t step = 1;
  for (std::size_t i = shape.rank(); i-- > 0;) steps[i] = step, step *= shape[i];
  for (std::size_t i = 0; i < shape.rank(); ++i) strides.push_back(steps[i]);
  return Tensor::strided(buffer.data(), dtype, shape, strides, buffer.device(), buffer.owner());
}

Status check(const Shared& shared, std::span<const Tensor> inputs, std::span<Tensor> outputs) {
  if (inputs.size() != 1 || outputs.size() != 1)
    return refuse(shared, Code::bad_value, "has one input and one output on an accelerator");
  const Tensor& in = inputs[0];
  const RowType& row = shared.options.row;
  const bool batched = shared.network->batched();
  if (in.dtype() != row.dtype || in.shape().rank() != row.shape.rank() + batched ||
      (batched ? in.shape().without_first() : in.shape()) != row.shape)
    return refuse(shared, Code::shape_mismatch,
                  "takes " + std::string(batched ? "a batch of " : "") + std::string(name(row.dtype)) + " " +
                      name(row.shape) + ", got " + std::string(name(in.dtype())) + " " + name(in.shape()));
  if (batched && in.shape()[0] > shared.options.max_rows)
    return refuse(
        shared, Code::shape_mismatch,
        "takes " + std::to_string(shared.options.max_rows) + " rows at most, got " + std::to_string(in.shape()[0]));
  if (in.device() != Device{} && in.device() != shared.accelerator->device())
    return refuse(shared, Code::unsupported,
                  "is on " + name(shared.accelerator->device()) + ", the input on " + name(in.device()));
  return {};
}

// ---- on a replica's stream; each puts something into the queue

Status bring_in(Call& call, Tensor& input) {
  Shared& s = *call.shared;
  Replica& r = *call.replica;
  const Tensor& given = call.inputs[0];
  if (given.device() == s.accelerator->device()) return input = given, Status();
  const Tensor dense = given.contiguous() ? given : given.contiguous_copy();
  const Tensor from = front(r.pinned_in, dense.dtype(), dense.shape());
  input = front(r.device_in, dense.dtype(), dense.shape());
  std::memcpy(from.data(), dense.data(), bytes_of(dense));
  s.copies_in.fetch_add(1, std::memory_order_relaxed);
  s.bytes_in.fetch_add(bytes_of(dense), std::memory_order_relaxed);
  return r.stream->copy(from, input);
}

Status bring_out(Call& call) {
  if (call.keeps) return {};
  Shared& s = *call.shared;
  Replica& r = *call.replica;
  const Tensor& out = call.device_out;
  if (!out.contiguous()) return refuse(s, Code::unsupported, "gave an answer with gaps between its elements");
  if (bytes_of(r.pinned_out) < bytes_of(out) || r.pinned_out.empty()) {
    auto larger = s.accelerator->pinned(out.dtype(), out.shape());
    if (!larger) return larger.error();
    r.pinned_out = *std::move(larger);
  }
  call.host_out = front(r.pinned_out, out.dtype(), out.shape());
  s.copies_out.fetch_add(1, std::memory_order_relaxed);
  s.bytes_out.fetch_add(bytes_of(out), std::memory_order_relaxed);
  return r.stream->copy(out, call.host_out);
}

Status launch(Call& call) {
  Tensor input;
  if (Status put = bring_in(call, input); !put) return put;
  DeviceStream& stream = *call.replica->stream;
  if (Status put = stream.launch(*call.shared->network, {&input, 1}, {&call.device_out, 1}); !put) return put;
  if (Status put = bring_out(call); !put) return put;
  auto mark = stream.mark();
  if (!mark) return mark.error();
  call.mark = *mark;
  call.shared->calls.fetch_add(1, std::memory_order_relaxed);
  return {};
}

// ---- who is next, and what becomes of those whose call is over

// A replica for the call, or its place in line.
bool take_replica(Call& call) noexcept {
  Shared& s = *call.shared;
  const std::lock_guard lock(s.mutex);
  if (!s.idle.empty()) {
    call.replica = s.idle.back();
    s.idle.pop_back();
    return true;
  }
  (s.first ? s.last->next : s.first) = &call;
  s.last = &call;
  return false;
}
// Gives it to the first in line, whose call is to be begun; null: nobody waits.
Call* pass_replica(Shared& s, Replica* replica) noexcept {
  const std::lock_guard lock(s.mutex);
  Call* const next = s.first;
  if (!next) return s.idle.push_back(replica), nullptr;  // it has room: idle never grows past what it began with
  s.first = next->next;
  next->replica = replica;
  return next;
}

// Tells its end; gives the call that has its replica now, which is to be begun.
Call* finish(Call* ended, Status status) noexcept {
  const std::unique_ptr<Call> call(ended);
  const std::shared_ptr<Shared> shared = call->shared;
  if (status && !call->keeps) {
    try {
      call->outputs[0] = call->host_out.contiguous_copy();
    } catch (...) {
      status = Error(Code::out_of_memory, {}, "no memory for an answer");
    }
  } else if (status) {
    call->outputs[0] = std::move(call->device_out);
  }
  call->host_out = {};
  call->device_out = {};
  Call* const next = pass_replica(*shared, call->replica);
  CallEnd& end = *call->end;
  end.over(end, std::move(status));
  return next;
}

void begin(Call* call) noexcept;

// Looks whether the call is over; false: not yet.
bool look(Call* call) noexcept {
  auto reached = call->replica->stream->reached(call->mark);
  if (reached && !*reached) return false;
  begin(finish(call, reached ? Status() : Status(reached.error())));
  return true;
}

void look_later(Call& call) noexcept {
  call.fire = [](Timer& timer) noexcept {
    auto& due = static_cast<Call&>(timer);
    if (!look(&due)) look_later(due);
  };
  call.executor->wake_at(call.executor->now() + call.shared->options.look, call);
}

// The call, and where it fails at once the one behind it. Null: there is none.
void begin(Call* call) noexcept {
  while (call) {
    Status put;
    try {
      put = launch(*call);
    } catch (...) {
      put = Error(Code::out_of_memory, {}, "no memory for a call on an accelerator");
    }
    if (put && call->executor) return look_later(*call);
    if (put) return;  // whoever waits looks
    call = finish(call, put.error());
  }
}

class OnStreams final : public StreamModel {
 public:
  OnStreams(std::shared_ptr<Shared> shared, bool keeps) : shared_(std::move(shared)), keeps_(keeps) {}

  bool starts() const noexcept override { return true; }
  unsigned at_once() const noexcept override { return shared_->options.replicas; }
  void start(std::span<const Tensor> inputs, std::span<Tensor> outputs, CallEnd& end,
             Executor* executor) const noexcept override {
    if (!executor) return end.over(end, run(inputs, outputs));
    try {
      if (Status fit = check(*shared_, inputs, outputs); !fit) return end.over(end, fit.error());
      auto call = made(inputs, outputs, end);
      call->executor = executor;
      Call* const kept = call.release();  // finish() frees it
      if (take_replica(*kept)) begin(kept);
    } catch (...) {
      end.over(end, Error(Code::out_of_memory, {}, "no memory for a call on an accelerator"));
    }
  }

  Status run(std::span<const Tensor> inputs, std::span<Tensor> outputs) const noexcept override {
    try {
      if (Status fit = check(*shared_, inputs, outputs); !fit) return fit;
      Waiter waiter;
      auto call = made(inputs, outputs, waiter);
      Replica* const replica = wait_for_replica();
      call->replica = replica;
      Call* const kept = call.release();
      begin(kept);
      while (!waiter.is_over && !look(kept)) std::this_thread::sleep_for(shared_->options.look);
      return waiter.status;
    } catch (...) {
      return Error(Code::out_of_memory, {}, "no memory for a call on an accelerator");
    }
  }

  std::shared_ptr<const Model> keeping_outputs() const override { return std::make_shared<OnStreams>(shared_, true); }
  bool batched() const noexcept override { return shared_->network->batched(); }
  std::string describe() const override {
    return shared_->network->describe() + ", " + std::to_string(shared_->replicas.size()) + " streams of " +
           shared_->accelerator->describe();
  }
  Traffic traffic() const noexcept override {
    return {shared_->calls, shared_->copies_in, shared_->copies_out, shared_->bytes_in, shared_->bytes_out};
  }
  std::uint64_t bytes() const noexcept override { return shared_->bytes; }

 private:
  struct Waiter : CallEnd {
    Waiter() {
      over = [](CallEnd& end, Status s) noexcept {
        static_cast<Waiter&>(end).status = std::move(s);
        static_cast<Waiter&>(end).is_over = true;
      };
    }
    Status status;
    bool is_over = false;
  };

  std::unique_ptr<Call> made(std::span<const Tensor> inputs, std::span<Tensor> outputs, CallEnd& end) const {
    auto call = std::make_unique<Call>();
    call->shared = shared_;
    call->inputs = inputs;
    call->outputs = outputs;
    call->end = &end;
    call->keeps = keeps_;
    return call;
  }
  Replica* wait_for_replica() const {
    for (;; std::this_thread::sleep_for(shared_->options.look)) {
      const std::lock_guard lock(shared_->mutex);
      if (shared_->idle.empty()) continue;
      Replica* const replica = shared_->idle.back();
      shared_->idle.pop_back();
      return replica;
    }
  }

  std::shared_ptr<Shared> shared_;
  bool keeps_;
};

Problems open_replicas(Shared& s) {
  const StreamModelOptions& o = s.options;
  const Shape shape = s.network->batched() ? o.row.shape.with_first(o.max_rows) : o.row.shape;
  const std::uint64_t buffer = static_cast<std::uint64_t>(shape.elements()) * size_of(o.row.dtype);
  const std::uint64_t has = s.accelerator->memory(), may = o.memory ? std::min(o.memory, has) : has;
  s.bytes = o.network_bytes + o.replicas * buffer;
  if (s.bytes > may)
    return Problems(Code::out_of_memory, s.network->describe(),
                    "takes " + std::to_string(s.bytes) + " bytes with the buffers of " + std::to_string(o.replicas) +
                        " streams, and may take " + std::to_string(may) + " on " + name(s.accelerator->device()));
  s.replicas.resize(o.replicas);
  s.idle.reserve(o.replicas);
  const auto placed = [&](const Error& e) { return Problems(e.code(), s.network->describe(), std::string(e.what())); };
  for (Replica& r : s.replicas) {
    auto stream = s.accelerator->open_stream();
    if (!stream) return placed(stream.error());
    auto on_host = s.accelerator->pinned(o.row.dtype, shape);
    if (!on_host) return placed(on_host.error());
    auto on_device = s.accelerator->allocate(o.row.dtype, shape);
    if (!on_device) return placed(on_device.error());
    r.stream = *std::move(stream);
    r.pinned_in = *std::move(on_host);
    r.device_in = *std::move(on_device);
    s.idle.push_back(&r);
  }
  return {};
}

}  // namespace

Built<std::shared_ptr<const StreamModel>> stream_model(std::shared_ptr<Accelerator> accelerator,
                                                       std::shared_ptr<const Model> network,
                                                       const StreamModelOptions& options) {
  if (!accelerator || !network) return Problems(Code::bad_value, "stream_model", "needs an accelerator and a network");
  Problems problems;
  if (options.replicas == 0) problems.add(Code::bad_value, "replicas", "needs at least one stream, got 0");
  if (options.max_rows == 0) problems.add(Code::bad_value, "max_rows", "a call has at least one row, got 0");
  if (options.look <= Duration{}) problems.add(Code::bad_value, "look", "must be above zero");
  if (options.row.shape.elements() <= 0 || options.row.shape.rank() >= Shape::max_rank)
    problems.add(Code::bad_value, "row", "must be of fixed extents, 7 at most; got " + name(options.row.shape));
  if (!problems.empty()) return problems;
  auto shared = std::make_shared<Shared>();
  shared->accelerator = std::move(accelerator);
  shared->network = std::move(network);
  shared->options = options;
  if (Problems wrong = open_replicas(*shared); !wrong.empty()) return wrong;
  return std::shared_ptr<const StreamModel>(std::make_shared<OnStreams>(std::move(shared), false));
}

}  // namespace tailrace
