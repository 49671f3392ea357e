// A first flow: one stage, then a cascade that studies only what a glance could not settle.
#include <tailrace/tailrace.h>

#include <iostream>

namespace tr = tailrace;
using namespace std::chrono_literals;

struct Verdict {
  bool urgent;
  double sure;
};
std::string subject(const std::string& mail) { return mail.substr(0, mail.find('\n')); }
Verdict glance(const std::string& text) { return {text.ends_with("!"), text.size() < 20 ? 0.9 : 0.4}; }
Verdict study(const std::string& text) { return {text.find("deadline") != text.npos, 0.99}; }
bool sure(const Verdict& verdict) { return verdict.sure > 0.8; }

int main() {
  auto triage = tr::flow<std::string>("triage", [](tr::Stream<std::string> mail) {
    auto glance_if_sure = tr::exit_if(tr::named("glance", glance), tr::named("sure", sure));
    return tr::cascade("verdict", mail.then("subject", subject), glance_if_sure, tr::named("study", study));
  });
  auto plan = tr::optimise(triage).value();
  std::cout << tr::explain(plan) << "\n";

  auto engine = tr::start(plan, {.threads = 2}).value();
  for (std::string mail : {"Help!", "Lunch?\nAt one?", "The deadline of our report has moved\nDear all,"}) {
    tr::Outcome<Verdict> verdict = engine.run(mail, {.within = 2s});
    if (!verdict) std::cout << tr::describe(verdict.error()) << "\n";
    else std::cout << (verdict->urgent ? "urgent" : "can wait") << ", says rung " << verdict.rung << "\n";
  }
}
