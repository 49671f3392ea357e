#pragma once
#include "tailrace/core/exit.h"
#include "tailrace/plan/stage.h"

namespace tailrace::detail {

template <class Whole>
bool has_answer(const void* whole_slot) {
  return in_slot<Whole>(const_cast<void*>(whole_slot)).has_answer();
}

// By what a stage gives, an Exit or an AnytimeExit.
template <class Whole>
inline constexpr ExitOps exit_ops{
    &type_of<Whole>,
    &type_of<typename Whole::answer_type>,
    &type_of<typename Whole::carry_type>,
    [](const void* whole_slot) -> ExitOps::Way {
      const auto& whole = in_slot<Whole>(const_cast<void*>(whole_slot));
      return whole.leaves() ? ExitOps::leaves : whole.goes_on() ? ExitOps::goes_on : ExitOps::empty;
    },
    [] {
      if constexpr (is_anytime_exit<Whole>) return &has_answer<Whole>;
      else return nullptr;
    }(),
    [](void* answer_slot, void* whole_slot) {
      emplace_in_slot<typename Whole::answer_type>(answer_slot, std::move(in_slot<Whole>(whole_slot)).answer());
    },
    [](void* carry_slot, void* whole_slot) {
      emplace_in_slot<typename Whole::carry_type>(carry_slot, std::move(in_slot<Whole>(whole_slot)).carry());
    }};

// Null for a type that is neither.
template <class T>
constexpr const ExitOps* exit_ops_or_null() {
  if constexpr (is_exit<T>) return &exit_ops<T>;
  else return nullptr;
}
template <class T>
inline constexpr const ExitOps* exit_ops_of = exit_ops_or_null<T>();

}  // namespace tailrace::detail
