#include "tailrace/sim/event_log.h"

namespace tailrace::sim {
namespace {

std::string_view name_of(Event::Kind kind) noexcept {
  switch (kind) {
    case Event::Kind::refused: return "refused";
    case Event::Kind::answered: return "answered";
    case Event::Kind::stage_failed: return "stage_failed";
    case Event::Kind::arm_won: return "arm_won";
    case Event::Kind::hedge_fired: return "hedge_fired";
    case Event::Kind::hedge_won: return "hedge_won";
    case Event::Kind::hedge_wasted: return "hedge_wasted";
    case Event::Kind::hedge_refused: return "hedge_refused";
    case Event::Kind::rung_left: return "rung_left";
    case Event::Kind::late: return "late";
    case Event::Kind::callback_failed: return "callback_failed";
  }
  return "";
}
// Whether `arm` means anything in this kind of event.
bool has_arm(Event::Kind kind) noexcept { return kind == Event::Kind::arm_won || kind == Event::Kind::rung_left; }

}  // namespace

void EventLog::on_event(const Event& event) noexcept {
  try {
    std::string line(name_of(event.kind));
    if (!event.where.empty()) line += " " + std::string(event.where);
    if (has_arm(event.kind)) line += " " + std::to_string(event.arm);
    if (event.code != Code::none) line += " " + std::string(name(event.code)) + ": " + std::string(event.what);
    add(std::move(line));
  } catch (...) {  // no memory for a line: the log is cut short, the request is not
  }
}

void EventLog::note(const std::string& text) { add(text); }

void EventLog::add(std::string line) {
  const auto since = std::chrono::duration_cast<std::chrono::nanoseconds>(clock_->now() - start_).count();
  std::lock_guard lock(mutex_);
  text_ += std::to_string(since) + " " + line + "\n";
}

std::string EventLog::text() const {
  std::lock_guard lock(mutex_);
  return text_;
}

}  // namespace tailrace::sim
