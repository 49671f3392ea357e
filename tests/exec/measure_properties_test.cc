// measure on random flows: it goes through all arms, and still gives what the reference gives; nothing is leaked.
// To replay a failure: RC_PARAMS="seed=…" as printed.
#include <rapidcheck.h>

#include <catch2/catch.hpp>
#include <optional>

#include "exec/measure_walk.h"
#include "support/random_flow.h"
#include "support/reference.h"
#include "tailrace/flow/flow.h"

using namespace tailrace;
using namespace tailrace::test;

TEST_CASE("measure: over random flows, the answer is the reference's, and every value is destroyed") {
  const bool holds = rc::check([](const Genes& genes) {
    const auto flow = random_flow(genes);
    std::optional<std::string> seen;
    const auto watched = tailrace::flow<Token>("watched", [&](Stream<Token> x) {
      return x.then("inner", flow).then("see", [&](const Token& t) { return seen = t.text(), 1; });
    });
    const long before = Token::alive();
    for (int i = 0; i < 3; ++i) {
      const std::string text = "input " + std::to_string(i);
      detail::Walk walk(watched.graph(), {});
      seen.reset();
      for (int round = 0; round < 2; ++round) walk.run([&](void* slot) { detail::emplace_in_slot<Token>(slot, text); });
      RC_ASSERT(Token::alive() == before);
      const auto expected = reference_run(flow, Token(text));
      RC_ASSERT(seen.has_value() == expected.has_value());
      if (seen) RC_ASSERT(*seen == expected->text());
      for (const Cost& c : walk.costs())
        if (c.where.empty()) RC_ASSERT((c.failures == 0) == expected.has_value());
    }
  });
  CHECK(holds);
}
