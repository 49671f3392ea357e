#include "tailrace/core/error.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <limits>
#include <new>

#include "tailrace/core/context.h"

namespace tailrace {

std::string_view name(Code code) noexcept {
  switch (code) {
    case Code::none: return "none";
    case Code::stage_failed: return "stage_failed";
    case Code::all_arms_failed: return "all_arms_failed";
    case Code::bad_selection: return "bad_selection";
    case Code::deadline_missed: return "deadline_missed";
    case Code::cancelled: return "cancelled";
    case Code::overloaded: return "overloaded";
    case Code::would_miss: return "would_miss";
    case Code::superseded: return "superseded";
    case Code::shutting_down: return "shutting_down";
    case Code::out_of_memory: return "out_of_memory";
    case Code::no_quorum: return "no_quorum";
    case Code::invalid_flow: return "invalid_flow";
    case Code::unknown_name: return "unknown_name";
    case Code::type_mismatch: return "type_mismatch";
    case Code::shape_mismatch: return "shape_mismatch";
    case Code::bad_file: return "bad_file";
    case Code::bad_value: return "bad_value";
    case Code::unsupported: return "unsupported";
    case Code::internal_error: return "internal_error";
  }
  return "unknown_code";
}

std::string_view meaning(Code code) noexcept {
  switch (code) {
    case Code::none: return "nothing went wrong";
    case Code::stage_failed: return "a stage threw an exception or returned an error";
    case Code::all_arms_failed: return "every arm of a race failed or gave an invalid answer";
    case Code::bad_selection: return "a selector named an arm that does not exist";
    case Code::deadline_missed: return "the deadline passed before there was an answer";
    case Code::cancelled: return "the request was cancelled";
    case Code::overloaded: return "the engine had no room for the request";
    case Code::would_miss: return "the request could not have been answered by its deadline, so it was not begun";
    case Code::superseded: return "a newer request of the same stream took this one's place";
    case Code::shutting_down: return "the engine was being stopped";
    case Code::out_of_memory: return "there was no memory for the request";
    case Code::no_quorum: return "fewer arms of a quorum agreed than had to";
    case Code::invalid_flow: return "the flow is not well formed";
    case Code::unknown_name: return "nothing is known by this name";
    case Code::type_mismatch: return "a value has another type than is expected there";
    case Code::shape_mismatch: return "a tensor has another shape or element type than is expected there";
    case Code::bad_file: return "a file is missing, unreadable or malformed";
    case Code::bad_value: return "an option or parameter has a value that makes no sense";
    case Code::unsupported: return "this build, back end or device cannot do what was asked";
    case Code::internal_error: return "a fault in the library itself; please report it";
  }
  return "a code that this version of the library does not know";
}

namespace {

// How much of `text` to keep so that "..." fits behind it and no UTF-8 character is cut in two.
std::size_t kept(std::string_view text, std::size_t capacity) noexcept {
  std::size_t size = capacity - 3;
  while (size > 0 && (text[size] & 0xC0) == 0x80) --size;
  return size;
}

std::uint8_t store(char* to, std::size_t capacity, std::string_view text) noexcept {
  const bool fits = text.size() <= capacity;
  auto size = text.copy(to, fits ? text.size() : kept(text, capacity));
  if (!fits) size += std::string_view("...").copy(to + size, 3);
  return static_cast<std::uint8_t>(size);
}

}  // namespace

Error::Error(Code code, std::string_view where, std::string_view what) noexcept
    : code_(code), where_size_(store(where_, where_capacity, where)), what_size_(store(what_, what_capacity, what)) {}

void Error::set_retry_after(Duration later) noexcept {
  const auto whole = std::chrono::ceil<std::chrono::microseconds>(later).count();
  retry_after_ =
      static_cast<std::uint32_t>(std::clamp<std::int64_t>(whole, 0, std::numeric_limits<std::uint32_t>::max()));
}

std::string describe(const Error& error) {
  std::string text(error.where());
  if (!text.empty()) text += ": ";
  return text += error.what();
}

namespace detail {

Error thrown() noexcept {
  try {
    throw;
  } catch (const Error& e) {
    return e.code() == Code::none ? Error(Code::stage_failed, e.what()) : e;
  } catch (const std::bad_alloc&) {
    return {Code::out_of_memory, "there was not enough memory"};
  } catch (const std::exception& e) {
    return {Code::stage_failed, e.what()};
  } catch (const Stopped&) {
    return {Code::stage_failed, "left by a checkpoint although nobody had asked it to stop"};
  } catch (...) {
    return {Code::stage_failed, "threw something that is not a std::exception"};
  }
}

}  // namespace detail
}  // namespace tailrace
