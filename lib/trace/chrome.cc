#include "tailrace/trace/chrome.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <set>
#include <system_error>

#include "trace/json.h"

namespace tailrace::trace {
namespace {

// Numbers of threads, from 1, in the order in which they are met.
std::uint32_t this_thread() noexcept {
  static std::atomic<std::uint32_t> met{0};
  thread_local const std::uint32_t number = met.fetch_add(1, std::memory_order_relaxed) + 1;
  return number;
}

// The events of one trace, as text. Times are microseconds since `start`.
class Writer {
 public:
  Writer(TimePoint start, const std::vector<std::string>& texts) : start_(start) {
    for (const std::string& t : texts) quoted_.push_back(quoted(t));
  }

  void thread(std::uint32_t number) {
    line(fmt::format(R"("ph":"M","pid":1,"tid":{0},"name":"thread_name","args":{{"name":"thread {0}"}})", number));
  }
  // Something that kept a thread busy.
  void slice(std::uint32_t thread, std::uint32_t name, TimePoint from, TimePoint to, const std::string& args) {
    line(fmt::format(R"("ph":"X","pid":1,"tid":{},"name":{},"ts":{:.3f},"dur":{:.3f},"args":{{{}}})", thread,
                     quoted_[name], us(from), us(to) - us(from), args));
  }
  // The next one of a request's slices: an arrow leads to it from the one before.
  void arrow(std::uint32_t thread, std::uint64_t request, bool first, TimePoint at) {
    line(fmt::format(R"("ph":"{}","pid":1,"tid":{},"id":{},"cat":"request","name":"request","bp":"e","ts":{:.3f})",
                     first ? 's' : 't', thread, request, us(at)));
  }
  // Something that took a while and kept no thread busy: what has the same name stands together.
  void span(std::string_view quoted_name, TimePoint from, TimePoint to, const std::string& args) {
    ++spans_;
    const auto half = [&](char which, TimePoint at, const std::string& more) {
      line(fmt::format(R"("ph":"{}","pid":1,"id":{},"cat":"span","name":{},"ts":{:.3f},"args":{{{}}})", which, spans_,
                       quoted_name, us(at), more));
    };
    half('b', from, args);
    half('e', to, "");
  }
  void moment(std::uint32_t thread, std::string_view quoted_name, TimePoint at, const std::string& args) {
    line(fmt::format(R"("ph":"i","s":"t","pid":1,"tid":{},"name":{},"ts":{:.3f},"args":{{{}}})", thread, quoted_name,
                     us(at), args));
  }
  std::string finish(std::size_t dropped) {
    return fmt::format(
        "{{\"displayTimeUnit\":\"ms\",\"otherData\":{{\"dropped_events\":{}}},\"traceEvents\":[\n{}\n]}}\n", dropped,
        out_);
  }

  const std::string& text(std::uint32_t number) const { return quoted_[number]; }

 private:
  double us(TimePoint t) const { return std::chrono::duration<double, std::micro>(t - start_).count(); }
  void line(const std::string& members) { out_ += (out_.empty() ? "{" : ",\n{") + members + "}"; }

  const TimePoint start_;
  std::vector<std::string> quoted_;
  std::string out_;
  std::uint64_t spans_ = 0;
};

// Whether `began` says something.
bool took_a_while(Event::Kind kind, std::uint64_t request) noexcept {
  switch (kind) {
    case Event::Kind::answered:
    case Event::Kind::waited:
    case Event::Kind::stage_ran:
    case Event::Kind::stage_failed:
    case Event::Kind::batched:
    case Event::Kind::completed: return request != 0;
    case Event::Kind::refused:
    case Event::Kind::begun:
    case Event::Kind::arm_won:
    case Event::Kind::hedge_fired:
    case Event::Kind::hedge_won:
    case Event::Kind::hedge_wasted:
    case Event::Kind::hedge_refused:
    case Event::Kind::rung_left:
    case Event::Kind::late:
    case Event::Kind::callback_failed: return false;
  }
  return false;
}

std::string_view hedge_event(Event::Kind kind) noexcept {
  return kind == Event::Kind::hedge_fired    ? "second call"
         : kind == Event::Kind::hedge_won    ? "second call won"
         : kind == Event::Kind::hedge_wasted ? "first call won"
                                             : "no budget";
}

std::string args_of(std::uint64_t request, Code code, const std::string& quoted_what) {
  std::string args = request ? fmt::format("\"request\":{}", request) : "";
  const auto add = [&](const std::string& more) { args += (args.empty() ? "" : ",") + more; };
  if (code != Code::none) add(fmt::format("\"code\":\"{}\"", name(code)));
  if (quoted_what != "\"\"") add("\"error\":" + quoted_what);
  return args;
}

}  // namespace

std::uint32_t Chrome::number_of(std::string_view text) {
  const auto [i, fresh] = numbers_.try_emplace(std::string(text), static_cast<std::uint32_t>(texts_.size()));
  if (fresh) texts_.emplace_back(text);
  return i->second;
}

void Chrome::keep(const Event& e) {
  if (kept_.size() >= max_events_) {
    ++dropped_;
    return;
  }
  kept_.push_back({e.kind, e.code, e.arm, e.padded, this_thread(), number_of(e.where), number_of(e.what), e.request,
                   e.began, e.at});
}

void Chrome::on_event(const Event& event) noexcept {
  const std::lock_guard lock(mutex_);
  try {
    keep(event);
  } catch (const std::bad_alloc&) {
    ++dropped_;
  }
}

std::string Chrome::json() const {
  const std::lock_guard lock(mutex_);
  TimePoint start = never;
  std::set<std::uint32_t> threads;
  for (const Kept& k : kept_) {
    start = std::min(start, took_a_while(k.kind, k.request) ? k.began : k.at);
    threads.insert(k.thread);
  }
  Writer w(kept_.empty() ? TimePoint{} : start, texts_);
  for (const auto t : threads) w.thread(t);
  std::set<std::uint64_t> seen;
  for (const Kept& k : kept_) {
    const std::string args = args_of(k.request, k.code, w.text(k.what));
    const auto more = [&](std::string_view key, std::string_view value) {
      return (args.empty() ? "" : args + ",") + fmt::format("\"{}\":{}", key, value);
    };
    switch (k.kind) {
      case Event::Kind::begun: break;
      case Event::Kind::stage_ran:
      case Event::Kind::stage_failed:
        w.slice(k.thread, k.where, k.began, k.at, args);
        w.arrow(k.thread, k.request, seen.insert(k.request).second, k.began);
        break;
      case Event::Kind::batched:
        w.slice(k.thread, k.where, k.began, k.at,
                more("rows", fmt::format("{},\"padded\":{}", k.arm, std::max(k.arm, k.padded))));
        break;
      case Event::Kind::completed: w.span(w.text(k.where), k.began, k.at, args); break;
      case Event::Kind::waited: w.span("\"waiting\"", k.began, k.at, more("stage", w.text(k.where))); break;
      case Event::Kind::answered: w.span("\"request\"", k.began, k.at, args); break;
      case Event::Kind::refused: w.moment(k.thread, "\"refused\"", k.at, args); break;
      case Event::Kind::late: w.moment(k.thread, "\"late\"", k.at, args); break;
      case Event::Kind::callback_failed: w.moment(k.thread, "\"callback failed\"", k.at, args); break;
      case Event::Kind::hedge_fired:
      case Event::Kind::hedge_won:
      case Event::Kind::hedge_wasted:
      case Event::Kind::hedge_refused:
        w.moment(k.thread, w.text(k.where), k.at, more("hedge", quoted(hedge_event(k.kind))));
        break;
      case Event::Kind::arm_won:
      case Event::Kind::rung_left: {
        const bool race = k.kind == Event::Kind::arm_won;
        w.moment(k.thread, w.text(k.where), k.at, more(race ? "winner" : "left at", std::to_string(k.arm)));
        break;
      }
    }
  }
  return w.finish(dropped_);
}

Problems Chrome::write(const std::string& path) const {
  const std::string text = json();
  errno = 0;
  std::FILE* const file = std::fopen(path.c_str(), "wb");
  bool written = file && std::fwrite(text.data(), 1, text.size(), file) == text.size();
  if (file) written = std::fclose(file) == 0 && written;
  if (written) return {};
  return Problems(Code::bad_file, path, "the trace could not be written: " + std::generic_category().message(errno));
}

namespace {

class ToFile final : public Observer {
 public:
  ToFile(std::string path, std::shared_ptr<Problems> problems)
      : path_(std::move(path)), problems_(std::move(problems)) {}
  ~ToFile() override {
    try {
      Problems p = chrome_.write(path_);
      if (problems_) problems_->add(std::move(p));
    } catch (const std::bad_alloc&) {  // no memory for the text
    }
  }
  void on_event(const Event& e) noexcept override { chrome_.on_event(e); }
  Detail detail() const noexcept override { return chrome_.detail(); }

 private:
  Chrome chrome_;
  const std::string path_;
  const std::shared_ptr<Problems> problems_;
};

}  // namespace

std::shared_ptr<Observer> to_file(std::string path, std::shared_ptr<Problems> problems) {
  return std::make_shared<ToFile>(std::move(path), std::move(problems));
}

std::shared_ptr<Observer> from_environment() {
  const char* const path = std::getenv("TAILRACE_TRACE");
  return path && *path ? to_file(path) : nullptr;
}

}  // namespace tailrace::trace
