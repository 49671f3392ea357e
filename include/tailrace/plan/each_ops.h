#pragma once
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "tailrace/core/result.h"
#include "tailrace/plan/stage.h"

namespace tailrace::detail {

// Where answers of elements stand until the last one is in. Elements are put by different threads at the same time, so
// each needs memory of its own: that rules out vector<bool>, and types that cannot be made empty stand in optionals.
template <class T>
inline constexpr bool gathers_in_place = std::is_default_constructible_v<T> && !std::is_same_v<T, bool>;
template <class T>
using gather_t = std::conditional_t<gathers_in_place<T>, std::vector<T>, std::vector<std::optional<T>>>;

template <class T>
void finish_gather(void* whole_slot, void* gather_slot) {
  auto& gathered = in_slot<gather_t<T>>(gather_slot);
  if constexpr (gathers_in_place<T>) {
    emplace_in_slot<std::vector<T>>(whole_slot, std::move(gathered));
  } else {
    std::vector<T> whole;
    whole.reserve(gathered.size());
    for (auto& x : gathered) whole.push_back(std::move(*x));
    emplace_in_slot<std::vector<T>>(whole_slot, std::move(whole));
  }
}

template <class T>
void take_element(void* element_slot, void* whole_slot, std::size_t i, bool may_move) {
  auto& whole = in_slot<std::vector<T>>(whole_slot);
  if constexpr (std::is_same_v<T, bool>) {
    emplace_in_slot<bool>(element_slot, static_cast<bool>(whole[i]));
  } else {
    if constexpr (std::is_copy_constructible_v<T>)
      if (!may_move) return emplace_in_slot<T>(element_slot, std::as_const(whole[i]));
    emplace_in_slot<T>(element_slot, std::move(whole[i]));
  }
}

template <class T>
inline constexpr EachIn each_in{
    &type_of<std::vector<T>>, &type_of<T>,
    [](const void* whole_slot) { return in_slot<std::vector<T>>(const_cast<void*>(whole_slot)).size(); },
    take_element<T>};

template <class T>
inline constexpr EachOut each_all{&type_of<T>,
                                  &type_of<std::vector<T>>,
                                  &type_of<gather_t<T>>,
                                  false,
                                  [](void* gather, std::size_t n) { emplace_in_slot<gather_t<T>>(gather, n); },
                                  [](void* gather, std::size_t i, void* element, const Error*) {
                                    in_slot<gather_t<T>>(gather)[i] = std::move(in_slot<T>(element));
                                  },
                                  finish_gather<T>};

template <class T>
inline constexpr EachOut each_keep{&type_of<T>,
                                   &type_of<std::vector<Result<T>>>,
                                   &type_of<gather_t<Result<T>>>,
                                   true,
                                   [](void* gather, std::size_t n) { emplace_in_slot<gather_t<Result<T>>>(gather, n); },
                                   [](void* gather, std::size_t i, void* element, const Error* error) {
                                     auto& place = in_slot<gather_t<Result<T>>>(gather)[i];
                                     if (error) place.emplace(*error);
                                     else place.emplace(std::move(in_slot<T>(element)));
                                   },
                                   finish_gather<Result<T>>};

}  // namespace tailrace::detail
