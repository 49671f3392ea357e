#include "tailrace/trace/all.h"

#include <algorithm>

namespace tailrace::trace {
namespace {

class All final : public Observer {
 public:
  explicit All(const std::vector<std::shared_ptr<Observer>>& observers) {
    for (const auto& o : observers) members_.push_back({o, o->detail() == Detail::stages});
  }
  void on_event(const Event& e) noexcept override {
    for (const Member& m : members_)
      if (m.stages || !is_detail(e.kind)) m.observer->on_event(e);
  }
  Detail detail() const noexcept override {
    const bool stages = std::any_of(members_.begin(), members_.end(), [](const Member& m) { return m.stages; });
    return stages ? Detail::stages : Detail::outcomes;
  }

 private:
  struct Member {
    std::shared_ptr<Observer> observer;
    bool stages;
  };
  static bool is_detail(Event::Kind kind) noexcept { return kind == Event::Kind::begun || kind >= Event::Kind::waited; }
  std::vector<Member> members_;
};

}  // namespace

std::shared_ptr<Observer> all(std::vector<std::shared_ptr<Observer>> observers) {
  std::erase(observers, nullptr);
  if (observers.size() < 2) return observers.empty() ? nullptr : observers.front();
  return std::make_shared<All>(observers);
}

}  // namespace tailrace::trace
