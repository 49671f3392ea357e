#include "support/random_stages.h"

#include <functional>
#include <stdexcept>
#include <utility>

#include "support/check.h"
#include "support/elsewhere.h"

namespace tailrace::test {
namespace {

Elsewhen* current = nullptr;  // changes only while no engine of a random flow lives

// Does `work` on a thread that is no executor's.
void on_another_thread(std::function<void()> work) {
  current->hand_over();
  elsewhere().post([work = std::move(work)] {
    work();
    current->handed_back();
  });
}

// Does it when a timer of the executor's fires.
struct Alarm : Timer {
  std::function<void()> work;
};
void after(Executor& executor, Duration delay, std::function<void()> work) {
  current->hand_over();
  auto* const alarm = new Alarm{{}, std::move(work)};
  alarm->fire = [](Timer& timer) noexcept {
    const std::unique_ptr<Alarm> mine(static_cast<Alarm*>(&timer));
    mine->work();
    current->handed_back();
  };
  executor.wake_at(executor.now() + delay, *alarm);
}

// How many are inside what at most `limit` may be in at a time.
class Room {
 public:
  explicit Room(int limit) : limit_(limit) {}
  void enter() {
    if (++inside_ > limit_ && current) current->overlap();
  }
  void leave() { --inside_; }

 private:
  const int limit_;
  std::atomic<int> inside_{0};
};
class Inside {
 public:
  explicit Inside(std::shared_ptr<Room> room) : room_(std::move(room)) {
    if (room_) room_->enter();
  }
  Inside(Inside&& other) noexcept = default;
  ~Inside() { leave(); }
  void leave() {
    if (room_) std::exchange(room_, nullptr)->leave();
  }

 private:
  std::shared_ptr<Room> room_;
};

void maybe_throw_one(const std::string& text, unsigned n) {
  if (mix(text, n) % 6 == 0) throw std::runtime_error("out of turn " + std::to_string(n));
}

// ---- asynchronous stages

enum Way : unsigned { drops, fails };  // the others complete
unsigned way_of(const std::string& text, unsigned n) { return mix(text, n + 1) % 8; }

// Uses the Completion in the way that the value says, or not at all; then once more.
void use(Completion<Token>& done, const std::string& text, unsigned n) {
  const unsigned way = way_of(text, n);
  if (way == drops) return;
  const bool taken =
      way == fails ? done.fail(Error(Code::bad_value, "failed " + std::to_string(n))) : done.complete(extend(text, n));
  const bool again = way % 2 ? done.complete(Token("once more")) : done.fail(Error(Code::bad_value, "once more"));
  if (current) current->used(taken, again);
}

// One call: begins, and uses its Completion at once, on another thread or from a timer. Sometimes it throws besides,
// but not where it also fails: the first one of the two would count.
// `look` gives the text of its input for as long as the Completion is not used.
template <class Look>
void begin(Look look, Completion<Token> done, unsigned n, const std::shared_ptr<Room>& room) {
  if (current) current->begins(done.deadline());
  struct Call {
    Completion<Token> done;
    Inside inside;
  };
  const unsigned how = mix(look(), n + 2);
  const bool throws = how / 8 % 8 == 0 && way_of(look(), n) != fails;
  auto call = std::make_shared<Call>(Call{std::move(done), Inside(room)});
  auto answer = [call, n, look = std::move(look)] {
    const std::string text = look();
    call->inside.leave();
    use(call->done, text, n);
  };
  call.reset();  // the last one who holds it gives it up
  if (!current || how % 8 < 3) answer();
  else if (how % 8 < 6 || !current->executor()) on_another_thread(std::move(answer));
  else after(*current->executor(), std::chrono::microseconds(how / 64 % 8 * 5), std::move(answer));
  if (throws) throw std::runtime_error("threw besides " + std::to_string(n));
}

auto looking(unsigned n, std::shared_ptr<Room> room = {}) {
  return
      [n, room](const Token& t, Completion<Token> done) { begin([&t] { return t.text(); }, std::move(done), n, room); };
}
auto owning(unsigned n, std::shared_ptr<Room> room = {}) {
  return [n, room](Token&& t, Completion<Token> done) {
    begin([mine = std::move(t)] { return mine.text(); }, std::move(done), n, room);
  };
}
auto boxing(unsigned n) {
  return [n](const Token& t, Completion<Boxed> done) {
    const int number = static_cast<int>(mix(t.text(), n) % 1000);
    if (!current || number % 2) {
      const bool taken = done.complete(Boxed(number));
      if (current) current->used(taken, false);
      return;
    }
    on_another_thread([number, done = std::make_shared<Completion<Boxed>>(std::move(done))] {
      const bool taken = done->complete(Boxed(number));
      current->used(taken, done->complete(Boxed(0)));
    });
  };
}

// ---- stages that take turns

auto in_turn(unsigned n, int limit) {
  return [n, room = std::make_shared<Room>(limit)](const Token& t, const Context& c) {
    const Inside here(room);
    if (current) current->begins(c.deadline());
    maybe_throw_one(t.text(), n);
    return extend(t.text(), n);
  };
}

// What a stateful stage keeps. Not atomic: calls with one state must not overlap.
struct Notes {
  int inside = 0;
  unsigned calls = 0;
};
auto noting(unsigned n) {
  return [n](Notes& notes, const Token& t) -> Result<Token> {
    if (notes.inside++ && current) current->overlap();
    ++notes.calls;
    Result<Token> answer = extend(t.text(), n);
    if (mix(t.text(), n) % 8 == 0) answer = Error(Code::bad_value, "noted " + std::to_string(n));
    --notes.inside;
    return answer;
  };
}

// ---- batch stages

// Rows get values and errors of their own. Of the others the call forgets all, or throws behind them: only one of the
// two, so that a row's error does not depend on those beside it.
template <class In, class Text>
auto together(unsigned n, Text text_of) {
  return [n, text_of, room = std::make_shared<Room>(1)](Batch<In, Token>& batch) {
    const Inside here(room);
    bool some_left = false;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (current) current->begins(batch.deadline(i));
      const std::string text = text_of(batch.in(i));
      switch (mix(text, n) % 8) {
        case 0: batch.fail(i, Error(Code::bad_value, "row " + std::to_string(n))); break;
        case 1: some_left = true; continue;
        default: batch.put(i, extend(text, n));
      }
      batch.put(i, Token("once more"));
    }
    if (some_left && n % 2) throw std::runtime_error("behind the others " + std::to_string(n));
  };
}
// Who takes whom along changes no answer.
PolicyUse sizes_batches(unsigned n) {
  switch (n % 3) {
    case 0: return {"aimd", {{"goal_ms", .05}}};
    case 1: return {"fixed", {{"size", 2}, {"delay_ms", .1}}};
    default: return {};
  }
}
std::string token_text(const Token& t) { return t.text(); }
std::string boxed_text(const Boxed& b) { return std::to_string(b.n); }

}  // namespace

unsigned mix(const std::string& text, unsigned stage) {
  unsigned h = 2166136261u ^ stage;
  for (char c : text) h = (h ^ static_cast<unsigned char>(c)) * 16777619u;
  return h >> 7;
}

Token extend(const std::string& text, unsigned stage) {
  std::string longer = text + static_cast<char>('a' + stage % 26);
  return Token(longer.size() > 60 ? std::to_string(mix(longer, stage)) : longer);
}

Elsewhen::Elsewhen(Executor* executor, bool virtual_time) : executor_(executor), virtual_time_(virtual_time) {
  current = this;
}
Elsewhen::~Elsewhen() {
  (void)settled();
  current = nullptr;
}

bool Elsewhen::settled() const {
  return eventually([&] { return under_way_ == 0; });
}

std::string Elsewhen::wrong() const {
  if (noticed_.overlaps) return "more calls at once than a station allows";
  if (noticed_.past_deadline) return "a stage began past its deadline";
  if (noticed_.taken_twice) return "a Completion was taken twice";
  return "";
}

void Elsewhen::begins(TimePoint deadline) noexcept {
  if (virtual_time_ && executor_->now() >= deadline) ++noticed_.past_deadline;
}

void Elsewhen::used(bool taken, bool again) noexcept {
  noticed_.too_late += !taken;
  noticed_.taken_twice += again;
}

Stream<Token> later_stage(const Stream<Token>& s, const std::string& name, unsigned form, unsigned n) {
  const auto room = [](int limit) { return std::make_shared<Room>(limit); };
  const unsigned many = 1 + n % 4;
  switch (form) {
    case 0: return s.then(name, looking(n));
    case 1: return s.then(name, owning(n));
    case 2: return s.then(name, stage(looking(n, room(1)), {.serial = true}));
    case 3: return s.then(name, stage(owning(n, room(2)), {.limit = 2}));
    case 4: return s.then(name, stage(in_turn(n, 1), {.serial = true}));
    case 5: return s.then(name, stage(in_turn(n, 3), {.limit = 3}));
    case 6: return s.then(name, stateful<Notes>(noting(n), {.replicas = 1 + n % 2}));
    case 7: return s.then(name, stateful<Notes>(noting(n), {.per_stream = true}));
    case 8: return s.then(name, stage(together<Token>(n, token_text), {.max_batch = many, .batch = sizes_batches(n)}));
    default:
      return s.then(name, boxing(n)).then(name + "b", stage(together<Boxed>(n, boxed_text), {.max_batch = many}));
  }
}

}  // namespace tailrace::test
