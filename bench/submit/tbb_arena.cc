#include <oneapi/tbb/task_arena.h>

#include <future>
#include <memory>

#include "submit/answer.h"

namespace submitting {
namespace {

// One worker, and no place for the thread that asks.
std::shared_ptr<oneapi::tbb::task_arena> arena() { return std::make_shared<oneapi::tbb::task_arena>(1, 0u); }

}  // namespace

Asked enqueue_and_future() {
  return {"enqueue and future", [arena = arena()](Value x) {
            std::promise<Value> out;
            auto answer = out.get_future();
            arena->enqueue([x, to = std::make_shared<std::promise<Value>>(std::move(out))] { to->set_value(work(x)); });
            return answer.get();
          }};
}

Asked enqueue_and_look() {
  return {"enqueue and look", [arena = arena()](Value x) {
            Answer answer;
            arena->enqueue([x, &answer] { answer.put(work(x)); });
            return answer.wait();
          }};
}

}  // namespace submitting
