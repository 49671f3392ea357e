#pragma once
#include "tailrace/engine/executor.h"

namespace tailrace {

// For executors: tasks in the order in which they came. Takes no memory, and has no lock: its owner does.
class TaskQueue {
 public:
  bool empty() const noexcept { return !first_; }
  void push(Task& task) noexcept {
    task.next = nullptr;
    (last_ ? last_->next : first_) = &task;
    last_ = &task;
  }
  // The oldest one; null: there is none.
  Task* pop() noexcept {
    Task* const task = first_;
    if (task && !(first_ = task->next)) last_ = nullptr;
    return task;
  }

 private:
  Task* first_ = nullptr;
  Task* last_ = nullptr;
};

}  // namespace tailrace
