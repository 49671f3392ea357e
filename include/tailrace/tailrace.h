#pragma once

// All that most users need: flows, plans, passes, engines. Apart from it: tailrace/plan/catalog.h and plan/json.h for
// flows in JSON, tailrace/exec/tbb.h for arenas and tailrace/policy/catalog.h for policies of your own,
// tailrace/sim/simulate.h and sim/service.h for simulations, tailrace/load/driver.h for load, report/page.h for pages,
// tailrace/torch/torch.h for LibTorch models, tailrace/image/decode.h for pictures, tailrace/exec/profile_model.h and
// plan/models_file.h for what models take, exec/stream_model.h for accelerators.
#include "tailrace/core/context.h"
#include "tailrace/core/exit.h"
#include "tailrace/core/outcome.h"
#include "tailrace/core/tensor.h"
#include "tailrace/engine/engine.h"
#include "tailrace/exec/measure.h"
#include "tailrace/exec/start.h"
#include "tailrace/exec/tick.h"
#include "tailrace/flow/combine.h"
#include "tailrace/flow/flow.h"
#include "tailrace/model/registry.h"
#include "tailrace/opt/optimise.h"
#include "tailrace/plan/explain.h"
#include "tailrace/plan/profile.h"
#include "tailrace/plan/verify.h"
