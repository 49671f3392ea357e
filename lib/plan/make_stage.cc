#include "tailrace/plan/make_stage.h"

namespace tailrace {

Stage::Stage() = default;
Stage::Stage(const Stage&) = default;
Stage::Stage(Stage&&) noexcept = default;
Stage& Stage::operator=(const Stage&) = default;
Stage& Stage::operator=(Stage&&) noexcept = default;
Stage::~Stage() = default;

Test::Test() = default;
Test::Test(const Test&) = default;
Test::Test(Test&&) noexcept = default;
Test& Test::operator=(const Test&) = default;
Test& Test::operator=(Test&&) noexcept = default;
Test::~Test() = default;

}  // namespace tailrace

namespace tailrace::detail {

namespace {
// What options say is added to what is known; a name or parameters given further inside stay unless given anew.
void add_name(std::string& function, Parameters& parameters, StageOptions& options) {
  if (!options.function.empty()) function = std::move(options.function);
  if (!options.parameters.empty()) parameters = std::move(options.parameters);
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
  add_name(stage.function, stage.parameters, options);
  return stage;
}

Stage with_model(Stage stage, const ModelUse& use) {
  stage.model = use;
  stage.replicable = true;
  return stage;
}

Test with_options(Test test, StageOptions options) {
  add_name(test.function, test.parameters, options);
  return test;
}

}  // namespace tailrace::detail
