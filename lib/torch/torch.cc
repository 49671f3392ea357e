#include "tailrace/torch/torch.h"

#include "torch/aoti.h"
#include "torch/guard.h"
#include "torch/rows.h"
#include "torch/script.h"

namespace tailrace::torch {

namespace {

Status check_effects(const std::string& name, const detail::Effects& effects) {
  if (!effects.state.empty())
    return Error{Code::unsupported, name,
                 "keeps state in '" + effects.state +
                     "': forward writes to it, so calls would disturb each other; make it an input and an output of "
                     "forward, or use open_stateful"};
  if (!effects.hidden.empty())
    return Error{Code::unsupported, name,
                 "forward calls '" + effects.hidden + "', whose code cannot be seen: it may keep state"};
  return {};
}

Result<std::shared_ptr<const Model>> open_script(const std::string& path, const LoadOptions& options) {
  auto script = detail::read_script(path, options);
  if (!script) return script.error();
  const std::string name = script->name;
  if (Status fit = check_effects(name, script->effects); !fit) return fit.error();
  try {
    const auto model = std::make_shared<detail::ScriptModel>(*std::move(script));
    if (Status warm = detail::warm_up(name, *model, options); !warm) return warm.error();
    model->find_ways();
    if (Status warm = detail::warm_up(name, *model, options); !warm) return warm.error();
    return std::shared_ptr<const Model>(model);
  } catch (...) {
    return detail::caught(Code::unsupported, name);
  }
}

}  // namespace

Result<std::shared_ptr<const Model>> open(const std::string& path, const LoadOptions& options) {
  const std::string name = detail::name_of(path, options);
  if (Status fit = detail::check_options(name, options); !fit) return fit.error();
  if (Status fit = detail::check_file(name, path); !fit) return fit.error();
  return detail::is_package(path) ? detail::open_package(path, options) : open_script(path, options);
}

ModelUse detail::use_of(const std::string& path, const LoadOptions& options, std::shared_ptr<const Model> model) {
  ModelUse use;
  use.name = name_of(path, options);
  use.model = std::move(model);
  return use;
}

}  // namespace tailrace::torch
