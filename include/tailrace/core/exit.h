#pragma once
#include <type_traits>
#include <utility>
#include <variant>

#include "tailrace/core/type.h"

namespace tailrace {

// What a stage of `staged` gives: leave with this answer, or go on with this carry, which the next stage takes.
//
//   using Step = tr::Exit<Label, Features>;
//   Step first(const Image& image) {
//     Features features = embed(image);
//     if (auto label = obvious(features)) return Step::leave(*label);
//     return Step::go_on(std::move(features));
//   }
//
// Neither type needs a default constructor, both may be move-only, and they may be the same type. Holds its value in
// place. An assignment whose move throws may leave it empty, as with std::variant: then it neither leaves nor goes on,
// and a stage that gives such an Exit fails.
template <class Answer, class Carry>
class [[nodiscard]] Exit {
 public:
  using answer_type = Answer;
  using carry_type = Carry;

  static Exit leave(Answer answer) noexcept(std::is_nothrow_move_constructible_v<Answer>) {
    return Exit(std::in_place_index<0>, std::move(answer));
  }
  static Exit go_on(Carry carry) noexcept(std::is_nothrow_move_constructible_v<Carry>) {
    return Exit(std::in_place_index<1>, std::move(carry));
  }

  bool leaves() const noexcept { return parts_.index() == 0; }
  bool goes_on() const noexcept { return parts_.index() == 1; }

  // REQUIRES: leaves().
  Answer& answer() & noexcept { return *std::get_if<0>(&parts_); }
  const Answer& answer() const& noexcept { return *std::get_if<0>(&parts_); }
  Answer&& answer() && noexcept { return std::move(*std::get_if<0>(&parts_)); }

  // REQUIRES: goes_on().
  Carry& carry() & noexcept { return *std::get_if<1>(&parts_); }
  const Carry& carry() const& noexcept { return *std::get_if<1>(&parts_); }
  Carry&& carry() && noexcept { return std::move(*std::get_if<1>(&parts_)); }

 private:
  template <std::size_t I, class T>
  Exit(std::in_place_index_t<I> which, T&& value) : parts_(which, std::forward<T>(value)) {}

  std::variant<Answer, Carry> parts_;
};

// The same for a stage that may say, where it goes on, with which answer it would leave if it had to. At a deadline or
// a cut-off that answer counts; otherwise it is dropped. See docs/semantics.md, "Deadlines".
//
//   using Step = tr::AnytimeExit<Label, Features>;
//   Step first(const Image& image) {
//     Features features = embed(image);
//     Guess guess = head(features);
//     if (guess.sure) return Step::leave(guess.label);
//     return Step::go_on(std::move(features), guess.label);
//   }
template <class Answer, class Carry>
class [[nodiscard]] AnytimeExit {
 public:
  using answer_type = Answer;
  using carry_type = Carry;

  static AnytimeExit leave(Answer answer) { return AnytimeExit(std::in_place_index<0>, std::move(answer)); }
  static AnytimeExit go_on(Carry carry) { return AnytimeExit(std::in_place_index<1>, std::move(carry)); }
  static AnytimeExit go_on(Carry carry, Answer so_far) {
    return AnytimeExit(std::in_place_index<2>, Both{std::move(carry), std::move(so_far)});
  }

  bool leaves() const noexcept { return parts_.index() == 0; }
  bool goes_on() const noexcept { return parts_.index() == 1 || parts_.index() == 2; }
  bool has_answer() const noexcept { return parts_.index() == 0 || parts_.index() == 2; }

  // REQUIRES: has_answer().
  Answer& answer() & noexcept { return leaves() ? *std::get_if<0>(&parts_) : std::get_if<2>(&parts_)->answer; }
  const Answer& answer() const& noexcept { return const_cast<AnytimeExit&>(*this).answer(); }
  Answer&& answer() && noexcept { return std::move(answer()); }

  // REQUIRES: goes_on().
  Carry& carry() & noexcept { return parts_.index() == 1 ? *std::get_if<1>(&parts_) : std::get_if<2>(&parts_)->carry; }
  const Carry& carry() const& noexcept { return const_cast<AnytimeExit&>(*this).carry(); }
  Carry&& carry() && noexcept { return std::move(carry()); }

 private:
  struct Both {
    Carry carry;
    Answer answer;
  };
  template <std::size_t I, class T>
  AnytimeExit(std::in_place_index_t<I> which, T&& value) : parts_(which, std::forward<T>(value)) {}

  std::variant<Answer, Carry, Both> parts_;
};

template <class T>
inline constexpr bool is_exit = false;
template <class Answer, class Carry>
inline constexpr bool is_exit<Exit<Answer, Carry>> = true;
template <class Answer, class Carry>
inline constexpr bool is_exit<AnytimeExit<Answer, Carry>> = true;
template <class T>
inline constexpr bool is_anytime_exit = false;
template <class Answer, class Carry>
inline constexpr bool is_anytime_exit<AnytimeExit<Answer, Carry>> = true;

namespace detail {
template <class Answer, class Carry>
inline constexpr bool copyable<Exit<Answer, Carry>> = copyable<Answer>&& copyable<Carry>;
template <class Answer, class Carry>
inline constexpr bool copyable<AnytimeExit<Answer, Carry>> = copyable<Answer>&& copyable<Carry>;
}  // namespace detail

}  // namespace tailrace
