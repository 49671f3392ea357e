#include "support/faulty_flow.h"

#include <chrono>
#include <new>
#include <stdexcept>

#include "tailrace/flow/combine.h"
#include "tailrace/flow/flow.h"
#include "tailrace/sim/service.h"

namespace tailrace::test {

using namespace std::chrono_literals;

Watch* watch = nullptr;

namespace {

std::uint64_t mixed(const Parcel& p, unsigned n) noexcept { return seed_of({p.word(), n}); }
Parcel changed(const Parcel& p, unsigned n) noexcept {
  Parcel next(mixed(p, n));
  if (p.garbage()) next.spoil();
  return next;
}
// One in eight answers is garbage.
Parcel maybe_spoilt(const Parcel& p, unsigned n) noexcept {
  Parcel next = changed(p, n);
  if (mixed(p, n + 1) % 8 == 0) next.spoil();
  return next;
}
bool is_sound(const Parcel& p) noexcept { return !p.garbage(); }
Parcel checked(Parcel p) {
  watch->garbage += p.garbage();
  return p;
}

void begins(TimePoint deadline) noexcept { watch->past_deadline += watch->time->now() >= deadline; }
// Looks at all hedges around the stage, "...hedge3eager[1]...", too.
void begins(TimePoint deadline, const CallFacts& about) noexcept {
  begins(deadline);
  if (about.request == 0 || about.request > Watch::requests) return;
  for (auto at = about.where.find("hedge"); at != about.where.npos; at = about.where.find("hedge", at + 1)) {
    const auto told = watch->told[static_cast<std::size_t>(about.where[at + 5] - '0')][about.request];
    const auto call = about.where[about.where.find('[', at) + 1] - '0';
    watch->begun_in_told += told && told == call + 1;
  }
}

// Of stages that are a block alone: what follows them in theirs begins at once.
void jump(Duration time) {
  const TimePoint before = watch->time->now();
  watch->time->suspend(time);
  watch->jumped(before);
}

// How many are inside what at most `limit` may be in at a time.
struct Room {
  int limit, inside = 0;
};

// Throws in two ways, one value in ten each.
void maybe_throw(const Parcel& p, unsigned n) {
  switch (mixed(p, n + 2) % 20) {
    case 0: throw std::runtime_error("thrown");
    case 1: throw std::bad_alloc();
    default: return;
  }
}

class Grower {
 public:
  explicit Grower(std::uint64_t seed) : random_(seed) {}

  Flow<Parcel, Parcel> flow(const std::string& name, int depth) {
    return tailrace::flow<Parcel>(name, [&](Stream<Parcel> s) {
      for (unsigned steps = 1 + next(depth > 1 ? 3 : 2); steps > 0; --steps) s = step(s, depth);
      return s;
    });
  }

 private:
  unsigned next(unsigned n) { return static_cast<unsigned>(random_.next() % n); }
  std::string name() { return "n" + std::to_string(names_++); }

  Stream<Parcel> step(const Stream<Parcel>& s, int depth) {
    if (depth == 0) return stage_step(s);
    switch (next(12)) {
      case 0: return race_step(s, depth - 1);
      case 1: return cascade_step(s, depth - 1);
      case 2:
      case 3: return hedge_step(s, depth - 1);
      case 4: return quorum(name(), 2, s, flow("a", depth - 1), flow("b", depth - 1), flow("c", 0));
      case 5: return each_step(s, depth - 1);
      case 6: return join_step(s, depth - 1);
      case 7: return staged_step(s, depth - 1);
      case 8: {
        const auto pick = [n = names_](const Parcel& p) { return static_cast<unsigned>(mixed(p, n) % 2); };
        return choose(name(), s, pick, flow("a", depth - 1), flow("b", depth - 1));
      }
      default: return stage_step(s);
    }
  }

  sim::Distribution some_time() {
    switch (next(4)) {
      case 0: return sim::constant(Duration(1ms) * next(4));
      case 1: return sim::exponential(2ms);
      case 2: return sim::pareto(500us, 1.5);
      default: return sim::lognormal(1ms, .8);
    }
  }
  // Half of the stages are sound; a share of a faulty one's calls goes wrong, mostly in one way.
  sim::Faults some_faults() {
    sim::Faults faults;
    if (next(2)) return faults;
    double* const kinds[] = {&faults.throws, &faults.no_memory, &faults.hangs, &faults.slow, &faults.stalls};
    *kinds[next(5)] = .05 + .05 * next(8);
    *kinds[next(5)] += .05;
    faults.hang = Duration(1s) * (1 + next(3));
    return faults;
  }

  auto service() {
    const unsigned n = names_;
    sim::ServiceOptions options;
    options.seed = random_.next();
    options.holds_worker = next(4) > 0;
    if (next(2)) options.looks_every = 1ms;
    options.faults = some_faults();
    return sim::service<Parcel>(
        some_time(), [n](Parcel p) { return maybe_spoilt(p, n); }, options);
  }
  auto timed() {
    return [inner = service()](Parcel p, Completion<Parcel> done) {
      begins(done.deadline(), done.about());
      inner(std::move(p), std::move(done));
    };
  }
  auto plain(int limit) {
    return [n = names_, room = std::make_shared<Room>(Room{limit})](const Parcel& p, const Context& c) {
      begins(c.deadline());
      if (room->limit && ++room->inside > room->limit) ++watch->overlaps;
      struct Leave {
        Room& room;
        ~Leave() { room.inside -= room.limit > 0; }
      } const leave{*room};
      maybe_throw(p, n);
      if (room->limit && mixed(p, n + 3) % 32 == 0) jump(Duration(1ms) * (mixed(p, n + 4) % 40));
      return changed(p, n);
    };
  }

  Stream<Parcel> stage_step(const Stream<Parcel>& s) {
    switch (next(9)) {
      case 0: return s.then(name(), plain(0));
      case 1: return s.then(name(), stage(plain(1), {.serial = true}));
      case 2: return s.then(name(), stage(timed(), {.serial = true}));
      case 3: return s.then(name(), stage(timed(), {.limit = 2}));
      case 4: return s.then(name(), batch());
      case 5: {
        struct Notes {
          unsigned calls = 0;
        };
        const auto noting = [n = names_](Notes& notes, const Parcel& p) { return ++notes.calls, changed(p, n); };
        return s.then(name(), stateful<Notes>(noting, {.per_stream = true, .max_streams = 2}));
      }
      default: return s.then(name(), timed());
    }
  }
  Wrapped<std::function<void(Batch<Parcel, Parcel>&)>> batch() {
    const auto together = [n = names_](Batch<Parcel, Parcel>& rows) {
      for (std::size_t i = 0; i < rows.size(); ++i) {
        begins(rows.deadline(i));
        if (mixed(rows.in(i), n) % 8 == 0) rows.fail(i, Error(Code::bad_value, "row"));
        else if (mixed(rows.in(i), n) % 8 > 1) rows.put(i, changed(rows.in(i), n));
      }
    };
    const PolicyUse pairs{"fixed", {{"size", 2}, {"delay_ms", 1}}};
    return stage(std::function<void(Batch<Parcel, Parcel>&)>(together),
                 {.max_batch = 3, .batch = names_ % 2 ? pairs : PolicyUse()});
  }

  Stream<Parcel> race_step(const Stream<Parcel>& s, int depth) {
    const auto raced = race(name(), s, valid_if(is_sound), flow("a", depth), flow("b", depth));
    return raced.then(name(), checked);
  }
  Stream<Parcel> cascade_step(const Stream<Parcel>& s, int depth) {
    const auto sure = [n = names_](const Parcel& p) { return mixed(p, n) % 3 == 0; };
    if (next(2)) return cascade(name(), s, exit_if(flow("a", depth), sure), flow("b", depth));
    return cascade(name(), s, reserve(Duration(1ms) * next(5)), exit_if(flow("a", depth), sure), flow("b", depth));
  }
  Stream<Parcel> hedge_step(const Stream<Parcel>& s, int depth) {
    if (hedges_ == Watch::hedges) return stage_step(s);
    const std::size_t number = hedges_++;
    const auto front = s.then(name(), [number](Parcel p) { return ++watch->calls[number], p; });
    const PolicyUse policies[] = {{"eager"},
                                  {"eager"},
                                  {"race_all"},
                                  {"fixed", {{"delay_ms", 2}}},
                                  {"reissue", {{"delay_ms", 1}, {"probability", .5}}},
                                  {"adaptive"}};
    const PolicyUse& policy = policies[next(6)];
    return hedge("hedge" + std::to_string(number) + policy.name, front, policy, flow("a", depth), flow("b", depth));
  }
  Stream<Parcel> join_step(const Stream<Parcel>& s, int depth) {
    const auto a = step(s, depth), b = step(s, depth);
    return join_with(
        name(), [n = names_](const Parcel& x, const Parcel& y) { return changed(x, n + (y.word() % 2 ? 1 : 0)); }, a,
        b);
  }
  Stream<Parcel> staged_step(const Stream<Parcel>& s, int depth) {
    using First = Exit<Parcel, Parcel>;
    const auto first = tailrace::flow<Parcel>(name(), [&](Stream<Parcel> x) {
      return step(x, depth).then(name(), [n = names_](Parcel p) {
        return mixed(p, n) % 3 == 0 ? First::leave(std::move(p)) : First::go_on(std::move(p));
      });
    });
    if (next(2)) return staged(name(), s, first, flow("b", depth));
    using Second = AnytimeExit<Parcel, Parcel>;
    const auto stage = [&] {
      return tailrace::flow<Parcel>(name(), [&](Stream<Parcel> x) {
        return step(x, depth).then(name(), [n = names_](Parcel p) {
          const auto carry = changed(p, n);
          if (mixed(p, n) % 3 == 0) return Second::go_on(carry);
          return mixed(p, n) % 9 == 1 ? Second::leave(std::move(p)) : Second::go_on(carry, std::move(p));
        });
      });
    };
    const auto a = stage(), b = stage();
    if (next(2)) return staged(name(), s, a, b, flow("c", depth));
    return staged(name(), s, reserve(Duration(1ms) * next(5)), a, b, flow("c", depth));
  }
  Stream<Parcel> each_step(const Stream<Parcel>& s, int depth) {
    const auto parts = s.then(name(), [n = names_](const Parcel& p) {
      std::vector<Parcel> all;
      for (unsigned i = 0; i < mixed(p, n) % 4; ++i) all.push_back(changed(p, i));
      return all;
    });
    const auto summed = [n = names_](const std::vector<Parcel>& all) {
      std::uint64_t sum = n;
      for (const Parcel& p : all) sum += p.word();
      return Parcel(sum);
    };
    const auto kept = [n = names_](const std::vector<Result<Parcel>>& all) {
      std::uint64_t sum = n;
      for (const auto& p : all) sum += p ? p->word() : 1;
      return Parcel(sum);
    };
    if (next(2)) return each("each" + name(), parts, flow("e", depth)).then(name(), summed);
    return each("each" + name(), parts, flow("e", depth), keep).then(name(), kept);
  }

  Random random_;
  unsigned names_ = 0;
  std::size_t hedges_ = 0;
};

}  // namespace

std::shared_ptr<const PolicyCatalog> eager_policies() {
  static const auto one = [] {
    PolicyCatalog catalog;
    catalog.add_hedge("eager", {}, [](const Parameters&) { return Eager(); });
    return std::make_shared<const PolicyCatalog>(std::move(catalog));
  }();
  return one;
}

HedgeName hedge_of(std::string_view path) noexcept {
  const auto at = path.rfind("hedge") + 5;
  return {static_cast<std::size_t>(path[at] - '0'), path.substr(at + 1) == "eager"};
}

bool is_in_element(std::string_view path) noexcept { return path.find("each") != path.npos; }

Flow<Parcel, Parcel> faulty_flow(std::uint64_t seed) { return Grower(seed).flow("faulty", 2); }

}  // namespace tailrace::test
