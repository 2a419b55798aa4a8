#pragma once
#include <yaml-cpp/yaml.h>

#include <optional>
#include <string>

namespace server {

// JSON of a program or of a running server, which is YAML. Throws std::runtime_error, with `whose` it is, for
// what is none.
YAML::Node read_json(const std::string& text, const std::string& whose);
// The same, where it must be an object.
YAML::Node read_object(const std::string& text, const std::string& whose);

// A member of an object; nothing where it is missing, null, or of another kind.
template <class T>
std::optional<T> member(const YAML::Node& node, const char* key) {
  if (!node.IsMap()) return {};
  const auto value = node[key];
  T out{};
  if (!value || value.IsNull() || !YAML::convert<T>::decode(value, out)) return {};
  return out;
}

// A member that a running server says, for a terminal; empty where it is missing. A server escapes what
// clients say; one that was taken over would write what root's terminal obeys, so that this is one line
// without that.
std::string text_said(const YAML::Node& node, const char* key);
// All that it says, line by line, in the same way.
std::string text_said(const std::string& body);

}  // namespace server
