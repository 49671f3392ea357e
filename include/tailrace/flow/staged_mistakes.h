#pragma once
#include <type_traits>

#include "tailrace/core/exit.h"
#include "tailrace/flow/mistakes.h"

namespace tailrace {

// The mistakes of a staged that do not compile: each stage takes what the one before it carries on, and all answer with
// one type. As in flow/mistakes.h, a class template's name is the sentence.

template <bool Ok, class Stage, class Carry>
struct stage_must_take_the_carry {
  static_assert(Ok,
                "tailrace: this stage of a staged cannot be called with the carry of the stage before it (both types "
                "are named here)");
};
template <bool Ok, class Stage, class Gives>
struct earlier_stage_must_give_an_exit {
  static_assert(Ok,
                "tailrace: every stage of a staged but the last must give a tr::Exit<Answer, Carry> or a "
                "tr::AnytimeExit<Answer, Carry> (what it gives is named here)");
};
template <bool Ok, class Stage, class Gives>
struct last_stage_must_not_exit {
  static_assert(Ok, "tailrace: the last stage of a staged always answers; let it give the answer itself, not an Exit");
};
template <bool Ok, class FirstStageAnswers, class ThisStageAnswers>
struct stages_must_answer_with_one_type {
  static_assert(Ok, "tailrace: all stages of a staged must answer with one type (the two types are named here)");
};
template <bool Ok, class... Stages>
struct reserve_needs_an_anytime_exit {
  static_assert(
      Ok,
      "tailrace: a staged with a reserve needs a stage that gives a tr::AnytimeExit<Answer, Carry>: otherwise "
      "there is no answer to be cut off with");
};
namespace detail {

// What a stage that gives this type answers with, and what it carries on.
template <class Gives>
struct exit_parts {
  using answer = Gives;
};
template <class Gives>
requires is_exit<Gives>
struct exit_parts<Gives> {
  using answer = typename Gives::answer_type;
  using carry = typename Gives::carry_type;
};
// What the stages from First on answer with, where First takes a T: the first one says so.
template <class T, class First, class... Rest>
struct staged_answer : exit_parts<gives_t<First, T>> {};
template <class T, class Last>
struct staged_answer<T, Last> {
  using answer = gives_t<Last, T>;
};
template <class T, class... Stages>
using staged_answer_t = typename staged_answer<T, Stages...>::answer;

template <class Answer, class T, class First, class... Rest>
constexpr bool stages_agree() {
  if constexpr (!good_stage<First, T>) return false;
  else if constexpr (sizeof...(Rest) == 0) return std::is_same_v<gives_t<First, T>, Answer>;
  else if constexpr (!is_exit<gives_t<First, T>>) return false;
  else if constexpr (!std::is_same_v<typename gives_t<First, T>::answer_type, Answer>) return false;
  else return stages_agree<Answer, typename gives_t<First, T>::carry_type, Rest...>();
}
template <class T, class First, class... Rest>
constexpr bool stages_fit() {
  if constexpr (good_stage<First, T>) return stages_agree<staged_answer_t<T, First, Rest...>, T, First, Rest...>();
  else return false;
}
template <class T, class... Stages>
concept good_stages = sizeof...(Stages) > 0 && stages_fit<T, Stages...>();

template <class T, class First, class... Rest>
constexpr bool some_stage_is_anytime() {
  if constexpr (sizeof...(Rest) == 0) return false;
  else if constexpr (is_anytime_exit<gives_t<First, T>>) return true;
  else return some_stage_is_anytime<typename gives_t<First, T>::carry_type, Rest...>();
}

template <class F, class T>
void complain_of_carry() {
  if constexpr (stage_for<F, T> || changes_itself<F, T> || wants_mutable<F, T>) complain_of_stage<F, T>();
  else (void)sizeof(stage_must_take_the_carry<false, F, T>);
}
template <class Answer, class T, class First, class... Rest>
void complain_of_later_stages();
// Complains of the first mistake: what comes behind it depends on it.
template <class Answer, class T, class First, class... Rest>
void complain_of_stages_from() {
  using Gives = gives_t<First, T>;
  if constexpr (sizeof...(Rest) == 0 && is_exit<Gives> && !std::is_same_v<Gives, Answer>) {
    (void)sizeof(last_stage_must_not_exit<false, First, Gives>);
  } else if constexpr (sizeof...(Rest) == 0) {
    if constexpr (!std::is_same_v<Gives, Answer>) (void)sizeof(stages_must_answer_with_one_type<false, Answer, Gives>);
  } else if constexpr (!is_exit<Gives>) {
    (void)sizeof(earlier_stage_must_give_an_exit<false, First, Gives>);
  } else if constexpr (!std::is_same_v<typename Gives::answer_type, Answer>) {
    (void)sizeof(stages_must_answer_with_one_type<false, Answer, typename Gives::answer_type>);
  } else {
    complain_of_later_stages<Answer, typename Gives::carry_type, Rest...>();
  }
}
template <class Answer, class T, class First, class... Rest>
void complain_of_later_stages() {
  if constexpr (good_stage<First, T>) complain_of_stages_from<Answer, T, First, Rest...>();
  else complain_of_carry<First, T>();
}
template <class T>
void complain_of_stages() {
  (void)sizeof(combinator_needs_an_arm<false, T>);
}
template <class T, class First, class... Rest>
void complain_of_stages() {
  if constexpr (!good_stage<First, T>) complain_of_stage<First, T>();
  else complain_of_stages_from<staged_answer_t<T, First, Rest...>, T, First, Rest...>();
}

}  // namespace detail
}  // namespace tailrace
