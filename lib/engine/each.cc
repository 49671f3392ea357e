#include <algorithm>
#include <cstdio>
#include <cstring>
#include <utility>

#include "engine/drive.h"

// The elements of a vector, each in a frame of its own. Every request has one element frame for sure and takes more
// while there are any; a thread that has finished an element takes the next one.
//
// ControlWords: a = next element, b = elements finished.
namespace tailrace::detail {
namespace {

constexpr auto relaxed = std::memory_order_relaxed;

std::size_t size_of_input(Frame& f, const Control& c) noexcept { return c.each_in->size(f.base() + c.in); }

// The request's own thread of control, back from `child`, whose reference it gives up.
Frame& back_to_parent(Frame& child) noexcept {
  Frame& f = *child.parent;
  f.refs.fetch_add(1, relaxed);
  release(child);
  return f;
}

// "all[17].parse" for "all[0].parse": the name that the program has for all elements, with the number of this one. What
// failed for all of them together keeps its name.
struct ElementName {
  ElementName(const Frame& child, const char* where) noexcept {
    const std::string& all = child.owner->name;
    const std::string_view shared = where;
    const auto number = shared.find(']', all.size());
    const bool inside = number != shared.npos && shared[all.size()] == '[';
    const char* const rest = inside ? where + number + 1 : "";
    if (inside) std::snprintf(text, sizeof text, "%s[%zu]%s", all.c_str(), child.index, rest);
    else std::snprintf(text, sizeof text, "%s", where);
  }
  char text[name_bytes];
};

Step fail_each(Frame& child, Code code, const char* where, std::string_view text) noexcept {
  const ElementName name(child, where);
  char copy[text_bytes];  // the child may be gone before the text is read
  const auto size = text.copy(copy, text_bytes);
  const Control& c = *child.owner;
  Frame& f = back_to_parent(child);
  if (!begin_failing(f, *c.around)) return nothing(f);
  char* const kept = f.base() + c.element_name;
  std::memcpy(kept, name.text, name_bytes);
  end_failing(f, *c.around, code, kept, {copy, size});
  return region_failed(f, *c.around);
}
Step fail_each(Frame& child, const Error& error) noexcept {
  return fail_each(child, error.code(), child.owner->name.c_str(), error.what());
}

// Readies a frame that nobody else holds for an element of `f`, on whom it keeps a reference.
void adopt(Frame& child, Frame& f, const Control& c) noexcept {
  reset(child);
  child.parent = &f;
  child.owner = &c;
  child.engine = f.engine;
  child.executor = f.executor;
  child.timed = f.timed;
  child.clocked = f.clocked;
  child.head.request = {f.head.request.deadline, &f.at<RegionState>(c.around->state).flag, &f.head.request};
  child.refs.store(1, relaxed);
}

Frame* new_child(Frame& f, const Control& c, bool extra) noexcept {
  Program& p = *c.element;
  if (extra && p.extra.fetch_sub(1, relaxed) <= 0) {
    p.extra.fetch_add(1, relaxed);
    return nullptr;
  }
  Frame* child = p.pool.take(p.pool.count());
  if (!child) {
    if (extra) p.extra.fetch_add(1, relaxed);
    return nullptr;
  }
  adopt(*child, f, c);
  child->extra = extra;
  share(f, 1);
  return child;
}

// Copies or moves the child's element into it.
Step begin_element(Frame& child) noexcept {
  Frame& f = *child.parent;
  const Control& c = *child.owner;
  const Program& p = *c.element;
  try {
    c.each_in->take(child.base() + p.input, f.base() + c.in, child.index, c.may_move);
  } catch (...) {
    return fail_each(child, thrown());
  }
  child.set_live(p.input_live);
  return enter(child, p.regions.front());
}

// Takes the next element's number for the child; false: there is none left, or the request no longer wants it.
bool next_number(Frame& child) noexcept {
  Frame& f = *child.parent;
  const Control& c = *child.owner;
  if (child.head.request.outer->halt.load(relaxed) != running) return false;
  child.index = f.words(c).a.fetch_add(1, relaxed);
  return child.index < size_of_input(f, c);
}

// A frame for the next element: the child's own if it is free of losers, else another one in its place.
Frame& for_next(Frame& child) noexcept {
  Frame& f = *child.parent;
  const Control& c = *child.owner;
  const auto index = child.index;
  const bool alone = !child.shared || child.refs.load(std::memory_order_acquire) == 1;
  Frame* fresh = &child;
  if (alone) {
    const bool extra = child.extra, spare = child.spare.load(relaxed);
    cleanup(child);
    adopt(child, f, c);
    child.extra = extra;
    child.spare.store(spare, relaxed);
  } else {
    fresh = new_child(f, c, false);                    // there is one: losers hold no more than `spare` allows
    fresh->extra = std::exchange(child.extra, false);  // one thread of control, one place among the extra ones
    release(child);
  }
  fresh->index = index;
  return *fresh;
}

// All elements are in: the vector of answers goes on.
Step finish_each(Frame& f, const Control& c) noexcept {
  try {
    c.each_out->finish(f.base() + c.out, f.base() + c.gather);
  } catch (...) {
    const Error error = thrown();
    return fail_control(f, c, error.code(), c.name.c_str(), error.what());
  }
  f.set_live(c.live);
  return {&f, c.after};
}

// An element's answer (or, where errors are kept, its error) goes to its place.
Step put_element(Frame& child, void* answer, const Error* error) noexcept {
  Frame& f = *child.parent;
  const Control& c = *child.owner;
  try {
    c.each_out->put(f.base() + c.gather, child.index, answer, error);
  } catch (...) {
    return fail_each(child, thrown());
  }
  const bool last = f.words(c).b.fetch_add(1, std::memory_order_acq_rel) + 1 == size_of_input(f, c);
  if (last) return finish_each(back_to_parent(child), c);
  if (next_number(child)) return begin_element(for_next(child));
  return nothing(child);
}

}  // namespace

Step start_each(Frame& f, const Control& c) noexcept {
  const auto n = size_of_input(f, c);
  try {
    c.each_out->start(f.base() + c.gather, n);
  } catch (...) {
    const Error error = thrown();
    return fail_control(f, c, error.code(), c.name.c_str(), error.what());
  }
  f.set_live(c.gather_live);
  if (n == 0) return finish_each(f, c);
  Frame* mine = new_child(f, c, false);
  if (!mine) return fail_control(f, c, Code::internal_error, c.name.c_str(), "no element frame was left");
  const auto width = std::min<std::size_t>(n, std::max(1u, f.executor->concurrency()));
  for (std::size_t i = 1; i < width; ++i) {
    Frame* child = new_child(f, c, true);
    if (!child) break;
    const Step s = next_number(*child) ? begin_element(*child) : nothing(*child);
    if (s.block) spawn(s);
    else release(*s.frame);
  }
  const Step s = next_number(*mine) ? begin_element(*mine) : nothing(*mine);
  release(f);  // its children hold it
  return s;
}

Step element_done(Frame& child, const Region& r) noexcept {
  return put_element(child, child.base() + r.answer, nullptr);
}

Step element_failed(Frame& child, const Region& r) noexcept {
  const RegionState& s = child.region_state(r);
  if (!child.owner->each_out->keeps_errors) return fail_each(child, s.code, s.where, text_of(child, r));
  const Error error(s.code, ElementName(child, s.where).text, text_of(child, r));
  return put_element(child, nullptr, &error);
}

}  // namespace tailrace::detail
