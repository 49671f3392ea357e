#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

#include "tailrace/core/clock.h"

namespace tailrace {

// Why a request, or a step of building one, gave no value. The numbers are part of the interface: they appear in
// traces and in JSON, and never change.
enum class Code : std::uint8_t {
  none = 0,  // no error; never the code of an Error
  // What a request can meet while it runs.
  stage_failed = 1,
  all_arms_failed = 2,
  bad_selection = 3,
  deadline_missed = 4,
  cancelled = 5,
  overloaded = 6,
  would_miss = 7,
  superseded = 8,
  shutting_down = 9,
  out_of_memory = 10,
  no_quorum = 11,
  // What can be wrong with what the user gave us.
  invalid_flow = 20,
  unknown_name = 21,
  type_mismatch = 22,
  shape_mismatch = 23,
  bad_file = 24,
  bad_value = 25,
  unsupported = 26,
  // A broken promise of ours. Please report it.
  internal_error = 99,
};

// The code's name as written above, for example "deadline_missed".
std::string_view name(Code code) noexcept;
// One line that says what the code means to the one who gets it.
std::string_view meaning(Code code) noexcept;

// What went wrong, and where: a code, the name of a stage (or file, or option), and a sentence.
//
//   if (!label) log(label.error().where(), label.error().what());
//
// Holds its text inside itself: making, copying and moving one never allocates and never throws. Text that does not
// fit is cut and ends in "...".
class Error {
 public:
  static constexpr std::size_t where_capacity = 61;
  static constexpr std::size_t what_capacity = 188;

  Error() noexcept : code_(Code::internal_error) {}
  Error(Code code, std::string_view what) noexcept : Error(code, {}, what) {}
  Error(Code code, std::string_view where, std::string_view what) noexcept;

  Code code() const noexcept { return code_; }
  // The stage that failed, with the combinators around it ("label[1].softmax"); empty where no place applies.
  std::string_view where() const noexcept { return {where_, where_size_}; }
  std::string_view what() const noexcept { return {what_, what_size_}; }
  // Of a refusal: after what time it may be worth asking again, in microseconds and at most 71 minutes; zero where
  // nothing is known of that.
  Duration retry_after() const noexcept { return std::chrono::microseconds(retry_after_); }
  void set_retry_after(Duration later) noexcept;

 private:
  Code code_;
  std::uint8_t where_size_ = 0;
  std::uint8_t what_size_ = 0;
  char where_[where_capacity];
  std::uint32_t retry_after_ = 0;
  char what_[what_capacity];
};
static_assert(std::is_trivially_copyable_v<Error> && sizeof(Error) == 256);

// One line for people: "where: what", or `what` alone where no place applies.
std::string describe(const Error& error);

namespace detail {
// What user code threw, in bounded words. REQUIRES: called inside a catch block.
Error thrown() noexcept;
}  // namespace detail

}  // namespace tailrace
