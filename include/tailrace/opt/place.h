#pragma once
#include "tailrace/opt/pass.h"

namespace tailrace {

// Choice: says for every stage on which device it runs. Functions run on the CPU. A model that the registry has on
// other devices too (Variant::elsewhere) runs where requests are expected to be through first: what it takes there by
// its measured times, longer where others keep the device busy, and the copies of its input and output between the CPU
// and the device; neighbours on one device pass their values on there without any, where the model can keep its output
// (Model::keeping_outputs). Models of one device fit into its memory together. Need::device is obeyed. What is not
// known (a time, a size, what a copy takes) keeps a model where it was, unless it was asked to be elsewhere.
//
// Errors: a device that was asked for, on which the registry does not have the model, or where it does not fit.
Problems place(PlanData& plan, const OptimiseOptions& options);

// What another placement would gain.
struct Moving {
  double now = 0, then = 0;  // expected seconds of a request in models and copies: as placed, and at best
  bool worth = false;        // `then` is smaller by the share that was asked for
};

// Whether models would better be elsewhere now, when devices are as busy as options.devices says. A function of its
// arguments alone; where it is worth it, optimise with the same options gives the plan for Engine::replace.
//
//   options.devices[0].busy = seen;
//   if (worth_moving(*plan.data(), options).worth) engine.replace(optimise(flow, options).value());
Moving worth_moving(const PlanData& plan, const OptimiseOptions& options, double gain = .2);

// Copies between the CPU and devices that a request makes, by the devices in the choices, each stage counted once.
struct Copies {
  unsigned to_devices = 0, from_devices = 0;
};
Copies copies_of(const PlanData& plan);

namespace detail {
// What a call of that variant is expected to take on a device, as the registry knows it; below 0: unknown.
double placed_seconds(const Registry& models, const ModelUse& use, Device device);
}  // namespace detail

}  // namespace tailrace
