#include <chrono>
#include <cmath>
#include <cstdio>
#include "tailrace/tailrace.h"
#include "tailrace/sim/service.h"
#include "tailrace/sim/simulate.h"
using namespace tailrace; using namespace std::chrono_literals;
int main(int c, char**v){
 unsigned n=c>1?(unsigned)atol(v[1]):1000000u; double rate=c>2?atof(v[2]):1400; unsigned w=c>3?atoi(v[3]):2; int seeds=c>4?atoi(v[4]):1;
 auto f = flow<int>("mm2",[](Stream<int> x){return x.then("serve", sim::service<int>(sim::exponential(1ms)));});
 auto plan = optimise(f).value();
 double m=0,m2=0,p=0,p2=0;
 for(int s=1;s<=seeds;++s){
 auto t=std::chrono::steady_clock::now();
 auto r = sim::simulate(plan, sim::Workload<int>{load::Poisson{rate}}, {.seed=(unsigned)s,.workers=w,.requests=n,.warm_up=1000}).value();
 auto d=std::chrono::duration<double>(std::chrono::steady_clock::now()-t).count();
 double a=to_seconds(r.latency.mean)*1e3,b=to_seconds(r.latency.p99)*1e3; m+=a;m2+=a*a;p+=b;p2+=b*b;
 if(seeds==1)std::printf("%s%.0f/s\n",to_text(r).c_str(),r.requests/d);
 }
 m/=seeds;p/=seeds; std::printf("mean %.4f sd %.4f%%  p99 %.4f sd %.4f%%\n",m,100*std::sqrt(m2/seeds-m*m)/m,p,100*std::sqrt(p2/seeds-p*p)/p);
}
