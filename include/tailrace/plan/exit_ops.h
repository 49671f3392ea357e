#pragma once
#include "tailrace/core/exit.h"
#include "tailrace/plan/stage.h"

namespace tailrace::detail {

template <class Answer, class Carry>
inline constexpr ExitOps exit_ops{
    &type_of<Exit<Answer, Carry>>,
    &type_of<Answer>,
    &type_of<Carry>,
    [](const void* whole_slot) -> ExitOps::Way {
      const auto& whole = in_slot<Exit<Answer, Carry>>(const_cast<void*>(whole_slot));
      return whole.leaves() ? ExitOps::leaves : whole.goes_on() ? ExitOps::goes_on : ExitOps::empty;
    },
    [](void* answer_slot, void* whole_slot) {
      emplace_in_slot<Answer>(answer_slot, std::move(in_slot<Exit<Answer, Carry>>(whole_slot)).answer());
    },
    [](void* carry_slot, void* whole_slot) {
      emplace_in_slot<Carry>(carry_slot, std::move(in_slot<Exit<Answer, Carry>>(whole_slot)).carry());
    }};

// The same by the whole type; null for one that is no Exit.
template <class T>
inline constexpr const ExitOps* exit_ops_of = nullptr;
template <class Answer, class Carry>
inline constexpr const ExitOps* exit_ops_of<Exit<Answer, Carry>> = &exit_ops<Answer, Carry>;

}  // namespace tailrace::detail
