#include "tailrace/plan/make_stage.h"

#include <algorithm>

namespace tailrace {

Stage::Stage() = default;
Stage::Stage(const Stage&) = default;
Stage::Stage(Stage&&) noexcept = default;
Stage& Stage::operator=(const Stage&) = default;
Stage& Stage::operator=(Stage&&) noexcept = default;
Stage::~Stage() = default;

bool joins_blocks(const Stage& stage) noexcept { return stage.station.limit == 0 && !stage.asynchronous; }

StationSpec with_batches(const Stage& stage, const BatchUse& use, const BatchTimes& times) {
  StationSpec station = stage.station;
  if (!station.batch) {
    station.batch = stage.together;
    if (!station.batch || use.max <= 1) return stage.station;
  }
  station.max_batch = std::clamp(use.max, 1u, most_batch_rows);
  if (use.replicas || station.limit == 0) station.limit = std::max(1u, use.replicas);
  if (!use.policy.name.empty()) station.policy = use.policy;
  if (times.known()) station.times = times;
  return station;
}

Test::Test() = default;
Test::Test(const Test&) = default;
Test::Test(Test&&) noexcept = default;
Test& Test::operator=(const Test&) = default;
Test& Test::operator=(Test&&) noexcept = default;
Test::~Test() = default;

}  // namespace tailrace

namespace tailrace::detail {

namespace {
constexpr unsigned usual_max_batch = 32;
// What options say is added to what is known; a name or parameters given further inside stay unless given anew.
void add_name(std::string& function, Parameters& parameters, StageOptions& options) {
  if (!options.function.empty()) function = std::move(options.function);
  if (!options.parameters.empty()) parameters = std::move(options.parameters);
}
}  // namespace

namespace {
// What options say of batches.
void add_batching(Stage& stage, const StageOptions& options) {
  if (options.max_batch) stage.batching.max = options.max_batch;
  if (!options.batch.name.empty()) stage.batching.policy = options.batch;
  if (!options.times.known() && options.max_batch == 0 && options.batch.name.empty()) return;
  stage.batching.replicas = stage.station.limit;
  if (stage.batching.max == 0) stage.batching.max = usual_max_batch;
  stage.station = with_batches(stage, stage.batching, options.times.known() ? options.times : stage.station.times);
}
}  // namespace

Stage assemble(std::initializer_list<const Type*> takes, const Type& gives, Thunk take, Thunk leave,
               std::shared_ptr<const void> context) {
  Stage stage;
  stage.takes = takes;
  stage.gives = &gives;
  stage.take = take ? take : leave;
  stage.leave = leave;
  stage.context = std::move(context);
  return stage;
}

Stage with_options(Stage stage, StageOptions options) {
  stage.replicable = stage.replicable || options.replicable;
  stage.quick = stage.quick || options.quick;
  if (options.serial) stage.station.limit = 1;
  else if (options.limit) stage.station.limit = options.limit;
  if (stage.station.batch || stage.together) add_batching(stage, options);
  add_name(stage.function, stage.parameters, options);
  return stage;
}

Stage asynchronous(Stage stage) {
  stage.asynchronous = true;
  return stage;
}

Stage with_batch(Stage stage, BatchThunk batch, BatchTimeThunk takes) {
  stage.station.limit = 1;
  stage.station.takes = takes;
  stage.station.batch = batch;
  stage.station.max_batch = usual_max_batch;
  return stage;
}

Stage with_state(Stage stage, const StateOps* ops, const StatefulOptions& options) {
  stage.station.limit = options.per_stream ? 1 : std::max(1u, options.replicas);
  stage.station.state = ops;
  stage.station.per_stream = options.per_stream;
  stage.station.max_streams = std::max(1u, options.max_streams);
  return stage;
}

BatchRow row_of(const Instruction& i, char* frame) noexcept {
  return {frame + i.in,
          frame + i.out,
          i.live ? frame + i.live : nullptr,
          reinterpret_cast<const StopFlag*>(frame + i.region),
          &head_of(frame).request,
          false,
          frame,
          &i,
          [](const BatchRow& row, const Error& error) noexcept {
            const auto frame_of_row = static_cast<char*>(row.frame);
            head_of(frame_of_row).fail(*static_cast<const Instruction*>(row.step), frame_of_row, error);
          }};
}

void fail_forgotten(BatchRow& row) noexcept {
  row.fail(row, Error(Code::stage_failed, "the batch stage gave this row neither a value nor an error"));
  row.done = true;
}

void call_as_served(Stage& stage) {
  const auto& model = stage.model.model;
  if (!stage.later || !model || !model->starts()) return;
  stage.asynchronous = true;
  stage.together = nullptr;  // the model's own device sees to that
  stage.take = stage.leave = stage.later;
}

void serve(Stage& stage, std::shared_ptr<const Model> model, std::string variant) {
  stage.context = stage.bind(stage.context.get(), model);
  stage.model.model = std::move(model);
  stage.model.variant = std::move(variant);
  call_as_served(stage);
}

Stage with_model(Stage stage, const ModelUse& use, BatchThunk together) {
  stage.model = use;
  stage.together = together;
  stage.replicable = true;
  call_as_served(stage);
  return stage;
}

Test with_options(Test test, StageOptions options) {
  add_name(test.function, test.parameters, options);
  return test;
}

}  // namespace tailrace::detail
