#include "cli/json_lines.h"

#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

namespace tailrace::cli {

namespace {

using Json = nlohmann::ordered_json;

std::string line(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

// The double with as few digits as tell the float from all others: 0.1 and not 0.10000000149011612.
double shortest(float x) {
  char digits[32];
  double value = 0;
  std::from_chars(digits, std::to_chars(digits, digits + sizeof digits, x).ptr, value);
  return value;
}

template <class T>
void put_numbers(Json& list, const Tensor& values) {
  const Tensor flat = values.contiguous() ? values : values.contiguous_copy();
  for (const T x : flat.as<T>()) {
    if (!std::isfinite(static_cast<double>(x))) list.push_back(nullptr);
    else if constexpr (std::is_same_v<T, float>) list.push_back(shortest(x));
    else list.push_back(x);
  }
}

Json numbers(const Tensor& values) {
  Json list = Json::array();
  if (values.device().kind != Device::Kind::cpu) return list;
  switch (values.dtype()) {
    case DType::float32: put_numbers<float>(list, values); break;
    case DType::float64: put_numbers<double>(list, values); break;
    case DType::int8: put_numbers<std::int8_t>(list, values); break;
    case DType::int16: put_numbers<std::int16_t>(list, values); break;
    case DType::int32: put_numbers<std::int32_t>(list, values); break;
    case DType::int64: put_numbers<std::int64_t>(list, values); break;
    case DType::uint8: put_numbers<std::uint8_t>(list, values); break;
    case DType::boolean: put_numbers<bool>(list, values); break;
    case DType::float16:
    case DType::bfloat16: break;
  }
  return list;
}

template <class T>
Json begin(std::size_t row, const Outcome<T>& outcome) {
  Json json;
  json["row"] = row;
  if (!outcome)
    json["error"] = {
        {"code", name(outcome.error().code())}, {"where", outcome.error().where()}, {"what", outcome.error().what()}};
  return json;
}
template <class T>
void put_facts(Json& json, const Outcome<T>& outcome) {
  if (outcome.rung >= 0) json["rung"] = outcome.rung;
}

}  // namespace

std::string answer_line(std::size_t row, const Outcome<std::int64_t>& label) {
  Json json = begin(row, label);
  if (label) json["label"] = *label;
  if (label) put_facts(json, label);
  return line(json);
}

std::string answer_line(std::size_t row, const Outcome<stages::Ranking>& top) {
  Json json = begin(row, top);
  if (!top) return line(json);
  json["top"] = Json::array();
  for (const auto& c : *top) {
    Json one = {{"index", c.index}};
    if (!c.label.empty()) one["label"] = c.label;
    const auto as_float = static_cast<float>(c.score);
    one["score"] = static_cast<double>(as_float) == c.score ? shortest(as_float) : c.score;
    json["top"].push_back(std::move(one));
  }
  put_facts(json, top);
  return line(json);
}

std::string answer_line(std::size_t row, const Outcome<Tensor>& values) {
  Json json = begin(row, values);
  if (values) json["values"] = numbers(*values);
  if (values) put_facts(json, values);
  return line(json);
}

}  // namespace tailrace::cli
