#include "tailrace/core/context.h"

#include <catch2/catch.hpp>
#include <exception>

namespace tailrace {
namespace {

TEST_CASE("a context tells of the request's deadline") {
  const detail::StopFlag flag{};
  CHECK(Context(flag, detail::RequestView{}).deadline() == never);
  const TimePoint soon = Clock::now();
  const detail::RequestView request{.deadline = soon};
  CHECK(Context(flag, request).deadline() == soon);
}

TEST_CASE("stop_requested sees its own region's flag") {
  detail::StopFlag flag{};
  const detail::RequestView request;
  const Context context(flag, request);
  CHECK_FALSE(context.stop_requested());
  flag.halt = 1;
  CHECK(context.stop_requested());
}

TEST_CASE("stop_requested sees the flags around an element, however far out") {
  detail::StopFlag inner{}, middle{}, outer{};
  const detail::RequestView whole;
  const detail::RequestView element{.outer = &outer, .outer_view = &whole};
  const detail::RequestView nested{.outer = &middle, .outer_view = &element};
  const Context context(inner, nested);
  CHECK_FALSE(context.stop_requested());
  for (auto* flag : {&inner, &middle, &outer}) {
    flag->halt = 2;
    CHECK(context.stop_requested());
    flag->halt = 0;
  }
  CHECK_FALSE(context.stop_requested());
}

TEST_CASE("an outer region without a frame of its own ends the search") {
  detail::StopFlag flag{}, outer{};
  const detail::RequestView request{.outer = &outer};
  CHECK_FALSE(Context(flag, request).stop_requested());
  outer.halt = 1;
  CHECK(Context(flag, request).stop_requested());
}

TEST_CASE("checkpoint leaves the stage only once it must stop, past handlers of std::exception") {
  detail::StopFlag flag{};
  const detail::RequestView request;
  const Context context(flag, request);
  CHECK_NOTHROW(context.checkpoint());
  flag.halt = 1;
  const auto stage = [&] {
    try {
      context.checkpoint();
    } catch (const std::exception&) {
    }
  };
  CHECK_THROWS_AS(stage(), Stopped);
}

}  // namespace
}  // namespace tailrace
