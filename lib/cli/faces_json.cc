#include <cmath>
#include <nlohmann/json.hpp>

#include "cli/faces.h"

namespace tailrace::cli {

namespace {

using Json = nlohmann::ordered_json;
using stages::Box;

double rounded(double x, double digits) { return std::round(x * digits) / digits; }

Json face(const Box& box) {
  Json json;
  for (const float side : {box.left, box.top, box.right, box.bottom}) json["box"].push_back(rounded(side, 1e4));
  json["score"] = rounded(box.score, 1e6);
  json["marks"] = Json::array();
  for (const auto& mark : box.marks) json["marks"].push_back({rounded(mark.x, 1e4), rounded(mark.y, 1e4)});
  return json;
}

// So many numbers; false where it is something else.
bool read_numbers(const Json& list, std::size_t count, std::vector<float>& numbers) {
  if (!list.is_array() || list.size() != count) return false;
  for (const auto& x : list) {
    if (!x.is_number()) return false;
    numbers.push_back(x.get<float>());
  }
  return true;
}

bool read_face(const Json& json, Box& box) {
  std::vector<float> sides, places;
  if (!json.is_object() || !json.contains("box") || !read_numbers(json["box"], 4, sides)) return false;
  if (!json.contains("score") || !json["score"].is_number()) return false;
  if (!json.contains("marks") || !json["marks"].is_array()) return false;
  for (const auto& mark : json["marks"])
    if (!read_numbers(mark, 2, places)) return false;
  box = {sides[0], sides[1], sides[2], sides[3], json["score"].get<float>(), {}, {}};
  for (std::size_t i = 0; i < places.size(); i += 2) box.marks.push_back({places[i], places[i + 1]});
  return true;
}

}  // namespace

std::string faces_json(const FacesFigures& figures) {
  Json json;
  json["demo"] = "faces";
  json["version"] = TAILRACE_VERSION;
  for (const auto& photo : figures.photos) {
    Json one = {{"photo", photo.name}, {"faces", Json::array()}};
    for (const Box& box : photo.faces) one["faces"].push_back(face(box));
    json["photos"].push_back(std::move(one));
  }
  for (std::size_t k = 0; k < figures.flows.size(); ++k)
    json["flows"].push_back({{"flow", figures.flows[k]}, {"photo_ms", rounded(figures.photo_ms[k], 1e3)}});
  json["flows_apart"] = figures.apart;                                       // null: other faces
  if (figures.difference) json["largest_difference"] = *figures.difference;  // null: other faces
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Built<FaceReferences> parse_face_references(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) return Problems(Code::bad_file, "", "not JSON");
  if (!json.is_object() || !json.contains("faces") || !json["faces"].is_object())
    return Problems(Code::bad_file, "faces", "expected an object with a list of faces for each photograph");
  FaceReferences references;
  for (const auto& [photo, list] : json["faces"].items()) {
    if (!list.is_array()) return Problems(Code::bad_file, photo, "expected a list of faces");
    auto& boxes = references[photo];
    for (std::size_t i = 0; i < list.size(); ++i)
      if (!read_face(list[i], boxes.emplace_back()))
        return Problems(Code::bad_file, photo + "[" + std::to_string(i) + "]",
                        "expected {\"box\": [4 numbers], \"score\": number, \"marks\": [[x, y], ...]}");
  }
  return references;
}

}  // namespace tailrace::cli
