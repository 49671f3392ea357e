#include "support/random_flow.h"

#include <new>
#include <stdexcept>

#include "support/random_stages.h"
#include "tailrace/flow/combine.h"
#include "tailrace/flow/flow.h"

namespace tailrace::test {
namespace {

// Every fifth value or so fails a stage that may fail, each in one way.
void maybe_throw(const std::string& text, unsigned stage) {
  switch (mix(text, stage) % 12) {
    case 0: throw std::runtime_error("bang " + std::to_string(stage));
    case 1: throw stage;
    case 2: throw Error(Code::bad_value, "thrown " + std::to_string(stage));
    case 3: throw std::bad_alloc();
    default: return;
  }
}

class Grower {
 public:
  explicit Grower(const Genes& genes) : genes_(genes) {}

  Flow<Token, Token> flow(const std::string& name, int depth) {
    return tailrace::flow<Token>(name, [&](Stream<Token> s) {
      for (unsigned steps = 1 + next() % 3; steps > 0; --steps) s = step(s, depth);
      return s;
    });
  }

 private:
  unsigned next() { return at_ < genes_.size() ? genes_[at_++] : 0; }
  std::string name() { return "n" + std::to_string(names_++); }

  Stream<Token> step(const Stream<Token>& s, int depth) {
    const unsigned kind = depth > 0 ? next() % 15 : next() % 6;
    switch (kind) {
      case 6: return join_step(s, depth - 1);
      case 7: return race_step(s, depth - 1);
      case 8: return cascade_step(s, depth - 1);
      case 9: return choose_step(s, depth - 1);
      case 10: return each_step(s, depth - 1);
      case 11: return keep_step(s, depth - 1);
      case 12: return staged_step(s, depth - 1);
      case 13: return quorum_step(s, depth - 1);
      case 14: return hedge_step(s, depth - 1);
      default: return stage_step(s);
    }
  }

  // A stage in one of its forms.
  Stream<Token> stage_step(const Stream<Token>& s) {
    const unsigned form = next() % (8 + later_forms), n = names_;
    if (form >= 8) return later_stage(s, name(), form - 8, n);
    switch (form) {
      case 0: return s.then(name(), [n](const Token& t) { return extend(t.text(), n); });
      case 1: return s.then(name(), [n](Token t) { return extend(t.text(), n); });
      case 2: return s.then(name(), [n](Token&& t) { return extend(std::exchange(t, Token("gone")).text(), n); });
      case 3:
        return s.then(name(), [n](const Token& t, const Context& c) {
          c.checkpoint();
          return maybe_throw(t.text(), n), extend(t.text(), n);
        });
      case 4:
        return s.then(name(), [n](const Token& t) -> Result<Token> {
          if (mix(t.text(), n) % 4 == 0) return Error(Code::bad_value, "returned " + std::to_string(n));
          return extend(t.text(), n);
        });
      case 5: {  // through another type, in a box
        const auto boxed = s.then(name(), [n](Token t) { return Boxed(static_cast<int>(mix(t.text(), n) % 1000)); });
        return boxed.then(name(), [n](Boxed&& b) { return extend(std::to_string(b.n), n); });
      }
      case 6: {  // and plain ones, two slots of equal size one after the other
        const auto number = s.then(name(), [n](const Token& t) { return static_cast<int>(mix(t.text(), n) % 1000); });
        const auto real = number.then(name(), [](int x) { return static_cast<float>(x) / 2; });
        return real.then(name(), [n](float x) { return extend(std::to_string(x), n); });
      }
      default: return s.then(name(), [n](const Token& t) { return maybe_throw(t.text(), n), extend(t.text(), n); });
    }
  }

  Stream<Token> join_step(const Stream<Token>& s, int depth) {
    const Stream<Token> a = step(s, depth), b = step(next() % 2 ? a : s, depth);
    return join_with(
        name(),
        [n = names_](Token x, const Token& y, const Token& z) {
          return extend(x.text().substr(0, 20) + y.text().substr(0, 20) + z.text().substr(0, 10), n);
        },
        a, b, s);
  }

  Flow<Token, Token> arm(int depth) { return flow("arm", depth); }

  Stream<Token> race_step(const Stream<Token>& s, int depth) {
    const auto valid = [n = names_](const Token& t) {
      if (mix(t.text(), n) % 7 == 0) throw n;
      return mix(t.text(), n) % 3 != 0;
    };
    if (next() % 2) return race(name(), s, arm(depth), arm(depth));
    return race(name(), s, valid_if(valid), arm(depth), arm(depth));
  }

  // Two arms of three agree now and then: both end in one letter of few.
  Stream<Token> quorum_step(const Stream<Token>& s, int depth) {
    const unsigned n = names_;
    const auto vote = [n](const Token& t) {
      return maybe_throw(t.text(), n), Token(std::string(1, "abc"[mix(t.text(), n) % 3]));
    };
    const auto voter =
        tailrace::flow<Token>(name(), [&](Stream<Token> x) { return step(x, depth).then(name(), vote); });
    return quorum(name(), 1 + static_cast<int>(next() % 3), s, voter, vote, vote);
  }

  // Two flows, so that no stage needs to be declared.
  Stream<Token> hedge_step(const Stream<Token>& s, int depth) {
    const PolicyUse policies[] = {
        {"never"}, {"race_all"}, {"fixed", {{"delay_ms", 0.01}}}, {"reissue", {{"probability", 0.5}}}};
    return hedge(name(), s, policies[next() % 4], arm(depth), arm(depth));
  }

  Stream<Token> cascade_step(const Stream<Token>& s, int depth) {
    const auto exit = [n = names_](const Token& t) {
      if (mix(t.text(), n) % 7 == 0) throw std::runtime_error("test");
      return mix(t.text(), n) % 3 == 0;
    };
    switch (next() % 8) {
      case 0: return cascade(name(), s, no_fallback, exit_if(arm(depth), exit), arm(depth));
      case 4: return cascade(name(), s, no_fallback, reserve(Duration(1)), exit_if(arm(depth), exit), arm(depth));
      case 5: return cascade(name(), s, reserve(std::chrono::microseconds(200)), exit_if(arm(depth), exit), arm(depth));
      default: break;
    }
    return cascade(name(), s, exit_if(arm(depth), exit), exit_if(arm(depth), exit), arm(depth));
  }

  // Carries of three types, one of them in a box.
  Stream<Token> staged_step(const Stream<Token>& s, int depth) {
    using First = Exit<Token, Boxed>;
    using Second = Exit<Token, Token>;
    const unsigned n = names_;
    const auto first = tailrace::flow<Token>(name(), [&](Stream<Token> x) {
      return step(x, depth).then(name(), [n](Token t) {
        const auto m = mix(t.text(), n);
        return m % 4 == 0 ? First::leave(std::move(t)) : First::go_on(Boxed(static_cast<int>(m % 1000)));
      });
    });
    const auto second = [n](const Boxed& b) -> Result<Second> {
      const std::string text = std::to_string(b.n);
      if (b.n % 7 == 0) return Error(Code::bad_value, "staged " + text);
      return b.n % 3 == 0 ? Second::leave(extend(text, n)) : Second::go_on(extend(text, n + 1));
    };
    if (next() % 2 == 0) return staged(name(), s, first, second, arm(depth));
    return anytime_staged_step(s, depth, n);
  }
  // Stages that leave, go on with an answer, or go on without one.
  Stream<Token> anytime_staged_step(const Stream<Token>& s, int depth, unsigned n) {
    using First = AnytimeExit<Token, Boxed>;
    using Second = AnytimeExit<Token, Token>;
    const auto first = tailrace::flow<Token>(name(), [&](Stream<Token> x) {
      return step(x, depth).then(name(), [n](Token t) {
        const auto m = mix(t.text(), n);
        if (m % 5 == 0) return First::leave(std::move(t));
        Boxed carry(static_cast<int>(m % 1000));
        return m % 5 == 1 ? First::go_on(std::move(carry)) : First::go_on(std::move(carry), std::move(t));
      });
    });
    const auto second = tailrace::flow<Boxed>(name(), [&](Stream<Boxed> x) {
      return step(x.then(name(), [n](const Boxed& b) { return extend(std::to_string(b.n), n); }), depth)
          .then(name(), [n](Token t) -> Result<Second> {
            const auto m = mix(t.text(), n);
            if (m % 7 == 0) return Error(Code::bad_value, "staged " + std::to_string(n));
            if (m % 3 == 0) return Second::leave(std::move(t));
            return m % 3 == 1 ? Second::go_on(extend(t.text(), n)) : Second::go_on(extend(t.text(), n), std::move(t));
          });
    });
    switch (next() % 3) {
      case 0: return staged(name(), s, reserve(Duration(1)), first, second, arm(depth));
      case 1: return staged(name(), s, reserve(std::chrono::microseconds(200)), first, second, arm(depth));
      default: return staged(name(), s, first, second, arm(depth));
    }
  }

  Stream<Token> choose_step(const Stream<Token>& s, int depth) {
    const auto select = [n = names_](const Token& t) {
      const auto m = mix(t.text(), n) % 16;
      if (m == 15) throw std::runtime_error("lost");
      return m == 14 ? 2u : m % 2;
    };
    return choose(name(), s, select, arm(depth), arm(depth));
  }

  Stream<std::vector<Token>> split(const Stream<Token>& s) {
    return s.then(name(), [n = names_](const Token& t) {
      std::vector<Token> parts;
      for (unsigned i = 0; i < mix(t.text(), n) % 4; ++i) parts.push_back(extend(t.text().substr(i), n + i));
      return parts;
    });
  }
  Stream<Token> each_step(const Stream<Token>& s, int depth) {
    return each(name(), split(s), arm(depth)).then(name(), [n = names_](const std::vector<Token>& parts) {
      std::string all = "[";
      for (const auto& p : parts) all += p.text().substr(0, 15) + ",";
      return extend(all, n);
    });
  }
  Stream<Token> keep_step(const Stream<Token>& s, int depth) {
    return each(name(), split(s), arm(depth), keep).then(name(), [n = names_](std::vector<Result<Token>> parts) {
      std::string all = "{";
      for (const auto& p : parts)
        all += p ? p->text().substr(0, 15) + "," : std::string(tailrace::name(p.error().code())) + "!";
      return extend(all, n);
    });
  }

  const Genes& genes_;
  std::size_t at_ = 0;
  unsigned names_ = 0;
};

}  // namespace

std::string in_words(const Genes& genes) {
  std::string words = "{";
  for (const auto gene : genes) words += (words.size() > 1 ? ", " : "") + std::to_string(gene);
  return words + "}";
}

Flow<Token, Token> random_flow(const Genes& genes) { return Grower(genes).flow("random", 3); }

}  // namespace tailrace::test
