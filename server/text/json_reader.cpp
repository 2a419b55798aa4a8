#include "server/text/json_reader.hpp"

#include <fmt/format.h>

#include <stdexcept>

namespace server {

YAML::Node read_json(const std::string& text, const std::string& whose) {
  try {
    return YAML::Load(text);
  } catch (const YAML::Exception& e) {
    throw std::runtime_error(fmt::format("{} cannot be read: {}", whose, e.what()));
  }
}

YAML::Node read_object(const std::string& text, const std::string& whose) {
  auto node = read_json(text, whose);
  if (!node.IsMap()) throw std::runtime_error(fmt::format("{} is not a JSON object", whose));
  return node;
}

}  // namespace server
