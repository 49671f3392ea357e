#include <cmath>
#include <nlohmann/json.hpp>

#include "cli/photos.h"

namespace tailrace::cli {

namespace {

using Json = nlohmann::ordered_json;

double rounded(double x, double digits) { return std::round(x * digits) / digits; }

Json ranking(const stages::Ranking& classes) {
  Json list = Json::array();
  for (const auto& c : classes)
    list.push_back({{"index", c.index}, {"label", c.label}, {"probability", rounded(c.score, 1e6)}});
  return list;
}

bool is_class(const Json& c) {
  return c.is_object() && c.contains("index") && c["index"].is_number_integer() && c.contains("label") &&
         c["label"].is_string() && c.contains("probability") && c["probability"].is_number();
}

// False where it is no list of classes.
bool read_ranking(const Json& list, stages::Ranking& ranking) {
  if (!list.is_array()) return false;
  for (const auto& c : list) {
    if (!is_class(c)) return false;
    ranking.push_back({c["index"].get<std::int64_t>(), c["probability"].get<double>(), c["label"].get<std::string>()});
  }
  return true;
}

}  // namespace

std::string photos_json(const PhotosFigures& figures) {
  Json json;
  json["demo"] = "photos";
  json["version"] = TAILRACE_VERSION;
  json["flow"] = figures.flow;
  for (const auto& photo : figures.photos) {
    Json one = {{"photo", photo.name}, {"rung", photo.rung}};
    for (std::size_t k = 0; k < photo.rungs.size(); ++k) one["said"][figures.rungs[k].model] = ranking(photo.rungs[k]);
    json["photos"].push_back(std::move(one));
  }
  json["decoding_ms"] = rounded(figures.decode_ms, 1e3);
  for (const auto& rung : figures.rungs)
    json["rungs"].push_back(
        {{"model", rung.model}, {"ms", rounded(rung.ms, 1e3)}, {"share", rounded(rung.reached, 1e5)}});
  json["request_ms"] = rounded(figures.cascade_ms, 1e3);
  json["last_alone_ms"] = rounded(figures.last_ms, 1e3);
  if (figures.difference) json["largest_difference"] = *figures.difference;  // null: other classes
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Built<References> parse_references(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) return Problems(Code::bad_file, "", "not JSON");
  if (!json.is_object() || !json.contains("answers") || !json["answers"].is_object())
    return Problems(Code::bad_file, "answers", "expected an object with an answer of each network for each photograph");
  References references;
  for (const auto& [photo, networks] : json["answers"].items()) {
    if (!networks.is_object()) return Problems(Code::bad_file, photo, "expected an object with each network's answer");
    for (const auto& [network, list] : networks.items())
      if (!read_ranking(list, references[photo][network]))
        return Problems(Code::bad_file, photo + "." + network,
                        "expected a list of {\"index\": number, \"label\": text, \"probability\": number}");
  }
  return references;
}

}  // namespace tailrace::cli
