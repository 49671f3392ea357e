// Pictures of t(b): what stands in them, and that names are only names.
#include "tailrace/report/times_picture.h"

#include <catch2/catch.hpp>

using namespace tailrace;
using namespace tailrace::report;

namespace {

bool has(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }
std::size_t count(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (auto at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++n;
  return n;
}

ModelProfile profile(std::string model) {
  ModelProfile p;
  p.model = std::move(model);
  p.variant = "net.pt";
  p.date = "2026-11-28";
  for (const std::uint32_t n : {1, 8, 64}) p.times.times.push_back({n, 9, n * 1e-3, n * 2e-3, n * 3e-3, n != 8});
  return p;
}

}  // namespace

TEST_CASE("pictures of times: a panel for each profile that has times, a dot for each size") {
  const ModelProfile both[] = {profile("a"), ModelProfile{}, profile("b")};
  const std::string picture = times_picture(both);
  CHECK(picture.starts_with("<svg xmlns="));
  CHECK(picture.ends_with("</svg>\n"));
  CHECK(count(picture, "<polyline") == 2);
  CHECK(count(picture, "<title>8 rows: p50 16 ms, p99 24 ms, least 8 ms, 9 calls</title>") == 2);
  CHECK(count(picture, "class=\"odd\"") == 4);  // one size of each, and the key
  CHECK(has(picture, "t(b) = 0 ns + 2 ms b, at most 0 % off; measured on 2026-11-28; disturbed"));
}

TEST_CASE("pictures of times: one size, no sizes, and names with anything in them") {
  ModelProfile one = profile("<&>");
  one.times.times.resize(1);
  const std::string picture = times_picture({&one, 1});
  CHECK(has(picture, "&lt;&amp;&gt;, net.pt on cpu, 1 thread a call"));
  CHECK_FALSE(has(picture, "nan"));
  CHECK_FALSE(has(picture, "inf"));
  CHECK(has(times_picture({}), "no times were measured"));
}
