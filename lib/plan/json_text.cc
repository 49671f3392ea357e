#include "plan/json_text.h"

#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>

namespace tailrace::detail {

std::string in_words(Position at) { return std::to_string(at.line) + ":" + std::to_string(at.column); }

std::string_view in_words(JsonValue::Kind kind) {
  switch (kind) {
    case JsonValue::Kind::null: return "null";
    case JsonValue::Kind::boolean: return "true or false";
    case JsonValue::Kind::number: return "a number";
    case JsonValue::Kind::string: return "a text";
    case JsonValue::Kind::array: return "a list";
    case JsonValue::Kind::object: return "an object";
  }
  return "unknown";
}

const JsonValue::Member* JsonValue::find(std::string_view name) const {
  for (const auto& member : members)
    if (member.name == name) return &member;
  return nullptr;
}

namespace {

// Lets the parser read, and tells how far it is: the parser's events carry no position.
class CountingIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  CountingIterator(const char* at, const char** furthest) : at_(at), furthest_(furthest) {}
  reference operator*() const { return *at_; }
  CountingIterator& operator++() {
    *furthest_ = ++at_;
    return *this;
  }
  bool operator==(const CountingIterator& other) const { return at_ == other.at_; }
  bool operator!=(const CountingIterator& other) const { return at_ != other.at_; }

 private:
  const char* at_;
  const char** furthest_;
};

// Builds the value from the parser's events, and ends the parsing where a bound is passed.
class Builder {
 public:
  Builder(std::string_view text, const JsonBounds& bounds)
      : begin_(text.data()), end_(text.data() + text.size()), bounds_(bounds) {}

  const char** furthest() { return &furthest_; }
  JsonValue take() { return std::move(root_); }
  std::optional<Problems> take_problem() { return std::move(problem_); }

  // ---- the parser's events; false ends it

  bool null() { return leaf({}); }
  bool boolean(bool v) {
    JsonValue value;
    value.kind = JsonValue::Kind::boolean;
    value.truth = v;
    return leaf(std::move(value));
  }
  bool number_integer(std::int64_t v) { return number(static_cast<double>(v)); }
  bool number_unsigned(std::uint64_t v) { return number(static_cast<double>(v)); }
  bool number_float(double v, const std::string&) { return number(v); }
  bool string(std::string& v) {
    JsonValue value;
    value.kind = JsonValue::Kind::string;
    value.text = std::move(v);
    return leaf(std::move(value));
  }
  bool binary(std::vector<std::uint8_t>&) { return false; }
  bool start_object(std::size_t) { return open(JsonValue::Kind::object); }
  bool start_array(std::size_t) { return open(JsonValue::Kind::array); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }
  bool key(std::string& name) {
    const Position at = next_token();
    JsonValue& object = stack_.back();
    if (object.members.size() == most_members)
      return refuse(at, "an object has more than " + std::to_string(most_members) + " members");
    if (object.find(name)) return refuse(at, "'" + name.substr(0, 60) + "' is given twice in one object");
    object.members.push_back({std::move(name), at, {}});
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& error) {
    return refuse_syntax(error.what());
  }

 private:
  static constexpr std::size_t most_members = 64;

  bool number(double v) {
    JsonValue value;
    value.kind = JsonValue::Kind::number;
    value.number = v;
    if (!leaf(std::move(value))) return false;
    // A number ends where the next byte says so: give that one back.
    while (behind_last_ > begin_ && std::string_view("0123456789").find(behind_last_[-1]) == std::string_view::npos)
      --behind_last_;
    return true;
  }

  // Where the token that the parser has just read begins: behind the last one, blanks and separators.
  Position next_token() {
    const char* at = behind_last_;
    for (; at < end_ && std::string_view(" \t\n\r,:").find(*at) != std::string_view::npos; ++at)
      if (*at == '\n') ++line_, line_start_ = at + 1;
    behind_last_ = furthest_;
    return {line_, static_cast<int>(at - line_start_) + 1};
  }

  bool admit(JsonValue& value) {
    value.at = next_token();
    return ++values_ <= bounds_.values || refuse(value.at, "more than " + std::to_string(bounds_.values) + " values");
  }
  bool leaf(JsonValue value) { return admit(value) && put(std::move(value)); }
  bool put(JsonValue value) {
    if (stack_.empty()) root_ = std::move(value);
    else if (stack_.back().is(JsonValue::Kind::array)) stack_.back().items.push_back(std::move(value));
    else stack_.back().members.back().value = std::move(value);
    return true;
  }
  bool open(JsonValue::Kind kind) {
    JsonValue value;
    value.kind = kind;
    if (!admit(value)) return false;
    if (stack_.size() == bounds_.depth)
      return refuse(value.at, "nested more than " + std::to_string(bounds_.depth) + " levels deep");
    stack_.push_back(std::move(value));
    return true;
  }
  bool close() {
    next_token();
    JsonValue value = std::move(stack_.back());
    stack_.pop_back();
    return put(std::move(value));
  }

  bool refuse(Position at, std::string what) {
    problem_.emplace(Code::bad_file, in_words(at), std::move(what));
    return false;
  }
  // `what` begins with "[json.exception.parse_error.101] parse error at line 3, column 5: ", or only with the bracket.
  bool refuse_syntax(std::string_view what) {
    for (const std::string_view mark : {"] ", "parse error at ", ": "}) {
      const auto at = what.find(mark);
      if (at == what.npos) break;
      what.remove_prefix(at + mark.size());
    }
    const bool ended = what.find("unexpected end of input") != what.npos;
    return refuse(ended ? position_of(end_) : culprit(), "not JSON: " + std::string(what.substr(0, 300)));
  }
  // Where the parser could not go on: the token it was reading, and in texts the byte.
  Position culprit() const {
    const char* last = furthest_ == begin_ ? begin_ : furthest_ - 1;
    const char* token = behind_last_;
    while (token < last && std::string_view(" \t\n\r,:").find(*token) != std::string_view::npos) ++token;
    return position_of(token < last && *token != '"' ? token : last);
  }
  Position position_of(const char* byte) const {
    int line = 1;
    const char* start = begin_;
    for (const char* p = begin_; p < byte; ++p)
      if (*p == '\n') ++line, start = p + 1;
    return {line, static_cast<int>(byte - start) + 1};
  }

  const char* const begin_;
  const char* const end_;
  const char* furthest_ = begin_;
  const char* behind_last_ = begin_;
  const char* line_start_ = begin_;
  int line_ = 1;
  std::size_t values_ = 0;
  JsonBounds bounds_;
  std::vector<JsonValue> stack_;
  JsonValue root_;
  std::optional<Problems> problem_;
};

}  // namespace

Built<JsonValue> parse_json(std::string_view text, const JsonBounds& bounds) {
  if (text.size() > bounds.bytes)
    return Problems(Code::bad_file, "", "larger than " + std::to_string(bounds.bytes >> 10) + " KiB");
  try {
    Builder builder(text, bounds);
    const CountingIterator first(text.data(), builder.furthest()), last(text.data() + text.size(), builder.furthest());
    if (nlohmann::json::sax_parse(first, last, &builder)) return builder.take();
    if (auto problem = builder.take_problem()) return *std::move(problem);
    return Problems(Code::internal_error, "", "the parser gave up without a reason");
  } catch (const std::exception& e) {
    return Problems(Code::out_of_memory, "", std::string("cannot be read: ") + e.what());
  }
}

}  // namespace tailrace::detail
