// then: what a stage may look like, and what it becomes in the graph.
#include "tailrace/flow/stream.h"

#include <catch2/catch.hpp>
#include <memory>
#include <string>

#include "tailrace/flow/flow.h"
#include "tailrace/plan/verify.h"

namespace tr = tailrace;

namespace stream_test {

struct Image {
  int width = 3;
  int area() const { return width * width; }
};
struct Scale {
  int by;
  int operator()(int x) const { return x * by; }
};
int twice(int x) { return 2 * x; }

}  // namespace stream_test
using namespace stream_test;

namespace {

template <class In, class F>
std::shared_ptr<const tr::Graph> one(F f) {
  return tr::flow<In>("f", [&](tr::Stream<In> in) { return in.then("s", std::move(f)); }).share();
}

void ignore_error(const tr::detail::Instruction&, char*, const tr::Error&) noexcept {}

void destroy(const tr::Type& type, void* slot) {
  if (type.destroy) type.destroy(slot);
}

// Calls the stage's thunk on two slots, as the engine does.
template <class In, class Out>
Out call(const tr::Stage& stage, tr::detail::Thunk thunk, In& in) {
  struct alignas(16) Frame {
    tr::detail::FrameHead head;
    std::uint32_t halt = 0;
    char live = 0;
    alignas(16) char in[64], out[64];
  } frame;
  frame.head.fail = ignore_error;
  const auto at = [&](const void* p) {
    return static_cast<std::uint32_t>(static_cast<const char*>(p) - reinterpret_cast<char*>(&frame));
  };
  tr::detail::emplace_in_slot<In>(frame.in, std::move(in));
  const std::uint32_t input = at(frame.in);
  const tr::detail::Instruction i{thunk,         stage.context.get(), &input,          input,
                                  at(frame.out), at(&frame.live),     at(&frame.halt), &tr::type_of<Out>};
  thunk(i, reinterpret_cast<char*>(&frame));
  in = std::move(tr::detail::in_slot<In>(frame.in));
  Out out = std::move(tr::detail::in_slot<Out>(frame.out));
  destroy(tr::type_of<In>, frame.in);
  destroy(tr::type_of<Out>, frame.out);
  return out;
}

}  // namespace

TEST_CASE("a stage is a node with its name, types and function") {
  const auto g = one<int>(twice);
  REQUIRE(g->nodes.size() == 2);
  CHECK(g->name == "f");
  CHECK(g->nodes[0].name == "input");
  const tr::Node& n = g->nodes[1];
  CHECK(n.kind == tr::Kind::then);
  CHECK(n.name == "s");
  CHECK(n.inputs == std::vector<int>{0});
  CHECK(equal(*n.type, tr::type_of<int>));
  CHECK(n.stage.function == "s");
  CHECK_FALSE(n.stage.replicable);
  CHECK_FALSE(n.stage.quick);
  CHECK(tr::verify(*g).empty());
}

TEST_CASE("options and names reach the stage, also one around the other") {
  const auto g = one<int>(tr::stage(tr::named("scale", {{"by", 3}}, Scale{3}), {.replicable = true, .quick = true}));
  const tr::Stage& s = g->nodes[1].stage;
  CHECK(s.function == "scale");
  CHECK(s.parameters.number("by", 0) == 3);
  CHECK(s.replicable);
  CHECK(s.quick);
  CHECK(one<int>(tr::stage(twice, {.function = "double"}))->nodes[1].stage.function == "double");
}

TEST_CASE("a model is a replicable stage that keeps no function's name") {
  const auto g = one<int>(tr::model<int, double>("net", {.accuracy = 0.5}));
  const tr::Stage& s = g->nodes[1].stage;
  CHECK(s.model.name == "net");
  CHECK(s.model.need.accuracy == 0.5);
  CHECK(s.function.empty());
  CHECK(s.replicable);
  CHECK(s.bind != nullptr);
  CHECK(equal(*g->nodes[1].type, tr::type_of<double>));
}

TEST_CASE("callables of every shape") {
  int three = 3;
  CHECK(call<int, int>(one<int>(twice)->nodes[1].stage, one<int>(twice)->nodes[1].stage.leave, three) == 6);
  const auto g = one<int>(Scale{5});
  CHECK(call<int, int>(g->nodes[1].stage, g->nodes[1].stage.leave, three) == 15);
  Image image;
  const auto member = one<Image>(&Image::width);
  CHECK(call<Image, int>(member->nodes[1].stage, member->nodes[1].stage.leave, image) == 3);
  const auto method = one<Image>(&Image::area);
  CHECK(call<Image, int>(method->nodes[1].stage, method->nodes[1].stage.leave, image) == 9);
  const auto context = one<int>([](int x, const tr::Context& c) { return c.stop_requested() ? 0 : x; });
  CHECK(call<int, int>(context->nodes[1].stage, context->nodes[1].stage.leave, three) == 3);
  const auto result = one<int>([](int x) -> tr::Result<std::string> { return std::to_string(x); });
  CHECK(call<int, std::string>(result->nodes[1].stage, result->nodes[1].stage.leave, three) == "3");
  CHECK(equal(*result->nodes[1].type, tr::type_of<std::string>));
  const auto any = one<int>([](auto... x) { return (x + ...); });  // never offered a Context
  CHECK(call<int, int>(any->nodes[1].stage, any->nodes[1].stage.leave, three) == 3);
}

TEST_CASE("a stage that owns its input takes it apart, or gets a copy") {
  const auto g = one<std::string>([](std::string&& text) { return std::move(text) + "!"; });
  const tr::Stage& s = g->nodes[1].stage;
  std::string text(40, 'x');
  CHECK(call<std::string, std::string>(s, s.leave, text) == text + "!");
  CHECK(text.size() == 40);
  CHECK(call<std::string, std::string>(s, s.take, text).size() == 41);
  CHECK(text.empty());
}

TEST_CASE("only a stage that must take a move-only value apart cannot leave it") {
  using Box = std::unique_ptr<int>;
  CHECK(one<Box>([](Box&& b) { return *b; })->nodes[1].stage.leave == nullptr);
  CHECK(one<Box>([](Box b) { return *b; })->nodes[1].stage.leave == nullptr);
  CHECK(one<Box>([](const Box& b) { return *b; })->nodes[1].stage.leave != nullptr);
  // A vector of them claims to be copyable, but is not.
  CHECK(one<std::vector<Box>>([](std::vector<Box>&& b) { return b.size(); })->nodes[1].stage.leave == nullptr);
}

TEST_CASE("trivial values are never worth taking apart") {
  const tr::Stage s = one<int>(twice)->nodes[1].stage;
  CHECK(s.take == s.leave);
}
