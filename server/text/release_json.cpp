#include "server/text/release_json.hpp"

#include <optional>

namespace server {
namespace {

std::string json_lines(const std::vector<std::string>& texts) {
  std::vector<std::string> values;
  for (const auto& text : texts) values.push_back(json_string(escaped(text, most_of_ours)));
  return json_list(values);
}

void add_text(JsonObject& object, std::string_view key, const std::optional<std::string>& text) {
  object.add_raw(key, text ? json_text(*text) : "null");
}

std::optional<std::string> family_of(const std::string& image) {
  return storage::is_image_family(image) ? std::optional(image) : std::nullopt;
}

std::string to_json(const storage::Release::Image& image) {
  JsonObject object;
  object.add("name", image.name, whole);
  add_text(object, "family", family_of(image.name));
  object.add("size", image.size);
  add_text(object, "sha256", image.sha256);
  return object.text();
}

}  // namespace

JsonObject json_object_of(const storage::Release& release) {
  JsonObject object;
  object.add("path", release.path.text(), whole);
  object.add("product", release.product, whole);
  add_text(object, "version", release.version ? std::optional(release.version->joined('.')) : std::nullopt);
  object.add_raw("spellings", json_texts(release.spellings));
  std::vector<std::string> images;
  for (const auto& image : release.images) images.push_back(to_json(image));
  object.add_raw("images", json_list(images));
  add_text(object, "imported_at", release.imported_at);
  object.add("current", release.current);
  object.add_raw("verified", !release.verified ? "null" : *release.verified ? "true" : "false");
  return object;
}

std::string json_of(const storage::Verification& found) {
  JsonObject object;
  object.add("path", found.path, whole);
  object.add("files", found.files);
  object.add("bytes", found.bytes);
  object.add("recorded", found.recorded);
  object.add("verified", found.verified && found.differences.empty());
  object.add_raw("differences", json_lines(found.differences));
  object.add_raw("remarks", json_lines(found.remarks));
  return object.text();
}

}  // namespace server
