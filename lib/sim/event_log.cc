#include "tailrace/sim/event_log.h"

#include <ostream>
#include <utility>

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
    case Event::Kind::begun: return "begun";
    case Event::Kind::waited: return "waited";
    case Event::Kind::stage_ran: return "stage_ran";
    case Event::Kind::batched: return "batched";
    case Event::Kind::completed: return "completed";
  }
  return "";
}
std::int64_t nanoseconds(Duration since_start) noexcept {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(since_start).count();
}

}  // namespace

bool has_arm(Event::Kind kind) noexcept {
  return kind == Event::Kind::arm_won || kind == Event::Kind::rung_left || kind == Event::Kind::batched;
}

std::string csv_field(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == text.npos) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + '"';
}

void EventLog::on_event(const Event& event) noexcept {
  try {
    std::string line(name_of(event.kind));
    if (!event.where.empty()) line += " " + std::string(event.where);
    if (has_arm(event.kind)) line += " " + std::to_string(event.arm);
    if (event.padded > event.arm) line += " as " + std::to_string(event.padded);
    if (event.code != Code::none) line += " " + std::string(name(event.code)) + ": " + std::string(event.what);
    add(event.at, line);
  } catch (...) {  // no memory for a line: the log is cut short, the request is not
  }
}

void EventLog::note(const std::string& text) { add(clock_->now(), text); }

void EventLog::add(TimePoint at, const std::string& line) {
  std::lock_guard lock(mutex_);
  text_ += std::to_string(nanoseconds(at - start_)) + " " + line + "\n";
}

std::string EventLog::text() const {
  std::lock_guard lock(mutex_);
  return text_;
}

EventTable::EventTable(const std::shared_ptr<const Executor>& clock, std::ostream& out, std::uint64_t first_request,
                       Detail detail)
    : start_(clock->now()), first_request_(first_request), detail_(detail), out_(out) {
  out_ << "time_ns,request,event,where,arm,padded,code,what\n";
}

void EventTable::on_event(const Event& event) noexcept {
  try {
    std::string line = std::to_string(nanoseconds(event.at - start_)) + ',';
    line += std::to_string(event.request - first_request_) + ',';
    line.append(name_of(event.kind)) += ',';
    line += csv_field(event.where) + ',';
    if (has_arm(event.kind)) line += std::to_string(event.arm);
    line += ',';
    if (event.kind == Event::Kind::batched) line += std::to_string(event.padded);
    line += ',';
    if (event.code != Code::none) line.append(name(event.code)) += ',' + csv_field(event.what);
    else line += ',';
    const std::lock_guard lock(mutex_);
    out_ << line << '\n';
  } catch (...) {  // no memory for a line, or a stream that throws: the table is cut short, the request is not
  }
}

}  // namespace tailrace::sim
