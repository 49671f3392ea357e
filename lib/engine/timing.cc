#include "engine/timing.h"

#include "engine/frame.h"

namespace tailrace::detail {
namespace {

TimeAccount& account_of(Frame& f) noexcept { return root_of(f).more.account; }

TimeSum& sum_of(TimeAccount& account, Spent on) noexcept {
  switch (on) {
    case Spent::queued: return account.queued;
    case Spent::ran: return account.ran;
    case Spent::awaited: return account.awaited;
  }
  return account.ran;
}

Duration since_admission(const TimeAccount& account, const Frame& f) noexcept {
  return f.executor->now() - account.admitted;
}

}  // namespace

void note_begin(Frame& f, Spent on) noexcept {
  TimeAccount& account = account_of(f);
  sum_of(account, on).begin(since_admission(account, f));
}

void note_end(Frame& f, Spent on) noexcept {
  TimeAccount& account = account_of(f);
  sum_of(account, on).end(since_admission(account, f));
}

void close_account(Frame& f) noexcept {
  TimeAccount& account = f.more.account;
  const Duration latency = since_admission(account, f);
  account.answer = {latency, account.queued.until(latency), account.ran.until(latency), account.awaited.until(latency)};
}

}  // namespace tailrace::detail
