#include <chrono>
#include <cstdio>
#include "tailrace/tailrace.h"
#include "tailrace/sim/service.h"
#include "tailrace/sim/simulate.h"
using namespace tailrace; using namespace std::chrono_literals;
int main(int c, char**v){
 auto f = flow<int>("mm2",[](Stream<int> x){return x.then("serve", sim::service<int>(sim::exponential(1ms)));});
 auto plan = optimise(f).value();
 auto t=std::chrono::steady_clock::now();
 auto r = sim::simulate(plan, sim::Workload<int>{load::Poisson{c>2?atof(v[2]):1400}}, {.workers=2,.requests=c>1?(unsigned)atol(v[1]):1000000u}).value();
 auto d=std::chrono::duration<double>(std::chrono::steady_clock::now()-t).count();
 std::printf("%s%s%.0f/s\n",to_text(r).c_str(),to_json(r).c_str(),r.requests/d);
}
