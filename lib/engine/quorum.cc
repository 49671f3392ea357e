#include "engine/quorum.h"

#include <cstdio>
#include <new>

#include "engine/drive.h"
#include "engine/trace.h"

// Arms that run as a race's do, until enough of them agree. Answers are compared by one thread at a time: an arm that
// has spoken counts, unless somebody is counting already, who will then see that there is one more. So nobody waits,
// and no two threads look at one answer at once.
//
// ControlWords: a = winner + 1, b = in_order. The rest stands in the Ballot.
namespace tailrace::detail {
namespace {

constexpr auto relaxed = std::memory_order_relaxed;

Ballot& ballot_of(Frame& f, const Control& c) noexcept { return f.at<Ballot>(c.gather); }

bool agree(Frame& f, const Control& c, std::size_t a, std::size_t b) noexcept {
  try {
    return c.equality->equal(f.base() + c.arms[a]->answer, f.base() + c.arms[b]->answer);
  } catch (...) {
    return false;
  }
}

// The group of an arm that has spoken.
std::uint32_t group_of(Frame& f, const Control& c, std::uint32_t arm) noexcept {
  if (f.region_state(*c.arms[arm]).flag.halt.load(std::memory_order_acquire) == failed) return Vote::no_group;
  const Vote* votes = ballot_of(f, c).votes();
  for (std::uint32_t first = 0; first < c.arms.size(); ++first) {
    const bool begins_a_group = votes[first].said.load(relaxed) == Vote::counted && votes[first].group == first;
    if (begins_a_group && agree(f, c, first, arm)) return first;
  }
  return arm;
}

// How many arms were counted for a group.
std::uint32_t size_of(Frame& f, const Control& c, std::uint32_t group) noexcept {
  std::uint32_t size = 0;
  const Vote* votes = ballot_of(f, c).votes();
  for (std::size_t arm = 0; arm < c.arms.size(); ++arm)
    size += votes[arm].said.load(relaxed) == Vote::counted && votes[arm].group == group;
  return size;
}

// The answer of the group's first arm goes on; all others are told to stop.
Step agreed(Frame& f, const Control& c, std::uint32_t group) noexcept {
  const Vote* votes = ballot_of(f, c).votes();
  std::uint32_t winner = 0;
  while (votes[winner].said.load(relaxed) != Vote::counted || votes[winner].group != group) ++winner;
  f.words(c).a.store(winner + 1, relaxed);
  for (const Region* r : c.arms)
    if (r->arm != winner) halt_regions(f, r->first, r->last);
  observe(f, {Event::Kind::arm_won, Code::none, winner, c.name, {}});
  return go_on(f, c, c.arms[winner]->answer);
}

// "vote[0]: an answer; vote[1].parse: bang; vote[2]: as [0]; vote[3]: not done", each with an equal share of the room.
Step no_quorum(Frame& f, const Control& c) noexcept {
  const Vote* votes = ballot_of(f, c).votes();
  char text[text_bytes];
  std::size_t size = 0;
  for (std::size_t arm = 0; arm < c.arms.size(); ++arm) {
    const Region& r = *c.arms[arm];
    const bool counted = votes[arm].said.load(relaxed) == Vote::counted;
    const bool own = counted && votes[arm].group == Vote::no_group;
    const auto room = size + (text_bytes - size) / (c.arms.size() - arm);
    char words[32];
    const char* form = !counted ? "[%zu]: not done" : votes[arm].group == arm ? "[%zu]: an answer" : "[%zu]: as [%u]";
    std::snprintf(words, sizeof words, form, arm, votes[arm].group);
    append(text, size, room, arm ? "; " : "");
    append(text, size, room, own ? f.region_state(r).where : std::string_view(c.name));
    append(text, size, room, own ? std::string_view(": ") : std::string_view(words));
    if (own) append(text, size, room, text_of(f, r));
  }
  return fail_control(f, c, Code::no_quorum, c.name.c_str(), {text, size});
}

enum class Counted : std::uint8_t { open, agreed, impossible };

// Counts the arms that have spoken since it was last done. `group` is the one that agreed.
Counted count(Frame& f, const Control& c, std::uint32_t& group) noexcept {
  Ballot& ballot = ballot_of(f, c);
  std::uint32_t silent = 0;
  for (std::uint32_t arm = 0; arm < c.arms.size(); ++arm) {
    Vote& vote = ballot.votes()[arm];
    const auto said = vote.said.load(std::memory_order_acquire);
    if (said == Vote::unheard) ++silent;
    if (said != Vote::spoken) continue;
    vote.group = group = group_of(f, c, arm);
    vote.said.store(Vote::counted, relaxed);
    if (group == Vote::no_group) continue;
    const auto size = size_of(f, c, group);
    if (size >= c.agree) return Counted::agreed;
    if (size > ballot.most) ballot.most = size;
  }
  return ballot.most + silent < c.agree ? Counted::impossible : Counted::open;
}

}  // namespace

Step start_quorum(Frame& f, const Control& c, Thread thread) noexcept {
  Ballot* ballot = ::new (f.base() + c.gather) Ballot;
  for (std::size_t arm = 0; arm < c.arms.size(); ++arm) ::new (ballot->votes() + arm) Vote;
  return start_arms(f, c, thread);
}

Step voter_done(Frame& f, const Region& r) noexcept {
  const Control& c = *r.control;
  Ballot& ballot = ballot_of(f, c);
  ballot.votes()[r.arm].said.store(Vote::spoken, std::memory_order_release);
  auto word = ballot.word.load(relaxed);
  while (!ballot.word.compare_exchange_weak(word, (word + 1) | Ballot::counting, std::memory_order_acq_rel)) {
  }
  if (word & Ballot::counting) return nothing(f);  // whoever counts will see it
  word = (word + 1) | Ballot::counting;
  do {
    std::uint32_t group = 0;
    switch (count(f, c, group)) {  // decided: `counting` stays, so that nobody counts again
      case Counted::agreed: return agreed(f, c, group);
      case Counted::impossible: return no_quorum(f, c);
      case Counted::open: break;
    }
  } while (!ballot.word.compare_exchange_strong(word, word & ~Ballot::counting, std::memory_order_acq_rel));
  return f.words(c).b.load(relaxed) & in_order ? enter(f, *c.arms[r.arm + 1]) : nothing(f);
}

}  // namespace tailrace::detail
