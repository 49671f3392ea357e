// The combinators: cascade, race, quorum, choose, join and each. Arms may be functions, models or flows.
#include <tailrace/tailrace.h>

#include <iostream>
#include <numeric>
#include <stdexcept>
#include <thread>

namespace tr = tailrace;

// An answer with how much its author trusts it.
struct Guess {
  double value, sure;
};

Guess rough(const double& x) { return {1 + x / 2, x < 0.5 ? 0.9 : 0.2}; }
Guess better(const double& x) {
  const double r = rough(x).value;
  return {(r + (1 + x) / r) / 2, x < 2 ? 0.9 : 0.2};
}
Guess exact(const double& x) {
  if (x > 100) throw std::runtime_error("out of range");
  double r = 1 + x;
  for (int i = 0; i < 40; ++i) r = (r + (1 + x) / r) / 2;
  return {r, 1};
}
bool sure(const Guess& guess) { return guess.sure > 0.8; }

// The first rung whose exit test holds answers. Where the last one fails, the best answer so far serves.
void cascade() {
  auto root = tr::flow<double>("root", [](tr::Stream<double> x) {
    return tr::cascade("root", x, tr::exit_if(rough, sure), tr::exit_if(better, sure), exact);
  });
  auto engine = tr::start(root, {.threads = 1}).value();
  for (double x : {0.1, 1.5, 3.0, 440.0}) {
    auto guess = engine.run(x);
    std::cout << "root of " << 1 + x << ": " << guess.value().value << ", rung " << guess.rung;
    std::cout << (guess.fallback ? ", a fallback\n" : "\n");
  }
}

// The first valid answer wins. The other arm is told to stop, and is not waited for.
void race() {
  auto patient = [](const int& x, const tr::Context& context) {
    while (!context.stop_requested()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return x;
  };
  auto hasty = [](const int&) { return -1; };
  auto diligent = [](const int& x) { return x * x; };
  auto flow = tr::flow<int>("square", [&](tr::Stream<int> x) {
    return tr::race("square", x, tr::valid_if([](const int& y) { return y >= 0; }), patient, hasty, diligent);
  });
  auto engine = tr::start(flow, {.threads = 2}).value();
  auto outcome = engine.run(12);
  std::cout << "race: " << outcome.value() << ", won by arm " << outcome.winner << "\n";
}

// Two of three must agree. One of them always says the same, and one cannot divide by zero.
void quorum() {
  auto stuck = [](const int&) { return 25; };
  auto divides = [](const int& x) {
    if (x == 0) throw std::runtime_error("division by zero");
    return 100 / x;
  };
  auto guesses = [](const int& x) { return x == 10 ? 10 : 20; };
  auto flow =
      tr::flow<int>("vote", [&](tr::Stream<int> x) { return tr::quorum("vote", 2, x, stuck, divides, guesses); });
  auto engine = tr::start(flow, {.threads = 1, .max_losers = 0}).value();
  for (int x : {4, 10, 2, 0}) {
    auto outcome = engine.run(x);
    if (outcome) std::cout << "quorum: " << *outcome << ", first said by arm " << outcome.winner << "\n";
    else std::cout << "quorum: " << outcome.error().what() << "\n";
  }
}

// One arm of several, by number; and an arm that is a flow.
void choose() {
  auto slow = tr::flow<int>("slow", [](tr::Stream<int> n) {
    return n.then("double", [](const int& x) { return 2 * x; }).then("plus", [](const int& x) { return x + 1; });
  });
  auto flow = tr::flow<int>("pick", [&](tr::Stream<int> n) {
    return tr::choose(
        "pick", n, [](const int& x) { return x % 3; }, [](const int&) { return 0; }, slow);
  });
  auto engine = tr::start(flow, {.threads = 1}).value();
  std::cout << "choose: " << engine.run(3).value() << " " << engine.run(4).value() << "\n";
  std::cout << "choose: " << tr::describe(engine.run(5).error()) << "\n";
}

// Branches that meet again, and a flow over every element of a vector, with errors kept.
void join_and_each() {
  using Numbers = std::vector<int>;
  auto flow = tr::flow<Numbers>("statistics", [](tr::Stream<Numbers> in) {
    auto sum = in.then("sum", [](const Numbers& n) { return std::accumulate(n.begin(), n.end(), 0); });
    auto size = in.then("size", &Numbers::size);
    return tr::join_with(
        "mean", [](const int& s, const std::size_t& n) { return double(s) / double(n); }, sum, size);
  });
  std::cout << "join: mean " << tr::start(flow, {.threads = 1}).value().run({1, 2, 6}).value() << "\n";

  auto inverse = [](const int& x) -> tr::Result<double> {
    if (x == 0) return tr::Error(tr::Code::bad_value, "zero has no inverse");
    return 1.0 / x;
  };
  auto inverses =
      tr::flow<Numbers>("inverses", [&](tr::Stream<Numbers> in) { return tr::each("one", in, inverse, tr::keep); });
  auto engine = tr::start(inverses, {.threads = 2}).value();
  auto each = engine.run({1, 0, 4}).value();
  for (auto& one : each) std::cout << "each: " << (one ? std::to_string(*one) : tr::describe(one.error())) << "\n";
}

int main() {
  cascade();
  race();
  quorum();
  choose();
  join_and_each();
}
