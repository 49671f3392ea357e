#include "tailrace/trace/all.h"

#include <utility>

namespace tailrace::trace {
namespace {

class All final : public Observer {
 public:
  explicit All(std::vector<std::shared_ptr<Observer>> observers) : observers_(std::move(observers)) {}
  void on_event(const Event& e) noexcept override {
    for (const auto& o : observers_)
      if (o->detail() == Detail::stages || !is_detail(e.kind)) o->on_event(e);
  }
  Detail detail() const noexcept override {
    for (const auto& o : observers_)
      if (o->detail() == Detail::stages) return Detail::stages;
    return Detail::outcomes;
  }

 private:
  static bool is_detail(Event::Kind kind) noexcept { return kind == Event::Kind::begun || kind >= Event::Kind::waited; }
  const std::vector<std::shared_ptr<Observer>> observers_;
};

}  // namespace

std::shared_ptr<Observer> all(std::vector<std::shared_ptr<Observer>> observers) {
  std::erase(observers, nullptr);
  if (observers.size() < 2) return observers.empty() ? nullptr : observers.front();
  return std::make_shared<All>(std::move(observers));
}

}  // namespace tailrace::trace
